from .devices.device import Device as Device
from .devices.device_pool import DevicePool as DevicePool
from .devices.factory import (
    default_device as default_device,
)
from .devices.factory import (
    open_device as open_device,
)
from .devices.factory import (
    open_device_pool as open_device_pool,
)
from .session import (
    RemoteModel as RemoteModel,
)
from .session import (
    Session as Session,
)
from .session import (
    open_session as open_session,
)

__all__ = [
    "Device",
    "DevicePool",
    "RemoteModel",
    "Session",
    "default_device",
    "open_device",
    "open_device_pool",
    "open_session",
]
