"""Outcomes in words and exit codes: the same for the command line, for Prefect's logs and its artifacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flows.protection.protect import Made, Outcome, Replicated
from flows.protection.upkeep import Kept
from rto_rpo.report.words import count
from sites.protection.objects.replication import ObjectsReplicated
from sites.protection.stanza_backup import MarkArrived, StanzaBackup
from sites.protection.stanza_upkeep import Expired, Verified
from sites.protection.tested import RestoreTestResult
from sites.protection.upkeep import Pruned, Read

_Result = TypeVar("_Result")
DONE, FAILED, UNKNOWN = 0, 1, 3
_RESTIC_ID_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One outcome told: `state` in a word, `exit_code` what it alone would end a command with."""

    subject: str
    state: str
    what: str
    exit_code: int

    def __str__(self) -> str:
        return f"{self.subject}: {self.state}, {self.what}"


def exit_code(rows: Sequence[Row]) -> int:
    """A failure outweighs what is unknown, and that outweighs what is done."""
    codes = {row.exit_code for row in rows}
    return FAILED if FAILED in codes else UNKNOWN if UNKNOWN in codes else DONE


def backed_up(outcome: Outcome[Made]) -> Row:
    def told(result: Made) -> Row:
        if isinstance(result, StanzaBackup):
            return _base_backup(result)
        what = (
            f"{count(result.files, 'file')}, {_size(result.bytes)} ({_size(result.added_bytes)} new) to "
            f"{result.repository} in {result.seconds:.1f} s, snapshot {result.snapshot_id[:8]}"
        )
        if result.partial:
            unreadable = ", ".join(result.unreadable[:3]) or "something"
            return Row(result.dataset, "partial", f"{what}; could not be read: {unreadable}", FAILED)
        if result.odd:
            return Row(result.dataset, "odd", f"{what}; it is whole, but odd: {result.odd}", FAILED)
        return Row(result.dataset, "backed up", what, DONE)

    return _row(outcome, told)


def _base_backup(result: StanzaBackup) -> Row:
    what = (
        f"{result.kind} backup of {_size(result.bytes)} ({_size(result.added_bytes)} new) to "
        f"{result.repository} in {result.seconds:.1f} s, {result.label}"
    )
    if result.partial:
        return Row(result.dataset, "partial", f"{what}; the server has pages with wrong checksums", FAILED)
    if result.odd:
        return Row(result.dataset, "odd", f"{what}; it is whole, but odd: {result.odd}", FAILED)
    return Row(result.dataset, "backed up", what, DONE)


def replicated(outcome: Outcome[Replicated]) -> Row:
    def told(result: Replicated) -> Row:
        if isinstance(result, MarkArrived):
            until = f"{result.taken:%Y-%m-%dT%H:%M:%SZ}"
            what = f'the log of "{result.dataset}" up to {result.lsn}, {until}, in {result.seconds:.1f} s'
            return Row(result.repository, "replicated", what, DONE)
        if isinstance(result, ObjectsReplicated):
            return _objects(result)
        what = (
            f"{count(len(result.copied), 'snapshot')} from {result.source} in {result.seconds:.1f} s, "
            f"{result.already_there} there before"
        )
        return Row(result.target, "replicated", what, DONE)

    return _row(outcome, told)


def _objects(result: ObjectsReplicated) -> Row:
    what = (
        f"{count(result.copied, 'object')}, {_size(result.copied_bytes)} by {result.by} to {result.bucket} "
        f"in {result.seconds:.1f} s, {result.objects - result.copied} there before"
    )
    what += f", {result.deleted} deleted" if result.deleted else ""
    what += f", {result.damaged} of the copied were damaged there" if result.damaged else ""
    if result.partial:
        named = "; ".join(result.failed[:3])
        return Row(result.dataset, "partial", f"{what}; {result.failures} failed: {named}", FAILED)
    return Row(result.dataset, "replicated", f"{what}, mark {result.mark}", DONE)


def tested(outcome: Outcome[RestoreTestResult]) -> Row:
    def told(result: RestoreTestResult) -> Row:
        code = {"met": DONE, "missed": FAILED, "inconclusive": UNKNOWN}[result.verdict]
        speed = f", {_size(result.bytes)} in {result.seconds:.1f} s" if result.bytes else ""
        named = f": {', '.join(result.mismatches[:3])}" if result.mismatches else ""
        snapshot = f", snapshot {short(result.snapshot_id)}" if result.snapshot_id else ""
        what = f"{result.reason}{named}{speed}{snapshot} from {result.repository}"
        if result.older:
            what = f"older point{f' of {result.taken:%Y-%m-%dT%H:%M:%SZ}' if result.taken else 's'}: {what}"
        return Row(result.dataset, result.verdict, what, code)

    return _row(outcome, told)


def kept_up(outcome: Outcome[Kept]) -> Row:
    def told(result: Kept) -> Row:
        where = result.repository
        if isinstance(result, Read):
            whole = f"; all were read since {result.whole:%Y-%m-%d}" if result.whole else ""
            what = f"part {result.part} of {result.parts} of its packs in {result.seconds:.1f} s{whole}"
            return Row(where, "sound", what, DONE)
        if isinstance(result, Verified):
            return Row(where, "sound", f"all of it was read in {result.seconds:.1f} s", DONE)
        if isinstance(result, Expired):
            return Row(where, "expired", f"{count(len(result.dropped), 'backup')}", DONE)
        if isinstance(result, Pruned):
            return Row(where, "pruned", f"in {result.seconds:.1f} s", DONE)
        waiting = f"; {result.awaited} more once they are at the other site" if result.awaited else ""
        what = f"{len(result.forgotten)} of {len(result.forgotten) + result.kept} points in {where}{waiting}"
        return Row(result.dataset, "forgotten", what, DONE)

    return _row(outcome, told)


def short(snapshot_id: str) -> str:
    """An id as it is told: the 64 letters of restic's by their first eight, pgBackRest's labels whole."""
    return snapshot_id[:8] if len(snapshot_id) == _RESTIC_ID_LETTERS else snapshot_id


def as_data(outcome: Outcome[Any]) -> dict[str, Any]:
    return {"subject": outcome.subject, "result": outcome.result, "error": outcome.error}


def _row(outcome: Outcome[_Result], told: Callable[[_Result], Row]) -> Row:
    if outcome.result is not None:
        return told(outcome.result)
    return Row(outcome.subject, "failed", str(outcome.error), FAILED)


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
