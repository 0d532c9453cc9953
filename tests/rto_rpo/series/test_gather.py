"""The history of real evidence folders: no run of a drill is ever left out without a word."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.tail import Tail, locked
from rto_rpo.series import sentences
from rto_rpo.series.gather import History, Past, Series, gather
from tests.rto_rpo.evidence.folders import NOW, add_run, make_folder, open_one
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, PLAN


def _of(history: History, objective: str) -> Series:
    [found] = [series for series in history.series if series.objective == objective]
    return found


def _newest(root: Path) -> tuple[Past, Past]:
    history = gather(root)
    return _of(history, "rto").runs[-1], _of(history, "rpo").runs[-1]


def test_each_promise_of_a_drill_is_a_series(tmp_path: Path) -> None:
    folders = make_folder(tmp_path, None)
    history = gather(tmp_path)
    rto, rpo = _of(history, "rto"), _of(history, "rpo")
    assert [past.folder for past in rto.runs] == [past.folder for past in rpo.runs]
    assert [past.folder for past in rto.runs] == [folder.name for folder in folders]
    # The second was never proven safe, the third is void; the second lost writes.
    assert [past.verdict for past in rto.runs] == ["met", "inconclusive", "inconclusive"]
    assert [past.verdict for past in rpo.runs] == ["met", "missed", "inconclusive"]
    assert (rto.plans, rto.limits, rto.statistics.limit_seconds) == (2, (30.0,), 30.0)
    assert rto.statistics.runs == 3
    assert (history.findings, history.apart) == ((), ())


def test_a_run_without_a_report_is_one_that_proved_nothing(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET,))
    folder = open_one(tmp_path, replace(MET, number=2), None)
    chain.close_run(tmp_path, folder, verdict="inconclusive", key=None, now=NOW + timedelta(days=3))
    for past in _newest(tmp_path):
        assert (past.verdict, past.why) == ("inconclusive", "it left no report")


def test_a_run_that_goes_on_is_told_and_not_counted_and_one_never_finished_is(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET,))
    folder = open_one(tmp_path, replace(MET, number=2), None)
    history = gather(tmp_path)
    assert history.apart == (f"{folder.path.name}: it is still running, and is not counted",)
    assert _of(history, "rto").statistics.runs == 1
    assert folder.descriptor is not None
    os.close(folder.descriptor)
    for past in _newest(tmp_path):
        assert (past.verdict, past.why) == ("inconclusive", "it was never finished")
    add_run(tmp_path, replace(MET, number=3), None)  # closes the one before as abandoned
    assert [past.verdict for past in _of(gather(tmp_path), "rto").runs] == ["met", "inconclusive", "met"]


@pytest.mark.parametrize(
    ("content", "why"), [(b"{}", "was edited: its hash is not the one in the chain"), (None, "is missing")]
)
def test_a_report_that_was_edited_or_deleted_proves_nothing(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    make_folder(tmp_path, None, (MET, replace(MET, number=2)))
    path = tmp_path / _newest(tmp_path)[0].folder / "report.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for past in _newest(tmp_path):
        assert past.verdict == "inconclusive"
        assert why in past.why
    assert _of(gather(tmp_path), "rto").statistics.runs == 2


def test_a_run_whose_report_is_none_proves_nothing(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET,))
    folder = open_one(tmp_path, replace(MET, number=2), None)
    (folder.path / "report.json").write_bytes(b'{"schema": "blackstart/report/9"}')
    chain.close_run(tmp_path, folder, verdict="met", key=None, now=NOW + timedelta(days=3))
    for past in _newest(tmp_path):
        assert past.verdict == "inconclusive"
        assert "of another version, or none" in past.why


def test_pruned_runs_are_told_and_not_counted(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET, replace(MISSED, number=2), replace(MET, number=3)))
    before = _of(gather(tmp_path), "rpo")
    run = before.runs[1]
    _prune(tmp_path, {run.run: run.folder})
    history = gather(tmp_path)
    assert _of(history, "rpo").statistics.missed == 0
    assert "it was missed, and is not counted" in history.apart[0]


def _prune(root: Path, runs: dict[str, str]) -> None:
    with locked(root):
        tail = Tail(root, None, NOW + timedelta(days=9))
        tail.add(kind="pruned", plan="trading-desk", runs=runs, retention_seconds=0.0)
        tail.write()


def test_a_drill_that_judged_nothing_is_told(tmp_path: Path) -> None:
    folder = open_one(tmp_path, MET, None)
    chain.close_run(tmp_path, folder, verdict="inconclusive", key=None, now=NOW + timedelta(days=3))
    history = gather(tmp_path)
    assert history.series == ()
    assert history.apart == (
        'drill "kill-primary" of plan "trading-desk": 1 run, and none judged a promise: it left no report',
    )


def test_one_drill_alone(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET, replace(MET, number=2, drill="other")))
    assert {series.drill for series in gather(tmp_path).series} == {"kill-primary", "other"}
    assert {series.drill for series in gather(tmp_path, "other").series} == {"other"}


def test_a_chain_that_does_not_add_up_is_told(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET, replace(MET, number=2)))
    path = tmp_path / "chain.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert any("is missing" in finding for finding in gather(tmp_path).findings)


def test_a_folder_without_a_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no history in"):
        gather(tmp_path)


def test_one_run_is_an_observation_and_the_words_say_so(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET,))
    told = " ".join(sentences.told(_of(gather(tmp_path), "rto")))
    assert "1 run: 1 met, 0 missed, 0 inconclusive." in told
    assert "One run is an observation, not a capability" in told
    assert "58 more drills, every one of them met" in told
    assert "at most 95 %" in told


def test_what_is_undecided_is_said_with_what_it_would_do(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET, replace(MISSED, number=2), replace(INCONCLUSIVE, number=3)))
    told = " ".join(sentences.told(_of(gather(tmp_path), "rpo")))
    assert "1 inconclusive run is taken for missed here; had all met it, the chance would be at most" in told
    assert "121 more drills" in told  # 124 for two breaches, of which 3 are there
    assert "90 more would do" in told  # 93 for one
    assert "and at least 1.6 %" in told  # one for certain


def test_every_run_is_held_against_the_promise_as_it_stands_today(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET, replace(MET, number=2, rto_seconds=0.1)))
    series = _of(gather(tmp_path), "rto")
    assert (series.limits, series.statistics.limit_seconds) == ((30.0, 0.1), 0.1)
    assert [past.verdict for past in series.runs] == ["missed", "missed"]
    assert "The promise changed on the way (30 s, 100 ms)" in " ".join(sentences.told(series))


def test_another_plan_and_another_promise_are_said(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET, replace(MET, number=2, plan=PLAN + b"# changed\n")))
    assert "2 different plans" in " ".join(sentences.told(_of(gather(tmp_path), "rto")))
