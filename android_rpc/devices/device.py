"""What is a device to the rest of the program?"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from android_rpc.tracker.tracker import AnyTracker

if TYPE_CHECKING:
    from android_rpc.tracker.tracker_lease import Claim


class Endpoint(NamedTuple):
    """What `session.open_session` needs: the tracker's address, the device's key, and the claim
    on one of several devices with that key, where there is one.
    """

    host: str
    port: int
    key: str
    claim: Claim | None = None


class Device(Protocol):
    """Something that runs TVM's RPC server: an emulated phone, a phone, a machine elsewhere.

    `name` says where a number was taken, and `emulated` that it is no measurement of a phone.
    `key` is what clients ask a tracker for; it is new for every run, so that nobody else at the
    same tracker gets the device by accident, unless it is set. `listen` is the address of this
    machine at which clients reach it.
    """

    name: str
    emulated: bool
    key: str
    listen: str

    def serve(self, tracker: AnyTracker) -> AbstractContextManager[Endpoint]:
        """Starts the server and waits until `tracker` lists it; ends it with the block.

        Raises DeviceError when the server does not come up.
        """
        ...

    def prepare(self) -> None:
        """Returns when the device may be measured: called before every session.

        Raises DeviceError when it does not get into a state fit for that.
        """
        ...

    def conditions(self) -> dict[str, Any]:
        """What a record must say about the device: plain values, ready for JSON."""
        ...
