"""Runs side by side: what is read of each, what is not believed, and what a reader knew at each of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rto_rpo.controls.profile import profile, shipped
from rto_rpo.dossier.coverage import Seen, coverage
from rto_rpo.dossier.declared import LEAVES_MAX, declared
from rto_rpo.dossier.dossier import Dossier, as_things_stand, beside_runs
from rto_rpo.dossier.history import promises
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.lines.signature import new_key
from tests.rto_rpo.dossier.stories import NAME, PLAN, Story, run_id, run_of, whole_story
from tests.rto_rpo.evidence.forger import rewritten
from tests.rto_rpo.report.runs import MET, MISSED

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return whole_story(tmp_path_factory.mktemp("story") / "evidence")


def beside(story: Story) -> list[Dossier]:
    profiles = [profile(name) for name in shipped()]
    return list(beside_runs(read_shelf(story.root), NAME, profiles))


def test_every_run_has_its_digest_and_its_verdict(story: Story) -> None:
    shelf = read_shelf(story.root)
    assert [run.verdict for run in shelf.runs] == ["met", "missed", "inconclusive", "met", "missed", "met"]
    assert all(run.digest and run.problem is None for run in shelf.runs)
    assert shelf.problems == ()


@pytest.mark.parametrize("damage", ["edit", "delete", "no report"])
def test_a_report_that_is_not_the_chains_is_not_believed(tmp_path: Path, damage: str) -> None:
    story = Story(tmp_path / "evidence")
    path = story.drill(run_of(MISSED, 1)) / "report.json"
    if damage == "edit":
        path.write_text(path.read_text().replace('"missed"', '"met"'))
    elif damage == "delete":
        path.unlink()
    else:
        path.write_text("[]")
    [run] = read_shelf(story.root).runs
    assert run.digest is None
    assert run.verdict == "inconclusive"
    assert run.problem is not None
    assert run.problem.startswith('not intact: "report.json" ')


@pytest.mark.parametrize(
    ("line", "changed", "said"),
    [
        ("closed", {"verdict": "inconclusive"}, "verdict is 'met', the chain's 'inconclusive'"),
        ("opened", {"run": run_id(9)}, f"run is '{run_id(1)}', the chain's '{run_id(9)}'"),
        ("opened", {"drill": "another"}, "drill is 'kill-primary', the chain's 'another'"),
        ("opened", {"plan": "another"}, "plan is 'trading-desk', the chain's 'another'"),
    ],
)
def test_a_report_that_does_not_say_what_the_chain_says_is_not_believed(
    tmp_path: Path, line: str, changed: dict[str, str], said: str
) -> None:
    """The holder of the key signs it so; and a digest that was kept from before is no way round."""
    key = new_key(tmp_path / "key.pem")
    story = Story(tmp_path / "evidence", key)
    story.drill(run_of(MET, 1))
    [before] = read_shelf(story.root).runs
    assert before.digest is not None
    assert before.report_sha256 is not None
    both = line == "opened"
    rewritten(
        story.root,
        key,
        lambda lines: [{**one, **changed} if both or one["kind"] == line else one for one in lines],
    )
    for known in ({}, {before.report_sha256: before.digest}):
        [run] = read_shelf(story.root, known=known).runs
        assert (run.digest, run.verdict) == (None, "inconclusive")
        assert run.problem == f"its report cannot be believed: its {said}"


def test_a_report_without_its_ledger_is_not_believed(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key.pem")
    story = Story(tmp_path / "evidence", key)
    (story.drill(run_of(MET, 1)) / "ledger.jsonl").unlink()
    rewritten(story.root, key)
    [run] = read_shelf(story.root).runs
    assert (run.digest, run.verdict) == (None, "inconclusive")
    assert run.problem == "its report cannot be believed: there is no ledger that it could come from"


def test_a_chain_that_does_not_hold_is_told(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    for number in (1, 2):
        story.drill(run_of(MET, number))
    lines = (story.root / "chain.jsonl").read_bytes().splitlines(keepends=True)
    (story.root / "chain.jsonl").write_bytes(b"".join([lines[0], *lines[2:]]))
    assert "missing" in read_shelf(story.root).problems[0]


def test_what_is_told_beside_a_run_does_not_change_when_more_runs_come(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    story.drill(run_of(MISSED, 2))
    before = beside(story)
    story.drill(run_of(MET, 4))
    after = beside(story)
    assert [one.findings for one in after[:2]] == [one.findings for one in before]
    assert [one.mappings for one in after[:2]] == [one.mappings for one in before]
    assert [one.promises for one in after[:2]] == [one.promises for one in before]
    assert [one.not_run for one in after] == [(), (), after[2].not_run]
    assert [one.due.day for one in after[2].not_run] == [25]


def test_what_the_plan_declares_and_nobody_tested_is_told(story: Story) -> None:
    shelf = read_shelf(story.root)
    seen = Seen()
    for run in shelf.runs:
        seen.take(run)
    found = {(one.kind, one.name): one for one in coverage(seen, declared(PLAN))}
    assert found["promise", "engine"].state == found["promise", "ticks"].state == "not tested"
    assert found["drill", "cut-sites"].state == "not run"
    assert found["site", "dr"].state == "not tested"
    assert (found["site", "primary"].state, found["site", "primary"].count) == ("met", 6)


def test_what_strikes_less_than_a_site_is_not_the_loss_of_the_site(tmp_path: Path) -> None:
    story, seen = Story(tmp_path / "evidence"), Seen()
    for number, kind in enumerate(("kill_service", "pause_site", "partition"), 1):
        story.drill(replace(run_of(MET, number), fault={"kind": kind, "site": "primary"}))
    for run in read_shelf(story.root).runs:
        seen.take(run)
    states = {one.name: one.state for one in coverage(seen, declared(PLAN)) if one.kind == "site"}
    assert states == {"primary": "not tested", "dr": "not tested"}


def test_a_void_run_counts_against_every_promise(story: Story) -> None:
    [rto] = [one for one in promises(read_shelf(story.root).runs) if one.objective == "rto"]
    assert [point.void for point in rto.points].count(True) == 1
    proven = rto.proven()
    assert (proven.runs, proven.kept) == (6, 3)  # in two more a check was missed, and no safe state proven
    assert [one.upper_seconds for one in proven.quantiles] == [None, None, None]


def test_a_doubted_run_is_inconclusive_wherever_it_is_told(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    story.drill(run_of(replace(MET, calibration=None), 2))
    [dossier] = [*beside_runs(read_shelf(story.root), NAME)][1:]
    assert dossier.run is not None
    assert dossier.run.digest is not None
    assert dossier.run.digest.doubts == [
        "the instrument was not calibrated: nothing shows that it would have seen a loss or an outage"
    ]
    assert dossier.run.digest.troubles == dossier.run.digest.doubts
    told = {(one.kind, one.name): one.state for one in dossier.coverage if one.count}
    assert set(told.values()) == {"inconclusive"}
    assert ("promise", "gateway") in told
    assert [promise.newest.verdict for promise in dossier.promises] == ["inconclusive"] * 2
    assert [promise.proven().kept for promise in dossier.promises] == [1, 1]


def test_a_run_that_left_nothing_to_read_covers_nothing_that_its_drill_showed_before(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    other = replace(
        run_of(MET, 2), drill="cut-sites", service="engine", stream="ticks", fault={"kind": "none"}
    )
    story.drill(other)
    (story.drill(run_of(MET, 3)) / "report.json").write_bytes(b"{}")
    *_, dossier = beside_runs(read_shelf(story.root), NAME)
    told = {(one.kind, one.name): (one.state, one.count) for one in dossier.coverage if one.count}
    assert told["promise", "gateway"] == told["promise", "orders"] == ("inconclusive", 2)
    assert told["site", "primary"] == told["drill", "kill-primary"] == ("inconclusive", 2)
    assert told["promise", "engine"][1] == told["promise", "ticks"][1] == 1


def test_a_run_that_was_given_up_counts_against_every_promise_whatever_its_report_says(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    lines = (story.root / "chain.jsonl").read_bytes().splitlines(keepends=True)
    (story.root / "chain.jsonl").write_bytes(b"".join(lines[:-1]))
    story.drill(run_of(MET, 2))  # closes the one before as found: its report says met, and the chain does not
    story.drill(run_of(MET, 3))
    first, *_ = read_shelf(story.root).runs
    assert (first.verdict, first.digest) == ("inconclusive", None)
    lines = (story.root / "chain.jsonl").read_bytes().splitlines(keepends=True)
    (story.root / "chain.jsonl").write_bytes(b"".join(lines[:-1]))
    story.drill(run_of(MET, 4))
    for promise in promises(read_shelf(story.root).runs):
        assert [point.verdict for point in promise.points] == ["met", "inconclusive", "met"]
        assert promise.proven().kept == 2


def test_as_things_stand_tells_of_drills_that_did_not_run(story: Story) -> None:
    told = as_things_stand(read_shelf(story.root), NAME, NOW)
    assert [one.due.day for one in told.not_run] == [27, 30]
    assert told.run is None


def test_variables_are_filled_in_and_unknown_ones_stay_as_written() -> None:
    found = declared(b'services: {a: {rto: "${RTO}"}, b: {rto: "${X:-5s}"}, c: {rto: "${Y}"}}', {"RTO": "1s"})
    assert [found.text(f"services.{name}.rto") for name in "abc"] == ["1s", "5s", "${Y}"]


@pytest.mark.parametrize("plan", [b"", b"[", b"- a", b"\xff", b"name: [", b"a: &a [*a]"])
def test_a_plan_that_cannot_be_read_declares_nothing_dangerous(plan: bytes) -> None:
    assert declared(plan).nouns("services") == {}


def test_aliases_cannot_make_a_plan_endless() -> None:
    lines = ["a0: &a0 [x, {y: z}]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, {{y: z}}]" for n in range(1, 40)]
    assert len(declared("\n".join(lines).encode()).flat) <= LEAVES_MAX


def test_no_plan_and_no_chain_are_no_runs(tmp_path: Path) -> None:
    shelf = read_shelf(tmp_path)
    assert (shelf.runs, shelf.head) == ((), None)
    assert json.dumps(list(beside_runs(shelf, NAME))) == "[]"
