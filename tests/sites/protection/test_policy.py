"""Around a backup: tags, commands before and after it, and the alarm for one that is odd."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from sites.errors import DatasetError
from sites.points import points
from sites.protection.backup import backup
from sites.protection.history import Event
from sites.protection.policy import Alarm, Policy, odd
from tests.sites.protection.protected import Protected


def said(path: Path, word: str, code: int = 0) -> tuple[str, ...]:
    program = (
        f"import os; open({str(path)!r}, 'a').write('{word} ' + os.environ['BLACKSTART_DATASET'] + ';'); "
        f"raise SystemExit({code})"
    )
    return (sys.executable, "-c", program)


def make(protected: Protected, policy: Policy) -> Any:
    return backup(
        protected.dataset,
        protected.onsite,
        plan="desk",
        staging=protected.staging,
        history=protected.history,
        policy=policy,
    )


def test_commands_run_around_the_backup_and_tags_are_added(protected: Protected, tmp_path: Path) -> None:
    log = tmp_path / "log"
    policy = Policy(("desk", "cost:42"), said(log, "before"), said(log, "after"), tmp_path)
    made = make(protected, policy)
    assert log.read_text() == "before strategies;after strategies;"
    listed = protected.onsite.snapshots(tags=["cost:42"]).snapshots
    assert len(listed) == 2
    newest = points(protected.onsite.snapshots().snapshots, "strategies")[-1]
    assert (newest.snapshot.id, newest.complete) == (made.snapshot_id, True)


def test_a_command_that_fails_before_keeps_the_backup_from_being_made(
    protected: Protected, tmp_path: Path
) -> None:
    before, log = len(protected.onsite.snapshots().snapshots), tmp_path / "log"
    with pytest.raises(DatasetError, match='command before a backup of dataset "strategies"'):
        make(protected, Policy(before=said(log, "before", 3), after=said(log, "after")))
    assert len(protected.onsite.snapshots().snapshots) == before
    assert log.read_text() == "before strategies;"
    failed = protected.history.last("backup", outcomes=("failed",))
    assert failed is not None
    assert "before" in failed.detail["error"]


def test_a_command_that_fails_after_is_told_and_the_point_stays(protected: Protected, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the point itself was made"):
        make(protected, Policy(after=said(tmp_path / "log", "after", 1)))
    assert len([p for p in points(protected.onsite.snapshots().snapshots, "strategies") if p.complete]) == 2


def test_after_a_failed_backup_the_command_after_still_runs(protected: Protected, tmp_path: Path) -> None:
    for path in Path(protected.onsite.url, "keys").iterdir():
        path.unlink()
    with pytest.raises(Exception, match="repository") as caught:
        make(protected, Policy(after=said(tmp_path / "log", "after", 1)))
    assert (tmp_path / "log").read_text() == "after strategies;"
    assert "command after" in str(caught.value)


def run(size: int, added: int = 10, files: int = 100) -> dict[str, Any]:
    return {"bytes": size, "added_bytes": added, "files": files}


def past(*details: dict[str, Any]) -> list[Event]:
    return [Event("backup", "onsite", "done", "d", detail) for detail in details]


USUAL = past(*[run(1000)] * 9, run(90_000))


@pytest.mark.parametrize(
    ("now", "word"),
    [
        (run(1000), None),
        (run(4999), None),
        (run(5001), "5,001 bytes"),
        (run(201), None),
        (run(199), "199 bytes"),
        (run(0, files=0), "it holds no file any more"),
        (run(1000, files=501), "501 files"),
        (run(1000, added=99), None),
        (run(1000, added=900), "900 bytes that were new"),
        (run(1000, added=0), None),
    ],
)
def test_what_is_far_from_the_median_is_odd(now: dict[str, Any], word: str | None) -> None:
    found = odd(Alarm(5.0, 10), now, "d", USUAL)
    assert found is None if word is None else word in str(found)


def test_what_was_emptied_is_odd_after_one_run_that_was_not() -> None:
    assert odd(Alarm(5.0, 10), run(0, files=0), "d", USUAL[:1]) is not None
    assert odd(Alarm(5.0, 10), run(0, files=0), "d", past(run(0, files=0))) is None
    assert odd(Alarm(5.0, 10), run(0, files=0), "other", USUAL[:1]) is None


def test_too_few_runs_and_other_datasets_tell_nothing() -> None:
    assert odd(Alarm(5.0, 10), run(1), "d", USUAL[:4]) is None
    assert odd(Alarm(5.0, 10), run(1), "d", USUAL[:5]) is not None
    assert odd(Alarm(5.0, 10), run(1), "other", USUAL) is None
    assert odd(Alarm(5.0, 4), run(1), "d", [*past(*[run(1)] * 3), *USUAL[:1]]) is None


def base(kind: str, size: int, added: int) -> dict[str, Any]:
    return {"kind": kind, "bytes": size, "added_bytes": added}


def test_a_base_backup_is_held_against_those_of_its_kind() -> None:
    before = past(*[base("full", 1000, 900), *[base("incr", 1000, 10)] * 5])
    assert odd(Alarm(5.0, 10), base("incr", 1000, 20), "d", before) is None
    assert "900 bytes that were new" in str(odd(Alarm(5.0, 10), base("incr", 1000, 900), "d", before))
    assert "100 bytes, the median" in str(odd(Alarm(5.0, 10), base("incr", 100, 10), "d", before))
    assert odd(Alarm(5.0, 10), base("full", 1000, 900), "d", before) is None
    assert odd(Alarm(5.0, 10), base("full", 100, 90), "d", before) is None, "one full one says too little"


def test_an_odd_backup_is_whole_and_says_so(protected: Protected) -> None:
    for _ in range(5):
        protected.history.append(Event("backup", "onsite", "done", "strategies", run(1, files=3)))
    made = make(protected, Policy(alarm=Alarm()))
    assert made.odd
    assert "the median of the last 6" in made.odd
    event = protected.history.last("backup")
    assert event is not None
    assert (event.outcome, event.detail["odd"]) == ("done", made.odd)
