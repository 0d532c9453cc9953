"""Validation of a ledger's records, one at a time."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.records import SCHEMA, Length, Name, Record

_OPEN = ConfigDict(strict=True)


@with_config(_OPEN)
class FrozenDetail(TypedDict):
    late_ns: Length


@with_config(_OPEN)
class EffectiveDetail(TypedDict):
    holds: bool
    how: str


@with_config(_OPEN)
class CheckDetail(TypedDict):
    name: Name
    verdict: Literal["met", "missed", "inconclusive"]
    reason: Name


@with_config(_OPEN)
class AbortedDetail(TypedDict):
    reason: Name


@with_config(_OPEN)
class SeenVersion(TypedDict):
    """The version of `what`, as `by` said it; null where it is not known, and `problem` says why."""

    what: Name
    where: Name
    version: Name | None
    by: Name
    problem: Name | None


@with_config(_OPEN)
class VersionsDetail(TypedDict):
    seen: list[SeenVersion]


_DETAILS: Final[dict[str, TypeAdapter[Any]]] = {
    "frozen": TypeAdapter(FrozenDetail),
    "fault_effective": TypeAdapter(EffectiveDetail),
    "check": TypeAdapter(CheckDetail),
    "aborted": TypeAdapter(AbortedDetail),
    "versions": TypeAdapter(VersionsDetail),
}
_RECORD: Final[TypeAdapter[Record]] = TypeAdapter(Annotated[Record, Field(discriminator="kind")])


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one line of a ledger."""
    return {"title": SCHEMA, **_RECORD.json_schema()}


def checked(line: int, record: object) -> Record:
    """Give `record` back with its type known.

    Raises LedgerError(line, ...) for an unknown schema, kind or field, or a value out of its range.
    """
    schema = record.get("schema") if isinstance(record, dict) else None
    if isinstance(record, dict) and record.get("kind") == "header" and schema != SCHEMA:
        raise LedgerError(line, _unknown_schema(schema))
    try:
        shaped = _RECORD.validate_python(record)
        if shaped["kind"] == "event" and shaped["event"] in _DETAILS:
            _DETAILS[shaped["event"]].validate_python(shaped["detail"])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "record"
        raise LedgerError(line, f"{where}: {first['msg']}") from None
    return shaped


def _unknown_schema(schema: object) -> str:
    found = re.fullmatch(r"blackstart/ledger/(\d{1,9})", schema) if isinstance(schema, str) else None
    if found and int(found[1]) > int(SCHEMA.rsplit("/", 1)[1]):
        return f"schema {schema!r} is newer than this judge, which reads {SCHEMA!r}; use a newer version"
    return f"schema {schema!r} is not known; this judge reads {SCHEMA!r}"
