"""What people have to be told of, each with its object, the reason, and the command that comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flows.exposure.status import Status, status_of
from rto_rpo.evidence import EvidenceError
from rto_rpo.objective import Duration
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.protection.history import Event, History
from sites.protection.retained import failing

_LATE = 2  # so many times `every` without a backup is late
_BAD_OUTCOMES = {"failed", "partial", "missed", "inconclusive"}
_ACTS = {
    "backup": ("backup", "blackstart backup {0}"),
    "replication": ("replication to", "blackstart replicate"),
    "restore_test": ("restore test of", "blackstart restore-test {0}"),
    "older_test": ("older points of", "blackstart restore-test {0} --all"),
    "reading": ("packs of", "blackstart upkeep"),
    "retention": ("retention in", "blackstart upkeep"),
    "prune": ("pruning of", "blackstart upkeep"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """`key` is the same as long as the same thing is wrong with the same object."""

    key: str
    about: str
    reason: str
    command: str

    def __str__(self) -> str:
        return f"{self.about}: {self.reason}\n  next: {self.command}"


def notices(estate: Estate, now: datetime | None = None) -> tuple[list[Notice], str | None]:
    """All that is wrong now, and the head of the chain. What cannot be looked at is a notice as well."""
    instant = now or datetime.now(UTC)
    try:
        found = status_of(estate, instant)
        events = History(estate.history).events()
    except (BlackstartError, EvidenceError) as error:
        return [Notice("status", "the status", f"cannot be had: {error}", "blackstart status")], None
    told = [*_of_rounds(events), *_late(estate, events, instant), *_of_status(found)]
    return told, found.head


def _of_rounds(events: Sequence[Event]) -> Iterator[Notice]:
    """The last of each kind of act on each object, where it went wrong."""
    last = {(event.kind, event.repository, event.dataset): event for event in _not_older(events)}
    for event in (*last.values(), *failing(events)):
        kind, repository, dataset = event.kind, event.repository, event.dataset
        odd = event.detail.get("odd")
        if event.outcome not in _BAD_OUTCOMES and not odd:
            continue
        about, command = _ACTS[kind]
        name = dataset or repository
        reason = event.detail.get("error") or event.detail.get("reason") or odd or _unreadable(event)
        point = f":{event.detail.get('snapshot_id')}" if kind == "older_test" else ""
        yield Notice(
            f"{kind}:{name}:{repository}{point}",
            f'{about} "{name}"',
            f"{'odd' if odd else event.outcome} at {event.utc:%Y-%m-%d %H:%M} UTC: {reason}",
            command.format(name),
        )


def _not_older(events: Sequence[Event]) -> Iterator[Event]:
    return (event for event in events if event.kind != "older_test")


def _unreadable(event: Event) -> str:
    if failed := event.detail.get("failed"):
        return "not copied: " + ", ".join(map(str, failed[:3]))
    named = ", ".join(map(str, event.detail.get("unreadable", ())))
    return f"could not be read: {named}" if named else "no reason was kept"


def _late(estate: Estate, events: Sequence[Event], now: datetime) -> Iterator[Notice]:
    made = {e.dataset: e.utc for e in events if e.kind == "backup" and e.outcome in ("done", "partial")}
    for name, noun in estate.plan.datasets.items():
        if noun.kind == "objects":
            yield from _late_objects(name, noun.every, events, now)
        if noun.backup is None or noun.backup.by == "external":
            continue  # whether theirs is late shows in the exposure
        allowed = timedelta(seconds=_LATE * noun.backup.every.seconds)
        last = made.get(name)
        if last is None or now - last > allowed:
            since = f"the last one ended {last:%Y-%m-%d %H:%M} UTC" if last else "there never was one"
            reason = f"late: one every {noun.backup.every} is due, {since}"
            yield Notice(f"late:{name}", f'backup of "{name}"', reason, f"blackstart backup {name}")


def _late_objects(name: str, every: Duration, events: Sequence[Event], now: datetime) -> Iterator[Notice]:
    made = [e.utc for e in events if (e.kind, e.dataset, e.outcome) == ("replication", name, "done")]
    if not made or now - made[-1] > timedelta(seconds=_LATE * every.seconds):
        since = f"the last one ended {made[-1]:%Y-%m-%d %H:%M} UTC" if made else "there never was one"
        reason = f"late: one every {every} is due, {since}"
        yield Notice(f"late:{name}", f'replication of "{name}"', reason, "blackstart replicate")


def _of_status(found: Status) -> Iterator[Notice]:
    for row in found.datasets:
        if row.exceeded:
            age = "unknown" if row.age_seconds is None else f"{row.age_seconds:.0f} s"
            why = "; ".join(("", *row.notes))
            reason = f"exposure is {age}, the rpo {row.rpo_seconds:g} s{why}"
            yield Notice(f"exposure:{row.dataset}", f'dataset "{row.dataset}"', reason, "blackstart status")
    for what in found.left_behind:
        yield Notice(f"left:{what}", "left behind", what, "blackstart recover")
    for what in found.unprotected:
        yield Notice(f"standby:{what.partition(':')[0]}", "standby lost", what, "blackstart check")
    for what in found.unread:
        yield Notice(f"unread:{what.partition(':')[0]}", "packs", what, "blackstart upkeep")
    for run in found.drills:
        if run.verdict in ("missed", "inconclusive"):
            about, command = f'drill "{run.drill}"', f"blackstart report {run.folder}"
            yield Notice(f"drill:{run.folder}", about, f"{run.verdict} at {run.utc[:16]}Z", command)
    for each in found.not_run:
        about = f'drill "{each.drill}"'
        reason = f"was due at {each.due:%Y-%m-%d %H:%M} UTC and did not run"
        key = f"not-run:{each.drill}:{each.due:%Y%m%d%H%M}"
        yield Notice(key, about, reason, f"blackstart drill {each.drill} --preview")
