"""What people add to the evidence through the command line, and what becomes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from rto_rpo.evidence.agreed.authority import authority
from rto_rpo.evidence.agreed.charter import parse_charter
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.heads import read_heads
from rto_rpo.evidence.lines.history import records, run_records
from rto_rpo.evidence.lines.record import Note
from rto_rpo.evidence.lines.signature import load_key, new_key
from sites.errors import BlackstartError, GuardError
from tests.flows.small_plan import entries, evidence, later, run, talk, told, write_plan
from tests.rto_rpo.evidence.folders import add_run, agreed
from tests.rto_rpo.report.runs import MET


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_plan(tmp_path)


def test_a_tabletop_is_minuted_signed_off_and_intact(plan: Path) -> None:
    talked = talk(
        plan, "/called Bo", "/acknowledged Bo", "/joined Eve", "we would wait", "@Bo I would not", "/dance Bo"
    )
    assert talked["entries"] == 5
    told(plan, "note", "the bridge was full", "--deviation", "--as", "Ada")
    for name, role in (("bo", "reviewer"), ("cy", "approver")):
        signed = told(plan, "sign", "last", "--role", role, "--signed-by", str(plan.parent / f"{name}.pem"))
        assert signed["signed"] is True
    found = verify(evidence(plan))
    assert found.findings == ()
    assert "a tabletop: it was talked through, and nothing was measured" in "\n".join(found.notes)
    record = run_records(entries(plan))[0]
    assert record.closed is not None
    assert record.closed.verdict == "inconclusive"
    charter = parse_charter((evidence(plan) / record.opened.folder / "charter.json").read_bytes())
    assert charter.schedules == {"quake": "0 6 * * 6"}
    had = authority(record, charter, records(entries(plan)))
    assert [(one.name, one.role, one.standing) for one in had.sign_offs] == [
        ("Bo", "reviewer", "signed"),
        ("Cy", "approver", "signed"),
    ]
    assert had.problems == (
        'the executor "Ada" is only claimed: not signed',
        "nobody's approval before it is on record",
    )
    assert [one.text for one in had.deviations] == ["the bridge was full"]
    bo = next(one for one in had.attendance if one.person == "Bo")
    assert bo.planned
    assert bo.acknowledged_seconds is not None
    assert next(one for one in had.attendance if one.person == "Eve").planned is False


def test_who_has_more_than_one_name_is_heard_by_all_of_them(plan: Path) -> None:
    talk(plan, "/joined Eve van Dam", "@Eve van Dam we would wait", "@Bo not I", "@Eve Smith went home")
    said = [line.entry for line in records(entries(plan)) if isinstance(line.entry, Note)]
    assert [(one.by.name, one.text) for one in said] == [
        ("Eve van Dam", "we would wait"),
        ("Bo", "not I"),
        ("Eve", "Smith went home"),  # nobody was named so
    ]


def test_every_head_is_kept_at_the_other_site_and_anchors_the_chain(plan: Path) -> None:
    talk(plan, "we would wait")
    told(plan, "note", "later", "--as", "Ada")
    kept = read_heads(plan.parent / "there" / "heads.jsonl")
    assert kept[-1].head == chain.head(evidence(plan))
    done = CliRunner().invoke(
        app, ["verify", str(evidence(plan)), "--head", str(plan.parent / "there/heads.jsonl")]
    )
    assert done.exit_code == 0
    assert "head anchored" in done.stdout
    lines = (evidence(plan) / "chain.jsonl").read_bytes().splitlines(keepends=True)
    (evidence(plan) / "chain.jsonl").write_bytes(b"".join(lines[:-1]))
    cut = CliRunner().invoke(
        app, ["verify", str(evidence(plan)), "--head", str(plan.parent / "there/heads.jsonl")]
    )
    assert cut.exit_code == 1
    assert "does not hold the head kept elsewhere (1 of" in cut.stdout


def test_a_head_that_was_torn_off_is_told_and_keeps_no_other_from_anchoring(plan: Path) -> None:
    talk(plan, "we would wait")
    heads = plan.parent / "there" / "heads.jsonl"
    with heads.open("ab") as file:
        file.write(b'{"head": "bbbb')
    told(plan, "note", "later", "--as", "Ada")
    kept = told(plan, "status")["kept"]
    assert kept.endswith("the newest among them (torn off there, and no heads: 1)")
    done = CliRunner().invoke(app, ["verify", str(evidence(plan)), "--head", str(heads)])
    assert done.exit_code == 0
    assert "head anchored" in done.stdout
    assert f'note: line 3 of the heads in "{heads}" was torn off, and is no head' in done.stdout


def test_a_site_that_is_away_keeps_no_head_and_that_is_said(plan: Path) -> None:
    (plan.parent / "there").write_text("no folder")
    done = talk(plan, "we would wait")
    assert "cannot keep the head of the chain" in done["not_done"][0]
    assert verify(evidence(plan)).intact


def test_a_finding_is_entered_and_its_risk_accepted_for_a_reason(plan: Path) -> None:
    talk(plan, "we would wait")
    told(
        plan, "finding", "open", "F-1", "--text", "no second line", "--retest", "quake", "--due", "2027-01-31"
    )
    assert isinstance(run(plan, "finding", "accept", "F-1").exception, GuardError)
    told(plan, "finding", "accept", "F-1", "--text", "a new line in May", "--due", "2027-05-31")
    again = run(plan, "finding", "open", "F-1", "--text", "the same")
    assert "there is one already" in str(again.exception)
    assert "due: String should match" in str(
        run(plan, "finding", "open", "F-2", "--text", "x", "--due", "soon").exception
    )
    assert verify(evidence(plan)).intact


def test_what_is_about_no_run_or_has_no_words_is_refused(plan: Path) -> None:
    assert isinstance(run(plan, "note", "x").exception, BlackstartError)
    talk(plan, "we would wait")
    assert "there is no such run" in str(run(plan, "note", "x", "--run", "2031").exception)
    assert "1 to 200 letters" in str(run(plan, "note", "x", "--as", "").exception)
    assert "no drill is named" in str(run(plan, "sign", "--drill", "none").exception)
    assert "is no time" in str(run(plan, "attend", "Bo", "left", "--at", "noon").exception)


def test_the_key_is_changed_and_the_old_one_signs_no_more(plan: Path) -> None:
    talk(plan, "we would wait")
    old, new = load_key(plan.parent / "key.pem"), new_key(plan.parent / "new.pem")
    assert told(plan, "rotate-key", str(plan.parent / "new.pem"))["new"] == new.public.identity
    assert "it is signed by key" in str(run(plan, "note", "x").exception)
    plan.write_text(plan.read_text().replace("key.pem", "new.pem"))
    talk(plan, "we would still wait")
    for key in (old, new):
        assert verify(evidence(plan), public_key=key.public.pem).findings == ()


def test_nothing_is_pruned_before_it_is_shown_old_enough_and_under_no_hold(
    plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"folder": str(add_run(evidence(plan), MET, load_key(plan.parent / "key.pem"), agreed(MET)))}
    second = talk(plan, "two")
    third = talk(plan, "three")
    shown = told(plan, "prune", "--yes")
    assert shown["deleted"] == []
    assert all("younger than the retention" in each["kept"] for each in shown["runs"])
    told(plan, "hold", Path(second["folder"]).name, "--reason", "the regulator asked")

    monkeypatch.setattr("drills.pruning.datetime", later(7 * 365))
    shown = told(plan, "prune")
    assert [each["kept"] for each in shown["runs"]] == [
        None,
        "legal hold: the regulator asked",
        "nothing of it would go: charter and plan stay",
    ]
    assert Path(first["folder"]).is_dir()
    assert told(plan, "prune", "--yes")["deleted"] == [Path(first["folder"]).name]
    for folder in (first["folder"], third["folder"]):
        assert {path.name for path in Path(folder).iterdir()} == {"charter.json", "plan.yaml"}
    assert told(plan, "prune", "--yes")["deleted"] == []
    found = verify(evidence(plan))
    assert found.findings == ()
    assert [one.state for one in found.runs] == ["pruned", "closed", "closed"]
    Path(first["folder"], "report.json").write_text("{}")
    assert '"report.json" was put there or edited after the' in verify(evidence(plan)).findings[0]
    shutil.rmtree(first["folder"])
    assert '"charter.json" is missing: the pruning left it' in verify(evidence(plan)).findings[0]
    Path(second["folder"], "plan.yaml").unlink()
    assert not verify(evidence(plan)).intact


def test_status_shows_what_was_due_and_not_run_and_whose_heads_are_kept(
    plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk(plan, "one")
    assert "the newest among them" in told(plan, "status")["kept"]
    assert told(plan, "status")["not_run"] == []

    # two of any day of the week, and the hour until each is told
    monkeypatch.setattr("flows.exposure.status.datetime", later(14 + 1 / 24))
    assert [each["drill"] for each in told(plan, "status")["not_run"]] == ["quake", "quake"]
    (plan.parent / "evidence" / "chain.jsonl").unlink()
    talk(plan, "another beginning")
    assert told(plan, "status")["kept"].startswith("NOT THIS CHAIN: 2 of 4")


def test_a_hold_in_the_plan_holds_everything(plan: Path) -> None:
    talk(plan, "one")
    plan.write_text(plan.read_text().replace("evidence: {", "evidence: {hold: litigation, "))
    assert [each["kept"] for each in told(plan, "prune", "--yes")["runs"]] == ["legal hold: litigation"]


def test_a_public_key_is_printed_as_a_plan_takes_it(plan: Path) -> None:
    made = CliRunner().invoke(app, ["key", str(plan.parent / "dot.pem"), "--new", "--json"])
    assert json.loads(made.stdout)["public"] == load_key(plan.parent / "dot.pem").public_hex


@pytest.mark.parametrize(
    "words", [["note", " "], ["finding", "open", "F-1"], ["hold", "all", "--reason", ""]]
)
def test_what_says_nothing_is_not_entered(plan: Path, words: list[str]) -> None:
    refused = run(plan, *words).exception
    assert isinstance(refused, GuardError)
    assert "it says nothing" in str(refused)
