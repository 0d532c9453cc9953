"""The command line as people and programs meet it: what it answers, where, with which exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from drills import drill
from drills.calibration.calibrate import calibrate
from drills.calibration.case import Case
from drills.closing import Closed
from flows import cli
from flows.cli import app
from flows.recovery.words import run_lines
from flows.terminal.console import Console
from flows.terminal.failure import tell
from sites.errors import BlackstartError
from sites.recovery.runbook import Run
from sites.recovery.standing import Act
from tests.flows.plans import small_plan

ROOT = Path(__file__).resolve().parents[2]
TRADING_DESK = ROOT / "examples" / "trading_desk" / "plan.yaml"
MINIMAL = ROOT / "examples" / "minimal" / "plan.yaml"
COMMANDS = sorted(
    one.callback.__name__.replace("_", "-") for one in app.registered_commands if one.callback is not None
)
# Says on the last line of standard error which of these were imported.
SPY = """
import atexit, sys
def tell():
    sys.stderr.write("IMPORTED " + " ".join(sorted({watched} & sys.modules.keys())) + "\\n")
atexit.register(tell)
from flows.cli import main
main()
"""


def run(
    *arguments: str | Path, watched: set[str] | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    code = SPY.format(watched=watched or set())
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **(env or {})},
        timeout=60,
        check=False,
    )


def imported(ended: subprocess.CompletedProcess[str]) -> set[str]:
    return set(ended.stderr.splitlines()[-1].removeprefix("IMPORTED ").split())


def test_every_command_is_there() -> None:
    assert COMMANDS == [
        "approve",
        "attend",
        "backup",
        "calibrate",
        "check",
        "clean-point",
        "demo",
        "drill",
        "failback",
        "failover",
        "faults",
        "finding",
        "hold",
        "hold-lease",
        "init",
        "key",
        "metrics",
        "note",
        "notify",
        "prune",
        "recover",
        "replicate",
        "report",
        "restore-test",
        "rotate-key",
        "schema",
        "sign",
        "status",
        "stop",
        "switchover",
        "tabletop",
        "upkeep",
        "upload",
        "verify",
        "watch",
    ]


# JSON already, or nothing on standard output: they run until they are told to end.
RESULTLESS = ("schema", "hold-lease", "metrics")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    told = "\n".join(page.read_text(encoding="utf-8") for page in pages if page.exists())
    assert re.search(rf"\bblackstart {command}\b", told)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(command: str) -> None:
    ended = CliRunner().invoke(app, [command, "--help"])
    assert ended.exit_code == 0
    assert "Usage: " in ended.output
    assert "--json" in ended.output or command in RESULTLESS


def test_help_imports_nothing_heavy() -> None:
    ended = run(
        "--help", watched={"prefect", "pydantic", "yaml", "psycopg", "cryptography", "rich", "sites.plan"}
    )
    assert ended.returncode == 0
    assert imported(ended) == set()
    assert all(command in ended.stdout for command in COMMANDS)


@pytest.mark.parametrize("arguments", [["check"], ["status"], ["recover"]])
def test_nothing_but_the_demo_and_the_flows_imports_prefect(arguments: list[str], tmp_path: Path) -> None:
    ended = run(*arguments, "--plan", small_plan(tmp_path), watched={"prefect", "fastapi"})
    assert ended.stdout
    assert imported(ended) == set()


@pytest.mark.parametrize("command", ["report", "verify"])
def test_evidence_is_read_without_prefect_and_without_a_plan(command: str, tmp_path: Path) -> None:
    ended = run(command, tmp_path, watched={"prefect", "sites.estate", "psycopg"})
    assert ended.returncode == 1
    assert imported(ended) == set()


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", run("--version").stdout.strip())


@pytest.mark.parametrize("arguments", [["nonsense"], ["check", "--nonsense"], ["drill"], ["schema", "poem"]])
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 2
    assert "Usage: " in ended.output


@pytest.mark.parametrize("command", ["check", "backup", "failover"])
def test_a_plan_that_is_not_there_is_exit_2_in_one_line(command: str, tmp_path: Path) -> None:
    ended = run(command, "--plan", tmp_path / "none.yaml")
    assert ended.returncode == 2
    assert "none.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_programs_get_errors_as_json_too(tmp_path: Path) -> None:
    ended = run("check", "--json", "--plan", tmp_path / "none.yaml")
    told = json.loads(ended.stdout)
    assert ended.returncode == told["exit_code"] == 2
    assert "none.yaml" in told["error"]


@pytest.mark.parametrize("which", ["plan", "ledger", "chain", "charter", "report"])
def test_schemas_are_schemas(which: str) -> None:
    ended = run("schema", which)
    assert ended.returncode == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(ended.stdout))


def test_backups_are_told_to_people_and_to_programs(tmp_path: Path, repository: Path) -> None:
    plan = small_plan(tmp_path, repository)
    for_people = run("backup", "--plan", plan, watched={"prefect"})
    assert for_people.returncode == 0
    assert imported(for_people) == set()
    assert for_people.stdout.startswith("documents: backed up, 3 files")
    for_programs = run("backup", "pictures", "--json", "--plan", plan)
    told = json.loads(for_programs.stdout)
    assert [one["subject"] for one in told["outcomes"]] == ["pictures"]
    assert told["outcomes"][0]["result"]["files"] == 3
    assert told["exit_code"] == 0
    assert "planted-secret" not in for_people.stdout + for_programs.stdout + for_people.stderr


def test_check_tells_what_is_ready_and_what_is_not(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    ready = json.loads(run("check", "--json", "--plan", plan).stdout)
    assert {one["name"]: one["state"] for one in ready["checks"]}["secret of near"] == "ok"
    (tmp_path / "secret").chmod(0o644)
    ended = run("check", "--plan", plan)
    assert ended.returncode == 1
    assert re.search(r"^failed +secret of near .*chmod 600", ended.stdout, re.MULTILINE)


def test_check_refuses_an_api_that_is_open(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    protected = [line for line in plan.read_text().splitlines() if "scratch" not in line]
    plan.write_text("\n".join(protected))
    ended = run("check", "--plan", plan, env={"PREFECT_API_URL": "http://127.0.0.1:1/api"})
    assert ended.returncode == 3
    assert re.search(r"^ok +coverage +nothing that is known of", ended.stdout, re.MULTILINE)
    assert re.search(r"^unknown +prefect api .*does not answer", ended.stdout, re.MULTILINE)


def test_check_tells_what_nothing_protects(tmp_path: Path) -> None:
    ended = run("check", "--plan", small_plan(tmp_path))
    assert ended.returncode == 1
    assert re.search(r"^failed +coverage of dataset scratch +nothing protects it", ended.stdout, re.MULTILINE)


def test_status_exceeds_until_there_is_a_copy(tmp_path: Path, repository: Path) -> None:
    plan = small_plan(tmp_path, repository)
    before = run("status", "--plan", plan)
    assert before.returncode == 1
    assert "EXCEEDED" in before.stdout
    assert run("backup", "--plan", plan).returncode == 0
    assert run("replicate", "--plan", plan).returncode == 0
    after = run("status", "--json", "--plan", plan)
    told = json.loads(after.stdout)
    assert {row["dataset"]: row["exceeded"] for row in told["datasets"]} == {
        "documents": False,
        "pictures": False,
        "scratch": False,
    }
    assert after.returncode == 0


def desk_variables(tmp_path: Path) -> dict[str, str]:
    """Those of the trading desk's plan, for a desk that is not there."""
    ports = ("PRIMARY_PG", "DR_PG", "PRIMARY_GATEWAY", "DR_GATEWAY", "PUBLIC", "VENUE")
    (tmp_path / "secrets").mkdir()
    for name in ("restic", "blackstart", "gateway"):
        (tmp_path / "secrets" / name).write_text("planted-secret")
        (tmp_path / "secrets" / name).chmod(0o600)
    return {
        "DESK": str(tmp_path),
        "PG_BIN": "/nowhere",
        "BLACKSTART_EVIDENCE": str(tmp_path / "evidence"),
        **{f"{name}_PORT": str(1 + number) for number, name in enumerate(ports)},
    }


def test_a_failover_is_shown_step_by_step_with_no_site_alive(tmp_path: Path) -> None:
    ended = run("failover", "--preview", "--plan", TRADING_DESK, env=desk_variables(tmp_path))
    assert ended.returncode == 0
    assert ended.stdout.index("fence primary") < ended.stdout.index("promote orders")
    assert "by hand: " in ended.stdout


@pytest.mark.parametrize("arguments", [["failover"], ["failover", "--environment", "production"]])
def test_a_failover_wants_its_environment_named(arguments: list[str], tmp_path: Path) -> None:
    ended = run(*arguments, "--plan", TRADING_DESK, env=desk_variables(tmp_path))
    assert ended.returncode == 2
    assert "hint: --environment demo" in ended.stderr


def test_a_drill_that_is_not_declared_is_exit_2_and_names_those_that_are(tmp_path: Path) -> None:
    ended = run("drill", "nothing", "--plan", TRADING_DESK, env=desk_variables(tmp_path))
    assert ended.returncode == 2
    assert "kill-primary" in ended.stderr


def test_recover_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    ended = run("recover", "--plan", small_plan(tmp_path))
    assert ended.returncode == 0
    assert ended.stdout == "nothing was left behind\n"


def test_a_bug_is_one_line_with_the_details_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from sites.drivers.masking import register_secret

    def broken(*_: Any) -> None:
        raise RuntimeError("planted-secret-of-a-bug")

    register_secret("planted-secret-of-a-bug")
    monkeypatch.setattr("flows.commands.look.estate_of", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["blackstart", "check"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "unexpected RuntimeError" in said.err
    assert "Traceback" not in said.err
    [details] = tmp_path.glob("blackstart-*.txt")
    assert str(details) in said.err
    assert "Traceback" in details.read_text()
    assert "planted-secret" not in said.err + said.out + details.read_text()


def test_a_reader_that_has_had_enough_ends_it_quietly() -> None:
    code = SPY.format(watched=set())
    with subprocess.Popen(
        [sys.executable, "-c", code, "schema", "plan"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
        process.wait(timeout=30)
    assert "Traceback" not in said


def test_a_calibration_is_told_to_people_and_to_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan(tmp_path)
    monkeypatch.setattr("drills.calibration.calibrate.SHORT", (Case("reset", 40_000_000, {"lost": 2}),))
    told = CliRunner().invoke(app, ["calibrate", "--plan", str(plan)])
    assert told.exit_code == 0, told.output
    assert "reset 0.04 s" in told.stdout
    assert "PASSED" in told.stdout
    assert "sent late     99 %" in told.stdout
    for verdict, exit_code in (("failed", 1), ("void", 3)):
        found = calibrate([]).model_copy(update={"verdict": verdict})
        monkeypatch.setattr("drills.calibration.calibrate.calibrate", lambda *_, found=found: found)
        again = CliRunner().invoke(app, ["calibrate", "--plan", str(plan), "--json"])
        assert (again.exit_code, json.loads(again.stdout)["verdict"]) == (exit_code, verdict)


def test_the_stop_lever_is_pulled_and_released(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    pulled = CliRunner().invoke(app, ["stop", "--reason", "an incident", "--plan", str(plan)])
    assert pulled.exit_code == 0
    assert "pulled: an incident" in pulled.output
    released = CliRunner().invoke(app, ["stop", "--release", "--plan", str(plan), "--json"])
    assert json.loads(released.output) == {"pulled": None, "released": True}


def test_faults_are_listed_with_what_each_needs() -> None:
    told = json.loads(CliRunner().invoke(app, ["faults", "--json"]).output)["faults"]
    assert "kill_site" in {one["kind"] for one in told}
    assert all(one["needs"] and one["undo"] for one in told)


def test_wrong_usage_is_told_to_programs_too() -> None:
    ended = run("backup", "--no-such-option", "--json")
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["exit_code"]) == (2, 2)
    assert "--no-such-option" in told["error"]


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (
            PermissionError(13, "Permission denied", "/etc"),
            'cannot backup: "/etc": Permission denied',
            "(it is",
        ),
        (OSError(28, "No space left on device"), "cannot backup: No space left on device", "make room"),
        (FileNotFoundError(2, "No such file or directory", "/no"), '"/no": No such file', "make it"),
    ],
)
def test_what_the_machine_refuses_is_no_bug_of_ours(
    error: OSError, said: str, hint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["blackstart", "backup"])
    assert tell(error, Console(), as_json=True) == 2
    heard = capsys.readouterr()
    assert said in heard.err
    assert hint in heard.err
    assert "bug" not in heard.err
    assert json.loads(heard.out)["exit_code"] == 2


def test_an_error_of_the_code_stays_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(ConnectionResetError(104, "Connection reset by peer"), Console(), as_json=False) == 1
    assert "bug in blackstart" in capsys.readouterr().err


def test_status_tells_of_the_stop_lever_and_of_sites_with_nothing_to_run(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    assert "STOPPED" not in CliRunner().invoke(app, ["status", "--plan", str(plan)]).stdout
    CliRunner().invoke(app, ["stop", "--plan", str(plan)])
    assert "STOPPED: no drill begins" in CliRunner().invoke(app, ["status", "--plan", str(plan)]).stdout


def test_check_opens_each_repository_with_its_password(tmp_path: Path, repository: Path) -> None:
    plan = small_plan(tmp_path, repository)
    assert "its password opens it" in CliRunner().invoke(app, ["check", "--plan", str(plan)]).stdout
    (tmp_path / "secret").write_text("another one")
    ended = CliRunner().invoke(app, ["check", "--plan", str(plan)])
    assert (ended.exit_code, "failed   repository near" in ended.stdout) == (1, True), ended.stdout


def test_lengths_of_time_are_as_a_plan_writes_them_in_its_schema() -> None:
    said = CliRunner().invoke(app, ["schema", "plan"]).stdout
    assert '"ns"' not in said
    assert '"default": "10m"' in said


@pytest.mark.parametrize(
    ("kind", "did"),
    [("failover", "failed over"), ("failback", "failed back"), ("switchover", "switched over")],
)
def test_what_was_done_is_headed_by_its_own_name(kind: Act, did: str) -> None:
    assert run_lines(Run(("a",), ()), kind)[0] == did
    broken = Run((), (), {"a": BlackstartError("no")}, ())
    assert run_lines(broken, kind)[0] == f"NOT {did}: the runbook did not come to its end"


def test_a_drill_that_is_interrupted_ends_in_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = Closed(tmp_path, {"reasons": []}, "inconclusive", "f" * 64)

    def interrupted(*_: object, **__: object) -> Closed:
        raise drill.Interrupted(closed)

    monkeypatch.setattr(drill, "run", interrupted)
    monkeypatch.setattr("flows.evidence.results.closed_lines", lambda *_: ["its verdict"])
    monkeypatch.setattr("flows.evidence.repeated.closed_data", lambda *_: {})
    ended = CliRunner().invoke(app, ["drill", "any", "--plan", str(small_plan(tmp_path))])
    assert (ended.exit_code, "its verdict" in ended.stdout) == (3, True), ended.output
