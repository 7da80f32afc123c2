"""What the schema of every record has."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = "depthbench.record/1"


class Open(BaseModel):
    """One of whose fields others may stand too."""

    model_config = ConfigDict(extra="allow", strict=True)


class Server(Open):
    """What the device's server says it is; see devices.md."""

    platform: Literal["hardware", "virtual machine", "emulator", "unknown"]
    signs: list[str] = Field([], description="Of an emulator or a virtual machine, as seen.")
    cores: dict[str, str] = Field({}, description="MIDR_EL1 of each core, hexadecimal, by number.")
    midr: str | None = Field(None, description="That of the core that answered.")
    counter_hz: int | None = Field(None, description="Rate of the cores' clock, CNTFRQ_EL0.")
    build: str | None = Field(None, description="Of the server's sources and flags.")


class Conditions(Open):
    """All that the figures depend on."""

    host: dict[str, Any] | None = Field(None, description="The machine that measured.")
    tools: dict[str, Any] | None = Field(None, description="Versions of packages, by name.")
    git: dict[str, Any] | None = Field(None, description="Commit, and whether it was changed.")
    server: Server | None = Field(None, description="What the device's server says it is.")


class Record(Open):
    """What every record holds."""

    schema_: Literal["depthbench.record/1"] = Field(alias="schema")
    id: str = Field(description="32 hexadecimal digits, of this record alone.")
    time: str = Field(description="When it was made, ISO 8601, UTC.")
    model: str = Field(description="The network's name, or the file's.")
    model_sha256: str | None = Field(None, description="Of the ONNX file.")
    model_file: str | None = Field(
        None, description="Path of the ONNX file; null where the network's name stands for it."
    )
    input_shapes: dict[str, list[int]] | None = Field(
        None, description="Those given for inputs whose shape the ONNX file leaves open."
    )
    conditions: Conditions
