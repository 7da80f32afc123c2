"""What a device is to the rest of the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from android_rpc.tracker.tracker import AnyTracker, Tracker

if TYPE_CHECKING:
    from android_rpc.session import Session
    from android_rpc.telemetry.recorder import Reading
    from android_rpc.tracker.tracker_lease import DeviceLease


class Endpoint(NamedTuple):
    """What `session.open_session` needs: the tracker's address, the device's key, and the lease
    of one of several devices with that key, where there is one.
    """

    host: str
    port: int
    key: str
    lease: DeviceLease | None = None


class Device:
    """Something that runs TVM's RPC server: an emulated phone, a phone, a machine elsewhere.

    `name` says where a number was taken, and `emulated` that it is no measurement of a phone.
    `key` is what clients ask a tracker for; it is new for every run, so that nobody else at the
    same tracker gets the device by accident, unless it is set. `listen` is the address of this
    machine at which clients reach it. A kind of device overrides `serve`, `conditions` and what
    else it has to do.
    """

    name: str
    emulated: bool
    key: str
    listen: str

    def serve(self, tracker: AnyTracker) -> AbstractContextManager[Endpoint]:
        """Starts the server and waits until `tracker` lists it; ends it with the block.

        Raises DeviceError when the server does not come up, InputError for a device that somebody
        else serves.
        """
        raise NotImplementedError

    def conditions(self) -> dict[str, Any]:
        """What a record must say about the device: plain values, ready for JSON."""
        raise NotImplementedError

    @contextmanager
    def reach(self) -> Iterator[Endpoint]:
        """Makes the device reachable for the block, by default served at a tracker of its own.

        Raises what `serve` raises.
        """
        with Tracker() as tracker, self.serve(tracker) as endpoint:
            yield endpoint

    @property
    def present(self) -> bool:
        """Whether a device that was lost is there again."""
        return True

    @property
    def shared_name(self) -> str:
        """What to call the device at a tracker that others use."""
        return self.name

    def prepare(self) -> None:
        """Returns when the device may be measured: called before every session.

        Raises DeviceError when it does not get into a state fit for that.
        """

    def settle(self, session: Session) -> None:
        """Returns when the device may be measured, as `session` with it tells; see `prepare`."""

    def sample(self) -> None:
        """Has clocks, temperatures and battery read now, where the device records them."""

    def readings(self) -> list[Reading]:
        """What was recorded of clocks, temperatures and battery since `serve` began."""
        return []

    def release(self) -> None:
        """Lets others have the device; may be called again."""
