"""What the recorder is told when it starts: one JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from drills.clients import ClientConfig
from drills.payload import SIZE_BYTES
from rto_rpo.ledger.records import SCHEMA, Role

SOCKET_NAME = "socket"
LOG_NAME = "recorder.log"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamConfig(_Strict):
    """One stream of numbered operations. Only role `clients` is what clients see: see the ledger's roles."""

    name: str
    role: Role = "clients"
    address: str
    dataset: str | None = None
    service: str | None = None
    interval_ns: PositiveInt
    limit_ns: PositiveInt
    client: ClientConfig
    clients: PositiveInt = 1
    payload_bytes: PositiveInt = SIZE_BYTES
    delete_one_in: PositiveInt | None = None
    restored: bool = False
    site: str | None = None

    @property
    def in_flight_max(self) -> int:
        """Operations that may be under way at once: rate times limit, and a tenth for late time-outs."""
        return self.limit_ns * 11 // (self.interval_ns * 10) + 10

    @property
    def files_max(self) -> int:
        """Connections that may be open at once: under way, a second's that linger, and those of deletions."""
        writes = self.in_flight_max + 1_000_000_000 // self.interval_ns
        return writes if self.delete_one_in is None else writes + writes // self.delete_one_in

    def record(self) -> dict[str, Any]:
        """What the ledger's header says of it."""
        said = {"name", "role", "address", "dataset", "service", "interval_ns", "limit_ns"}
        written = {"payload_bytes": self.payload_bytes} if self.role != "control" else {}
        more = ({"restored": True} if self.restored else {}) | ({"site": self.site} if self.site else {})
        return {**self.model_dump(include=said), **written, **more}


class RecorderConfig(_Strict):
    """All lengths are nanoseconds.

    `header` is what only the drill knows of the ledger's: judge, run, plan, drill, judged, not_tested.
    """

    folder: Path
    header: dict[str, Any]
    streams: tuple[StreamConfig, ...]
    late_ns: PositiveInt | None = None
    stable_ns: PositiveInt
    deadline_ns: PositiveInt
    seed: int
    steady_ns: PositiveInt = 2_000_000_000
    attach_ns: PositiveInt = 30_000_000_000
    read_back_ns: PositiveInt = 60_000_000_000
    lifetime_ns: PositiveInt = 24 * 3_600_000_000_000

    @model_validator(mode="after")
    def _names_are_unique(self) -> RecorderConfig:
        names = [stream.name for stream in self.streams]
        if len(set(names)) < len(names):
            raise ValueError(f"two streams have the same name: {names}")
        return self

    @property
    def run(self) -> str:
        return str(self.header["run"])

    def header_record(self, boot: str) -> dict[str, Any]:
        """The ledger's first record, without `seq`, `ns`, `prev` and `kind`."""
        return {
            "schema": SCHEMA,
            **self.header,
            "boot": boot,
            "streams": [stream.record() for stream in self.streams],
            "late_ns": self.late_ns,
            "stable_ns": self.stable_ns,
            "deadline_ns": self.deadline_ns,
            "seed": self.seed,
        }
