"""What was agreed before a drill: who, what counts as success, and what changed since the run before it.

`charter.json` is written when the run opens, and its hash stands in the *opened* line: before all else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rto_rpo.evidence.agreed.changes import Change
from rto_rpo.evidence.lines.line import canonical
from rto_rpo.evidence.lines.record import Public, Sha256
from rto_rpo.evidence.names import CHARTER_NAME
from rto_rpo.ledger.records import Header
from rto_rpo.settled import Identity, identity

CHARTER_SCHEMA = "blackstart/charter/1"

DrillKind = Literal["live", "isolated", "restore", "tabletop"]
RoleName = Annotated[str, Field(min_length=1)]


class CharterError(ValueError):
    """The bytes are no charter. The message says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Objective(_Part):
    """As in the ledger's header; `stream` None: nothing measures it."""

    subject: str
    objective: Literal["rto", "rpo"]
    seconds: float
    stream: str | None = None


class Criteria(_Part):
    """What counts as success. `late_seconds` None: it is frozen from the steady state, before the fault."""

    judged: list[Objective]
    not_tested: list[Objective]
    late_seconds: float | None
    stable_seconds: float
    deadline_seconds: float


class Role(_Part):
    """Who the plan names for a role, and the public key (hex) that speaks for that person."""

    role: RoleName
    name: str
    public: Public | None = None


class Executor(_Part):
    """Who started it. `how`: on whose word; a name is *claimed* where nothing proves it."""

    name: str
    how: str


class Cell(_Part):
    """One combination to try: a fault, the kind of site it strikes, the kind of dataset judged ("none")."""

    fault: str
    site: str
    dataset: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """The part of a charter that the drill knows; the chain adds what it knows itself."""

    kind: DrillKind
    environment: str | None
    executor: Executor
    roles: tuple[Role, ...] = ()
    criteria: Criteria | None = None
    confirm: str | None = None
    scenario: str | None = None
    schedules: Mapping[str, str] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    tries: tuple[Cell, ...] = ()


class Charter(_Part):
    """`changes` since `previous_run`, the plan's run before; None: there was none, or its plan is gone.

    `schedules`: every drill of the plan that has one, in five cron fields, UTC; what is due follows from it.
    `cells`: all that this version could try of the plan; `tries`: what this run fills in, if it strikes.
    `confirm` is the hash over what is at stake: approvals name it. `head_before`: the chain as it stood.
    """

    schema_: Literal["blackstart/charter/1"] = Field(alias="schema")
    run: str
    plan: str
    drill: str
    kind: DrillKind
    environment: str | None
    scenario: str | None
    executor: Executor
    roles: list[Role]
    criteria: Criteria | None
    criteria_sha256: Sha256 | None
    confirm: str | None
    schedules: dict[str, str]
    previous_run: str | None
    changes: list[Change] | None
    head_before: Sha256
    cells: list[Cell] = []
    tries: list[Cell] = []

    def json_bytes(self) -> bytes:
        """charter.json: sorted keys, two spaces, ASCII."""
        content = self.model_dump(mode="json", by_alias=True)
        return json.dumps(content, sort_keys=True, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def charter(
    agreed: Agreed,
    *,
    run: str,
    plan: str,
    drill: str,
    previous_run: str | None,
    changes: list[Change] | None,
    head_before: str,
) -> Charter:
    """The whole charter of a run that is about to be opened."""
    return Charter(
        schema=CHARTER_SCHEMA,
        run=run,
        plan=plan,
        drill=drill,
        kind=agreed.kind,
        environment=agreed.environment,
        scenario=agreed.scenario,
        executor=agreed.executor,
        roles=list(agreed.roles),
        criteria=agreed.criteria,
        criteria_sha256=criteria_sha256(agreed.criteria) if agreed.criteria else None,
        confirm=agreed.confirm,
        schedules=dict(agreed.schedules),
        cells=list(agreed.cells),
        tries=list(agreed.tries),
        previous_run=previous_run,
        changes=changes,
        head_before=head_before,
    )


def criteria_sha256(criteria: Criteria) -> str:
    """Hash of the criteria in their canonical form."""
    return hashlib.sha256(canonical(criteria.model_dump(mode="json"))).hexdigest()


def parse_charter(content: bytes) -> Charter:
    """Raises CharterError."""
    try:
        return Charter.model_validate_json(content)
    except ValidationError as error:
        raise CharterError(error.errors(include_url=False, include_input=False)[0]["msg"]) from None


def frozen_charter(folder: Path, sha256: str | None) -> Charter | None:
    """A run's charter, where it is there and has the hash that its *opened* line holds; else None."""
    path = folder / CHARTER_NAME
    if sha256 is None or not path.is_file():
        return None
    known = identity(path)
    return _frozen(path, sha256) if known is None else _frozen_once(path, sha256, known)


@lru_cache(maxsize=4096)
def _frozen_once(path: Path, sha256: str, _: Identity) -> Charter | None:
    return _frozen(path, sha256)


def _frozen(path: Path, sha256: str) -> Charter | None:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        return None
    try:
        return parse_charter(content)
    except CharterError:
        return None


def criteria_of(header: Header) -> Criteria:
    """The criteria that a ledger was recorded under."""
    return Criteria(
        judged=[_objective(each) for each in header["judged"]],
        not_tested=[_objective(each) for each in header["not_tested"]],
        late_seconds=None if header["late_ns"] is None else header["late_ns"] / 1e9,
        stable_seconds=header["stable_ns"] / 1e9,
        deadline_seconds=header["deadline_ns"] / 1e9,
    )


def charter_findings(found: Charter, header: Header) -> Iterator[str]:
    """Where the ledger was recorded under other terms than were agreed."""
    for name, said, recorded in (
        ("run", found.run, header["run"]),
        ("drill", found.drill, header["drill"]["name"]),
        ("kind of drill", found.kind, header["drill"]["kind"]),
    ):
        if said != recorded:
            yield f'its ledger says {name} {recorded!r}, "{CHARTER_NAME}" says {said!r}'
    fault = header["drill"]["fault"].get("kind")
    if any(cell.fault != fault for cell in found.tries):
        yield f'its ledger was recorded with the fault {fault!r}, "{CHARTER_NAME}" says that it tries another'
    if found.criteria is not None and found.criteria != criteria_of(header):
        yield f'its ledger was recorded under other criteria than "{CHARTER_NAME}" froze'
    if found.criteria is not None and found.criteria_sha256 != criteria_sha256(found.criteria):
        yield f'the hash of the criteria in "{CHARTER_NAME}" is not that of its criteria'


def _objective(each: Any) -> Objective:  # noqa: ANN401 - a TypedDict of the ledger
    return Objective(
        subject=each["subject"], objective=each["objective"], seconds=each["seconds"], stream=each["stream"]
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of charter.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Charter.model_json_schema(by_alias=True),
        "title": CHARTER_SCHEMA,
    }
