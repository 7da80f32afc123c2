"""What a device's server says it is: its platform, its cores, its build."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Platform = Literal["hardware", "virtual machine", "emulator", "unknown"]


@dataclass(frozen=True)
class ServerIdentity:
    """The answer of `depthbench.identity`; of a server without it, such as TVM's own, all unknown.

    `signs` are those of an emulator or a virtual machine that were seen. `cores` are the MIDR_EL1
    of each core by its number, and `midr` is that of the core that answered: 8 hexadecimal digits.
    `counter_hz` is the rate of the core's clock. `build` tells builds of the server apart.
    """

    platform: Platform = "unknown"
    signs: tuple[str, ...] = ()
    cores: dict[str, str] = field(default_factory=dict)
    midr: str | None = None
    counter_hz: int | None = None
    build: str | None = None

    @property
    def emulated(self) -> bool | None:
        """Whether its times are an emulator's; None where that is not known."""
        return None if self.platform == "unknown" else self.platform == "emulator"

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return {**asdict(self), "signs": list(self.signs)}


def parse_identity(text: str) -> ServerIdentity:
    """The identity in lines of NAME=VALUE; what is missing or of another form is unknown."""
    told = {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}
    cores = (core.partition(":") for core in told.get("cores", "").split(","))
    hertz, midr = told.get("counter_hz", ""), told.get("midr", "")
    return ServerIdentity(
        platform=next((p for p in get_args(Platform) if p == told.get("platform")), "unknown"),
        signs=tuple(filter(None, told.get("signs", "").split(","))),
        cores={number: midr for number, colon, midr in cores if colon},
        midr=midr if midr.strip("0") else None,
        counter_hz=int(hertz) or None if hertz.isascii() and hertz.isdigit() else None,
        build=told.get("build") or None,
    )
