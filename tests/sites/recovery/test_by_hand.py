"""What a person types: whole and quoted, secrets looked up by the line itself, aimed by number alone."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.drivers.processes.site import ProcessSite
from sites.drivers.processes.table import boot_id
from sites.estate import Estate
from sites.plan import Plan, read_plan
from sites.recovery import by_hand, by_hand_data, by_hand_rejoin
from tests.sites.drivers.waiting import wait_until

SHELL = {"PATH": os.environ["PATH"]}


def plan_of(folder: Path, **changes: Any) -> Plan:
    program = {"command": ["sleep", "600"]}
    declared = {
        "name": "light",
        "environment": "test",
        "sites": {
            name: {"kind": "processes", "path": f"the {name}", "processes": {"web": program, "more": program}}
            for name in ("here", "there")
        },
        **changes,
    }
    return read_plan(folder / "plan.yaml", yaml.safe_dump(declared).encode(), {})


def paste(lines: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", lines], cwd="/", env=SHELL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
    return done.stdout


def up(plan: Plan, name: str) -> ProcessSite:
    site = Estate(plan, until_pid=os.getpid()).processes(name)
    site.up()
    return site


def test_one_program_is_stopped_and_none_of_the_same_name_beside_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    here, there = up(plan, "here"), up(plan, "there")
    try:
        paste(by_hand.stop(plan, "here", "web"))
        assert (set(here.running()), set(there.running())) == ({"more"}, {"web", "more"})
        assert paste(by_hand.stop(plan, "here", "web")) == "web does not run at site here\n"
    finally:
        here.kill(), there.kill()


def test_a_site_is_fenced_whole_and_the_other_one_lives(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    here, there = up(plan, "here"), up(plan, "there")
    try:
        paste(by_hand.fence(plan, "here", None))
        wait_until("the site is gone", lambda: here.proven_gone().holds)
        assert set(there.running()) == {"web", "more"}
    finally:
        here.kill(), there.kill()


@pytest.mark.parametrize("of_another", ["boot", "folder"])
def test_a_number_that_may_be_somebody_elses_by_now_is_not_trusted(tmp_path: Path, of_another: str) -> None:
    plan = plan_of(tmp_path)
    folder = plan.folder / "the here"
    folder.mkdir()
    stranger = subprocess.Popen(["/bin/sleep", "600"], cwd=folder if of_another == "boot" else "/")
    boot = "of another boot" if of_another == "boot" else boot_id()
    (folder / "site.json").write_text(f'{{\n "boot": "{boot}",\n "pid": {stranger.pid}\n}}\n')
    paste(by_hand.fence(plan, "here", None))
    assert stranger.poll() is None
    if of_another == "boot":  # the control: where both agree, it is the site's first process, and killed
        (folder / "site.json").write_text(f'{{\n "boot": "{boot_id()}",\n "pid": {stranger.pid}\n}}\n')
        paste(by_hand.fence(plan, "here", None))
    else:
        stranger.kill()
    assert stranger.wait() == -signal.SIGKILL


def test_secrets_are_looked_up_by_the_line_and_are_in_no_argument(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("sword fish\n")
    (tmp_path / "a file").chmod(0o600)
    env = {"A": {"file": "a file"}, "B": {"command": ["echo", "it's"]}, "C": "plain $$HOME"}
    step = {"do": ["sh", "-c", 'echo "$$A|$$B|$$C"'], "after": ["fence here"], "env": env}
    plan = plan_of(
        tmp_path, failover={"from": "here", "to": "there", "decide": "automatic", "steps": {"x": step}}
    )
    assert plan.failover is not None
    own = plan.failover.steps["x"]
    line = by_hand.told(plan.folder, own.env, own.do)
    assert "sword fish" not in line
    assert paste(line) == "sword fish|it's|plain $HOME\n"


def test_a_program_that_is_started_belongs_to_the_log_by_which_it_is_found(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    paste(by_hand.start(plan, "here", "web"))
    wait_until("its log", (plan.folder / "the here" / "logs" / "web.log").exists)
    assert paste(by_hand.stop(plan, "here", "web")) == ""
    assert paste(by_hand.stop(plan, "here", "web")) == "web does not run at site here\n"


def two_hosts(folder: Path, **primary: Any) -> Estate:
    """Their plan, of which nothing is there; `primary` is declared in place of its site."""
    path = Path(__file__).parents[3] / "examples" / "two_hosts" / "plan.yaml"
    for name, secret in (("blackstart", "sword:fish"), ("replicator", "carp")):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(secret)
    declared = yaml.safe_load(path.read_bytes())
    declared["datasets"]["orders"]["primary"] |= {"port": 9, "data": str(folder / "its data")}
    if primary:
        declared["sites"]["primary"] = {
            "drills": True,
            "processes": {"postgres": {}, "health": {}},
            **primary,
        }
    nowhere = {"ALPHA": "127.0.0.1", "BRAVO": "127.0.0.2", "KEYS": str(folder)}
    return Estate(read_plan(path, yaml.safe_dump(declared).encode(), nowhere))


COMMANDS = {act: ["true"] for act in ("start", "stop", "kill", "status")}


@pytest.mark.parametrize(
    ("primary", "why"),
    [
        ({"kind": "containers"}, "does not say where one container reaches another"),
        ({"kind": "shell", **COMMANDS}, "knows its commands and not its machines"),
    ],
)
def test_what_is_left_to_people_does_not_pass_for_done(
    tmp_path: Path, primary: dict[str, Any], why: str
) -> None:
    """Where no line can be printed it is said why not; whoever pastes what is there has done nothing yet."""
    lines = by_hand_rejoin.rejoin(two_hosts(tmp_path, **primary), "orders", "primary", "dr", "primary")
    *_, comment, last = lines.splitlines()
    assert comment.startswith("# at site primary: pg_rewind")
    assert why in comment
    done = subprocess.run(
        ["/bin/sh", "-c", f"{comment}\n{last}"], env=SHELL, capture_output=True, check=False
    )
    assert done.returncode != 0
    answers = last.replace(last[: last.index(" | grep")], "echo t", 1)
    assert subprocess.run(["/bin/sh", "-c", answers], env=SHELL, check=False).returncode == 0


PRETENDING = {
    "ssh": 'while [ $# -gt 1 ]; do shift; done; exec sh -c "$1"',
    "sudo": 'shift; exec "$@"',
    "runuser": '[ "$2" = postgres ] && shift 3 && exec "$@"',
    "pg_isready": "exit 2",
    "psql": "exit 0",
    "systemctl": 'echo "$@" >> "$TOLD"',
    "pg_rewind": 'cp "$PGPASSFILE" "$TOLD.secret"; echo "its own" > "$2/postgresql.conf"; exit ${REWINDS:-0}',
    "pg_basebackup": 'test -s "$PGPASSFILE"; mkdir "$2"; echo theirs > "$2/a.conf"; exit ${COPIES:-0}',
}


def pasted_on_a_host(folder: Path, **exits: str) -> tuple[int, Path]:
    """The lines that make its server a standby, where every program only pretends; its exit, and its data."""
    programs, data = folder / "programs", folder / "its data"
    programs.mkdir()
    data.mkdir()
    for name, text in {"PG_VERSION": "none\n", "postgresql.conf": "own", "postmaster.pid": "1"}.items():
        (data / name).write_text(text)
    (data / "postgresql.auto.conf").write_text("work_mem = 1\nprimary_slot_name = 'other'\n")
    for name, line in PRETENDING.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    lines = by_hand_rejoin.rejoin(two_hosts(folder), "orders", "primary", "dr", "primary")
    assert "sword" not in lines
    env = {"PATH": f"{programs}:{SHELL['PATH']}", "TOLD": str(folder / "told"), **exits}
    return subprocess.run(["/bin/sh", "-c", lines], cwd="/", env=env, check=False).returncode, data


@pytest.mark.parametrize("rewinds", [True, False])
def test_a_server_on_a_host_is_made_a_standby_by_the_printed_lines(tmp_path: Path, rewinds: bool) -> None:
    """What it was stays beside it where it has to be copied anew."""
    code, data = pasted_on_a_host(tmp_path, REWINDS="0" if rewinds else "1")
    assert code == 0
    assert (tmp_path / "told").read_text() == "start postgresql@15-main.service\n"
    assert (tmp_path / "told.secret").read_text() == "*:*:*:*:sword\\:fish\n"
    assert (data / "postgresql.conf").read_text() == "own"
    told = (data / "postgresql.auto.conf").read_text()
    assert told.startswith("work_mem = 1\nprimary_conninfo = 'host=''127.0.0.2''")
    assert told.count("primary_slot_name") == 1
    assert (data / "standby.signal").exists()
    passfile = data.with_name("its data.passfile")
    assert (passfile.read_text(), passfile.stat().st_mode & 0o777) == ("*:*:*:*:carp\n", 0o600)
    assert not (data / "postmaster.pid").exists()
    assert data.with_name("its data.old").exists() is not rewinds
    assert not list(tmp_path.glob("its data.[os][we][nc]*"))


def test_what_a_server_on_a_host_wrote_last_is_asked_there(tmp_path: Path) -> None:
    """And where nobody can print how, that is said, and nothing that cannot be run."""
    on_host = by_hand_data.compare(two_hosts(tmp_path), "orders", "primary", "dr")
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "its data").mkdir()
    (tmp_path / "its data" / "PG_VERSION").write_text("none")
    told = 'echo "Latest checkpoint location: 0/1 of $2"'
    for name, line in {**PRETENDING, "pg_controldata": told}.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    env = {"PATH": f"{programs}:{SHELL['PATH']}"}
    done = subprocess.run(["/bin/sh", "-c", on_host], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == f"Latest checkpoint location: 0/1 of {tmp_path / 'its data'}\n"
    assert on_host.startswith("ssh ")
    in_containers = by_hand_data.compare(two_hosts(tmp_path, kind="containers"), "orders", "primary", "dr")
    assert in_containers.startswith("# at site primary: see what pg_controldata says")


def test_nothing_is_started_where_it_became_no_standby(tmp_path: Path) -> None:
    code, data = pasted_on_a_host(tmp_path, REWINDS="1", COPIES="1")
    assert code != 0
    assert not (tmp_path / "told").exists()
    assert data.with_name("its data.old").exists(), "what it was is still there"


def test_a_folder_is_copied_with_what_was_there_before_beside_it(tmp_path: Path) -> None:
    source, to = tmp_path / "it's one", tmp_path / "two"
    for folder, said in ((source, "new"), (to, "old")):
        folder.mkdir()
        (folder / "book").write_text(said)
    paste(by_hand_data.copy(source, to))
    assert (to / "book").read_text() == "new"
    assert (tmp_path / "two.before-by-hand" / "book").read_text() == "old"
