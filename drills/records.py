"""What people add to a plan's evidence: under whose name, about which run, and kept at the other site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from drills.agreement import named
from drills.closing import signing_key, told_as_ours
from drills.keeping import kept_elsewhere
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.changes import LOADER
from rto_rpo.evidence.keeping.adding import add_record, find_run
from rto_rpo.evidence.lines.history import RunRecord, entries_of, run_records
from rto_rpo.evidence.lines.record import AnyEntry, By
from rto_rpo.evidence.lines.signature import SigningKey, load_key
from sites.errors import BlackstartError, GuardError
from sites.plan import Plan

NAME_LETTERS_MAX = 200
_ENTRY: TypeAdapter[AnyEntry] = TypeAdapter(AnyEntry)


_SAY_SOMETHING = {
    "note": 'such as: blackstart note "the switch was slow"',
    "deviation": 'such as: blackstart note --deviation "began an hour late"',
    "finding": "--text TEXT says what has to be mended",
    "hold": "--reason TEXT",
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says something, and the key that proves it; without one the name is only claimed."""

    by: By
    key: SigningKey | None


@dataclass(frozen=True, slots=True)
class Added:
    """The chain's new head, and what should have followed and did not."""

    head: str
    not_done: tuple[str, ...]


def speaker(plan: Plan, name: str | None, role: str | None, key_file: Path | None) -> Speaker:
    """The name given; else the one whom the plan lists for this key; else the account.

    Raises BlackstartError when the key cannot be used.
    """
    if name == "" or len(name or "") > NAME_LETTERS_MAX:
        raise GuardError(f"a name has 1 to {NAME_LETTERS_MAX} letters", hint="--as NAME")
    key = None
    if key_file is not None:
        with told_as_ours("sign with", str(key_file)):
            key = load_key(key_file)
    for listed, who in plan.roles.named().items():
        if key is not None and who.key == key.public_hex and role in (None, listed):
            return Speaker(By(name=name or who.name, role=listed), key)
    return Speaker(By(name=name or named(None).name, role=role), key)


def run_of(plan: Plan, named_run: str) -> RunRecord:
    """A run of this plan; "last" is its newest. Raises BlackstartError when there is none, or more than one.

    Other plans may keep their evidence in the same folder: what is said of their runs is said by their plan.
    """
    root = plan.evidence.path
    if named_run == "last":
        runs = run_records(entries_of(root))
        own = [run for run in runs if run.opened.plan in names_of(plan)]
        if runs and not own:
            others = ", ".join(sorted({f'"{run.opened.plan}"' for run in runs}))
            raise GuardError(
                f'plan "{plan.name}" has no run in "{root}" yet; there are runs of {others}',
                hint="give the plan that it is of: --plan FILE",
            )
        if own:
            return own[-1]
    try:
        found = find_run(root, named_run)
    except EvidenceError as error:
        raise BlackstartError(str(error), hint=error.hint) from None
    require_own(plan, f"run {found.opened.folder}", found.opened.plan)
    return found


def require_own(plan: Plan, what: str, owner: str) -> None:
    """Raises GuardError, naming the plan that it is of, when that is another one."""
    if owner not in names_of(plan):
        raise GuardError(
            f'{what} is of plan "{owner}", not of "{plan.name}"',
            hint="give the plan that it is of: --plan FILE (of one that was renamed, as it was then)",
        )


def names_of(plan: Plan) -> set[str]:
    """Its name, and as its file writes it: the chain has it without the variables filled in."""
    return {plan.name, str(yaml.load(plan.raw, Loader=LOADER)["name"])}  # noqa: S506 - it makes nothing but text


def made(what: str, who: Speaker, **content: object) -> AnyEntry:
    """The record with this content. Raises GuardError where it cannot be one, or says nothing."""
    if what in _SAY_SOMETHING and not str(content.get("text") or "").strip():
        raise GuardError(
            f"cannot enter this {what.replace('_', '-')}: it says nothing", hint=_SAY_SOMETHING[what]
        )
    try:
        return _ENTRY.validate_python({"what": what, "by": who.by.model_dump(), **content})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"][1:])
        raise GuardError(f"cannot enter this {what.replace('_', '-')}: {where}: {fault['msg']}") from None


def add(
    plan: Plan, entry: AnyEntry, who: Speaker, *, run: RunRecord | None = None, drill: str | None = None
) -> Added:
    """Put it into the chain. Raises BlackstartError."""
    opened = run.opened if run is not None else None
    with told_as_ours("enter", f"a {entry.what.replace('_', '-')}"):
        head = add_record(
            plan.evidence.path,
            entry,
            plan=opened.plan if opened is not None else plan.name,
            run=opened.run if opened is not None else None,
            drill=opened.drill if opened is not None else drill,
            key=signing_key(plan),
            now=datetime.now(UTC),
            person=who.key,
        )
    return Added(head, tuple(kept_elsewhere(plan, None)))


def instant(written: str) -> str:
    """A time as people write it, in UTC unless it says otherwise. Raises GuardError."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise GuardError(f'"{written}" is no time', hint='write it as "2026-11-22T06:00Z"') from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
