"""Reports written elsewhere: in which format, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.evidence.report import form_of, read, rendered, require_new
from rto_rpo.evidence.lines.signature import new_key
from sites.errors import BlackstartError, GuardError
from tests.rto_rpo.controls.assessing import profile_of, strip_signatures
from tests.rto_rpo.dossier.stories import Story, run_of
from tests.rto_rpo.evidence.folders import make_folder
from tests.rto_rpo.report.runs import MET, MISSED

BEGINS = {"html": "<!doctype html>", "md": "# ", "json": "{", "csv": "run,stream", "junit": "<?xml "}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report") / "evidence"
    make_folder(root, None, (MISSED,))
    return root


@pytest.mark.parametrize("form", BEGINS)
def test_each_format_is_written_where_it_was_asked_for(evidence: Path, tmp_path: Path, form: str) -> None:
    to = tmp_path / "here"
    ended = CliRunner().invoke(app, ["report", str(evidence), "--format", form, "--to", str(to), "--json"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.output)["written"] == str(to)
    assert to.read_text().startswith(BEGINS[form])
    shown = CliRunner().invoke(app, ["report", str(evidence), "--format", form])
    assert shown.stdout_bytes == to.read_bytes()


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.html", "html"), ("a.PDF", "pdf"), ("a.md", "md"), ("a.csv", "csv"), ("a.xml", "junit")],
)
def test_a_name_tells_its_format(name: str, form: str) -> None:
    assert form_of(Path(name)) == form


@pytest.mark.parametrize("name", ["a", "a.txt", "a.html.gz"])
def test_a_name_that_tells_no_format_is_refused(name: str) -> None:
    with pytest.raises(GuardError, match="in which format"):
        form_of(Path(name))


def test_nothing_is_written_over_and_nothing_into_the_evidence(evidence: Path, tmp_path: Path) -> None:
    (tmp_path / "there.html").write_text("")
    (tmp_path / "link.html").symlink_to(tmp_path / "nowhere")
    [run] = [path for path in evidence.iterdir() if path.is_dir()]
    for to, said in [
        (tmp_path / "there.html", "is there already"),
        (tmp_path / "link.html", "is there already"),
        (tmp_path / "missing" / "a.html", "there is no folder"),
        (evidence / "a.html", "would lie in the evidence"),
        (run / "a.html", "would lie in the evidence"),
    ]:
        with pytest.raises(GuardError, match=said):
            require_new(to)


def test_a_missing_folder_is_told_with_the_way_out(
    evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows import cli

    to = tmp_path / "missing" / "report.html"
    monkeypatch.setattr("sys.argv", ["blackstart", "report", str(evidence), "--to", str(to)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "there is no folder" in said
    assert "mkdir -p" in said
    assert "bug" not in said


def test_a_pdf_is_not_for_a_terminal(evidence: Path) -> None:
    ended = CliRunner().invoke(app, ["report", str(evidence), "--format", "pdf"])
    assert isinstance(ended.exception, BlackstartError)
    assert "not for a terminal" in str(ended.exception)


def test_a_site_is_built_over_all_the_evidence_and_renewed(evidence: Path, tmp_path: Path) -> None:
    to = tmp_path / "site"
    first = CliRunner().invoke(app, ["report", str(evidence), "--site", str(to), "--json"])
    assert first.exit_code == 0, first.output
    assert json.loads(first.output)["pages"]["runs"] == 1
    assert (to / "index.html").is_file()
    again = CliRunner().invoke(app, ["report", str(evidence), "--site", str(to)])
    assert "1 kept" in again.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--site", "{evidence}/site"], "would lie in the evidence"),
        (["--site", "{tmp}"], "holds something else"),
        (["--site", "{tmp}/site", "--format", "md"], "pages of its own"),
        (["--profile", "none-such"], "cannot read control profile"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(
    evidence: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    (tmp_path / "file").write_text("")
    words = [word.format(evidence=evidence, tmp=tmp_path) for word in more]
    ended = CliRunner().invoke(app, ["report", str(evidence), *words])
    assert isinstance(ended.exception, GuardError)
    assert said in str(ended.exception)
    assert ended.exception.hint


def test_no_evidence_is_no_site(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["report", str(tmp_path), "--site", str(tmp_path / "site")])
    assert "there is no chain.jsonl" in str(ended.exception)


def test_a_report_written_elsewhere_tells_of_the_evidence_around_it(evidence: Path, tmp_path: Path) -> None:
    to = tmp_path / "report.html"
    ended = CliRunner().invoke(
        app, ["report", str(evidence), "--to", str(to), "--profile", "dora", "--profile", "soc-2"]
    )
    assert ended.exit_code == 0, ended.output
    text = to.read_text()
    assert "SOC 2, trust services criteria" in text
    assert "NIST Cybersecurity Framework" not in text


def test_a_report_on_evidence_whose_signatures_are_gone_meets_no_control(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence", new_key(tmp_path / "chain.pem"))
    folder = story.drill(run_of(MET, 1))
    story.drill(run_of(MET, 2))
    profiles = [profile_of("switchover")]
    assert "| 1 | met |" in rendered(read(folder), "md", folder, profiles).decode()
    strip_signatures(story.root)
    told = rendered(read(folder), "md", folder, profiles).decode()
    assert "| 1 | met |" not in told
    assert "| 1 | inconclusive |" in told


def test_a_report_beside_a_run_that_was_edited_counts_that_as_unread(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    edited = story.drill(run_of(MET, 2))
    last = story.drill(replace(run_of(MET, 3), fault={"kind": "none"}))
    profiles = [profile_of("switchover")]
    assert "| 1 | met |" in rendered(read(last), "md", last, profiles).decode()
    (edited / "ledger.jsonl").write_bytes((edited / "ledger.jsonl").read_bytes()[:-1])
    assert "| 1 | inconclusive |" in rendered(read(last), "md", last, profiles).decode()
