"""What can be wrong with a folder of evidence, by whoever holds the key: one table for both checks.

`both`: refused by `verify` and by the stand-alone check. `neither`: there is nothing wrong. `verify alone`:
those that docs/evidence.md says the stand-alone check leaves to it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from rto_rpo.evidence.agreed.charter import Role
from rto_rpo.evidence.keeping.adding import add_record
from rto_rpo.evidence.lines.history import entries_of, run_records
from rto_rpo.evidence.lines.record import AnyEntry, Approval, By, Finding, FindingState, Hold, Note, SignOff
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.report.document import to_json
from rto_rpo.report.publish import of_run
from tests.rto_rpo.evidence.folders import NOW, add_run, agreed, folders, open_one
from tests.rto_rpo.evidence.forger import Lines, lines_of, rewritten
from tests.rto_rpo.report.runs import MET, MISSED
from tests.rto_rpo.report.runs import PLAN as RUN_PLAN

PLAN = "trading-desk"
KEPT = RUN_PLAN + b"evidence: {retention: 1d}\n"
SMALL = replace(MET, interval_seconds=0.25, end_at_seconds=1.8, plan=KEPT)
SECOND = replace(MISSED, number=2, interval_seconds=0.1, end_at_seconds=1.8, plan=KEPT)
THIRD = replace(SMALL, number=3)
CONFIRM = "0123456789abcdef"
LATER = NOW + timedelta(days=3)
BY = By(name="Bo", role="approver")


@dataclass(frozen=True)
class Made:
    """Evidence of two runs, the first signed off by Bo, and both keys."""

    root: Path
    key: SigningKey
    bo: SigningKey

    def say(self, entry: AnyEntry, *, run: str | None = SMALL.run, at: datetime = LATER) -> None:
        add_record(
            self.root, entry, plan=PLAN, run=run, drill="kill-primary", key=self.key, now=at, person=self.bo
        )

    def rewrite(self, change: Callable[[Lines], Lines]) -> None:
        rewritten(self.root, self.key, change)

    def closing(self, place: int = 0) -> str:
        found = run_records(entries_of(self.root))[place].closed_sha256
        assert found is not None
        return found

    def charter(self, **other: Any) -> None:
        """The newest charter says something else, and report and chain with it."""
        path = folders(self.root)[-1]
        told = json.loads((path / "charter.json").read_bytes())
        (path / "charter.json").write_text(json.dumps({**told, **other}, sort_keys=True, indent=2) + "\n")
        (path / "report.json").write_bytes(to_json(of_run(path)))
        self.rewrite(lambda lines: lines)


def make(root: Path, key: SigningKey, bo: SigningKey) -> Made:
    made = Made(root, key, bo)
    role = Role(role="approver", name="Bo", public=bo.public_hex)
    for run in (SMALL, SECOND):
        add_run(root, run, key, agreed(run, role, confirm=CONFIRM, schedules={"kill-primary": "0 6 * * 6"}))
    made.say(SignOff(what="sign_off", by=BY, text="", decision="accepted", closed=made.closing()))
    return made


def of_kind(lines: Lines, kind: str) -> int:
    return next(at for at, line in enumerate(lines) if line["kind"] == kind)


def changed(place: int, **other: Any) -> Callable[[Lines], Lines]:
    return lambda lines: [
        {**line, **other} if at == place % len(lines) else line for at, line in enumerate(lines)
    ]


def of_entry(**other: Any) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:-1], {**lines[-1], "entry": {**lines[-1]["entry"], **other}}]


def of_author(**other: Any) -> Callable[[Lines], Lines]:
    return lambda lines: of_entry(by={**lines[-1]["entry"]["by"], **other})(lines)


def without(name: str) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:-1], {key: value for key, value in lines[-1].items() if key != name}]


def moved(at: int, to: int) -> Callable[[Lines], Lines]:
    def change(lines: Lines) -> Lines:
        line = lines[at]
        rest = [each for each in lines if each is not line]
        return [*rest[:to], line, *rest[to:]]

    return change


def unsaid(change: Callable[[Lines], Lines]) -> Callable[[Lines], Lines]:
    """Without the sign-off, whose hash would tell by itself that a line before it is another one."""
    return lambda lines: change(lines[:-1])


def approved_afterwards(made: Made) -> None:
    made.rewrite(unsaid(lambda lines: lines))
    made.say(Approval(what="approval", by=BY, text="", decision="accepted", confirm=CONFIRM), run=None)
    made.rewrite(moved(-1, 0))


def taken_back(made: Made) -> None:
    no = SignOff(what="sign_off", by=BY, text="", decision="refused", closed=made.closing())
    made.say(no, at=LATER + timedelta(hours=1))


def accepted_again(made: Made) -> None:
    taken_back(made)
    made.rewrite(lambda lines: [*lines, lines[-2]])


def held_back(made: Made) -> None:
    taken_back(made)
    made.rewrite(moved(-2, 99))


def unfinished(made: Made, *, held: bool, plan: bytes | None = None) -> None:
    """Of a run that is still going on somebody holds the folder, here this process, until it ends."""
    folder = open_one(made.root, THIRD, made.key, agreed(THIRD))
    assert folder.descriptor is not None
    if not held:
        os.close(folder.descriptor)
    if plan is not None:
        (folder.path / "plan.yaml").write_bytes(plan)


def pruned(made: Made, **other: Any) -> None:
    def with_line(lines: Lines) -> Lines:
        first = lines[of_kind(lines, "opened")]
        line = {
            "schema": first["schema"],
            "plan": PLAN,
            "kind": "pruned",
            "utc": "2028-01-01T00:00:00.000000Z",
            "runs": {first["run"]: first["folder"]},
            "retention_seconds": 86400.0,
            "signature": None,
            **other,
        }
        return [*lines, line]

    made.rewrite(with_line)


def taken(made: Made, *keep: str) -> None:
    for path in folders(made.root)[0].iterdir():
        if path.name not in keep:
            path.unlink()


def fifo(*names: str) -> Callable[[Made], None]:
    def put(made: Made) -> None:
        path = made.root / names[0] if len(names) == 1 else folders(made.root)[0] / names[1]
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    return put


def a_socket(made: Made) -> None:
    path = folders(made.root)[0] / "s"
    with socket.socket(socket.AF_UNIX) as one:
        here = os.open(path.parent, os.O_RDONLY)
        one.bind(f"/proc/self/fd/{here}/s")
        os.close(here)


def report(change: Callable[[dict[str, Any]], object]) -> Callable[[Made], None]:
    def put(made: Made) -> None:
        path = folders(made.root)[-1] / "report.json"
        told = json.loads(path.read_bytes())
        change(told)
        path.write_bytes(to_json(told))
        made.rewrite(lambda lines: lines)

    return put


def nothing_to_judge(left: bytes | None, **charter: str) -> Callable[[Made], None]:
    """The newest run claims nothing in the chain, and its ledger is gone; its report lies there still."""

    def put(made: Made) -> None:
        path = folders(made.root)[-1]
        if charter:
            made.charter(**charter)
        (path / "ledger.jsonl").unlink()
        if left is not None:
            (path / "ledger.jsonl").write_bytes(left)
        at = max(at for at, line in enumerate(lines_of(made.root)) if line["kind"] == "closed")
        made.rewrite(changed(at, verdict="inconclusive"))

    return put


def with_files(*names: str, gone: tuple[str, ...] = ()) -> Callable[[Made], None]:
    """The newest run has these files, of whatever content, and the chain says so."""

    def put(made: Made) -> None:
        path = folders(made.root)[-1]
        for name in gone:
            (path / name).unlink()
        for name in names:
            (path / name).write_bytes(b"<h1>Met</h1>")
        at = max(at for at, line in enumerate(lines_of(made.root)) if line["kind"] == "closed")
        made.rewrite(changed(at, verdict="inconclusive") if gone else lambda lines: lines)

    return put


Who = Literal["both", "neither", "verify alone"]
NOTE = Note(what="note", by=BY, text="seen")
FOUND = Finding(what="finding", by=BY, text="slow", id="F-1", severity="high")
STATE = FindingState(what="finding_state", by=BY, text="", id="F-1", state="closed")
NOBODY = "3f9a12c4-0000-4000-8000-000000000000"

CASES: dict[str, tuple[Who, Callable[[Made], object]]] = {
    "nothing": ("neither", lambda _: None),
    "signed anew as it was": ("neither", lambda made: made.rewrite(lambda lines: lines)),
    "a note": ("neither", lambda made: made.say(NOTE)),
    "a sign-off taken back": ("neither", taken_back),
    "a foreign sign-off": ("both", lambda made: made.rewrite(of_entry(closed=made.closing(1)))),
    "a sign-off of nothing": (
        "both",
        lambda made: made.rewrite(
            lambda lines: of_entry(closed="0" * 64)(of_author(public=None, signature=None)(lines))
        ),
    ),
    "a sign-off that is accepted again": ("both", accepted_again),
    "a sign-off that was held back": ("verify alone", held_back),
    "an approval put before its run": ("verify alone", approved_afterwards),
    "an unknown kind of line": ("both", lambda made: made.rewrite(changed(-1, kind="blessed"))),
    "a member that no line has": ("verify alone", lambda made: made.rewrite(changed(-1, blessed=True))),
    "a line without its drill": ("both", lambda made: made.rewrite(without("drill"))),
    "a record of a run never opened": ("both", lambda made: made.rewrite(changed(-1, run=NOBODY))),
    "an unsigned record of one": (
        "both",
        lambda made: made.rewrite(
            lambda lines: changed(-1, run=NOBODY)(of_author(public=None, signature=None)(lines))
        ),
    ),
    "a person's key without a signature": ("both", lambda made: made.rewrite(of_author(signature=None))),
    "a person's signature without a key": ("both", lambda made: made.rewrite(of_author(public=None))),
    "other words under a person's signature": ("both", lambda made: made.rewrite(of_entry(text="no"))),
    "a run closed before it was opened": ("both", lambda made: made.rewrite(unsaid(moved(1, 0)))),
    "a run opened twice": ("both", lambda made: made.rewrite(unsaid(lambda lines: [lines[0], *lines]))),
    "a run closed twice": ("both", lambda made: made.rewrite(unsaid(lambda lines: [*lines[:2], *lines[1:]]))),
    "a run never opened": ("both", lambda made: made.rewrite(unsaid(lambda lines: lines[1:]))),
    "a run never finished": ("both", lambda made: unfinished(made, held=False)),
    "a run that is still running": ("neither", lambda made: unfinished(made, held=True)),
    "an edited plan of a running one": ("both", lambda made: unfinished(made, held=True, plan=b"name: x\n")),
    "a verdict that there is none of": (
        "both",
        lambda made: made.rewrite(unsaid(changed(1, verdict="fine"))),
    ),
    "a better verdict": ("both", report(lambda told: told.update(verdict="met"))),
    "no lost writes": ("both", report(lambda told: told["recovery_points"][0].update(lost=[]))),
    "a report whose ledger is gone": ("both", nothing_to_judge(None)),
    "a report whose ledger is empty": ("both", nothing_to_judge(b"")),
    "a report whose ledger has no header": ("both", nothing_to_judge(b'{"x":1}\n')),
    "a report of a tabletop": ("both", nothing_to_judge(None, kind="tabletop")),
    "a file of a name that no run has": ("both", with_files("index.html")),
    "a page whose writing was cut off": ("neither", with_files("report.html.new")),
    "a public key as raw bytes": (
        "both",
        lambda made: (made.root / "public_key.pem").write_bytes(made.key.public.raw),
    ),
    "a time that is none": ("verify alone", lambda made: made.rewrite(unsaid(changed(0, utc="yesterday")))),
    "a source that there is none of": (
        "verify alone",
        lambda made: made.rewrite(unsaid(changed(1, source="nobody"))),
    ),
    "a PDF in a run": ("both", with_files("report.pdf")),
    "a page without its report": ("both", with_files("report.html", gone=("report.json", "report.md"))),
    "a text without its report": ("both", with_files("report.md", gone=("report.json", "report.html"))),
    "a run without any report": ("neither", with_files(gone=("report.json", "report.md", "report.html"))),
    "a report of an unknown form": ("both", report(lambda told: told.update(schema="blackstart/report/9"))),
    "a report without judgements": ("both", report(lambda told: told.pop("judgements"))),
    "what was pruned": ("neither", lambda made: (pruned(made), taken(made))),
    "what was pruned and kept its charter": (
        "neither",
        lambda made: (
            pruned(made, kept=["charter.json", "plan.yaml"]),
            taken(made, "charter.json", "plan.yaml"),
        ),
    ),
    "what was pruned and lost its charter": (
        "both",
        lambda made: (pruned(made, kept=["charter.json"]), taken(made)),
    ),
    **{
        f"a pipe as {'/'.join(names)}": ("both", fifo(*names))
        for names in (
            *(("chain.jsonl",), ("public_key.pem",), ("chain.lock",), ("beside",)),
            *(("run", name) for name in ("ledger.jsonl", "plan.yaml", "charter.json", "report.json", "more")),
        )
    },
    "a socket in a run": ("both", a_socket),
    "other people in the charter": ("verify alone", lambda made: made.charter(roles=[])),
    "other schedules in the charter": ("verify alone", lambda made: made.charter(schedules={})),
    "another head before the charter": ("verify alone", lambda made: made.charter(head_before="a" * 64)),
    "no changes in the charter": ("verify alone", lambda made: made.charter(changes=None)),
    "what was pruned too early": (
        "verify alone",
        lambda made: (pruned(made, retention_seconds=1e9), taken(made)),
    ),
    "what its plan promised to keep for longer": (
        "verify alone",
        lambda made: (
            pruned(made, retention_seconds=60.0, kept=["charter.json", "plan.yaml"]),
            taken(made, "charter.json", "plan.yaml"),
        ),
    ),
    "what was pruned under a hold": (
        "verify alone",
        lambda made: (
            made.say(Hold(what="hold", by=BY, text="asked", placed=True), run=None),
            pruned(made),
            taken(made),
        ),
    ),
    "a finding entered twice": (
        "verify alone",
        lambda made: (
            made.say(FOUND),
            made.rewrite(lambda lines: [*lines, of_author(public=None, signature=None)(lines)[-1]]),
        ),
    ),
    "a finding that was never entered": (
        "verify alone",
        lambda made: (
            made.say(FOUND),
            made.say(STATE),
            made.rewrite(lambda lines: [*lines[:-2], lines[-1]]),
        ),
    ),
    "an entry of no form": (
        "verify alone",
        lambda made: made.rewrite(
            lambda lines: of_entry(blessed=1)(of_author(public=None, signature=None)(lines))
        ),
    ),
    "a report without its instrument's limits": ("verify alone", report(lambda told: told.pop("limits"))),
}
