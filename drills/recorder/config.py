"""What the recorder is told when it starts: one JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from drills.clients import ClientConfig
from rto_rpo.ledger.records import SCHEMA

SOCKET_NAME = "socket"
LOG_NAME = "recorder.log"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamConfig(_Strict):
    """One stream of numbered operations. `role` old_primary is kept apart from what clients see."""

    name: str
    role: Literal["clients", "old_primary"] = "clients"
    address: str
    dataset: str | None = None
    service: str | None = None
    interval_ns: PositiveInt
    limit_ns: PositiveInt
    client: ClientConfig

    @property
    def in_flight_max(self) -> int:
        """Operations that may be under way at once: rate times limit, and a tenth for late time-outs."""
        return self.limit_ns * 11 // (self.interval_ns * 10) + 10


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
        streams = [
            stream.model_dump(
                include={"name", "role", "address", "dataset", "service", "interval_ns", "limit_ns"}
            )
            for stream in self.streams
        ]
        return {
            "schema": SCHEMA,
            **self.header,
            "boot": boot,
            "streams": streams,
            "late_ns": self.late_ns,
            "stable_ns": self.stable_ns,
            "deadline_ns": self.deadline_ns,
            "seed": self.seed,
        }
