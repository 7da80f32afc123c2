from .adb.discovery import default_device as default_device
from .devices.device import Device as Device
from .devices.device_pool import Fleet as Fleet
from .devices.factory import (
    open_device as open_device,
)
from .devices.factory import (
    open_fleet as open_fleet,
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
    "Fleet",
    "RemoteModel",
    "Session",
    "default_device",
    "open_device",
    "open_fleet",
    "open_session",
]
