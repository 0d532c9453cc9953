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


def test_what_is_left_to_people_does_not_pass_for_done(tmp_path: Path) -> None:
    """How a server on a host is made a standby again is a comment; whoever pastes it has done nothing yet."""
    path = Path(__file__).parents[3] / "examples" / "two_hosts" / "plan.yaml"
    for name in ("blackstart", "replicator"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text("secret")
    nowhere = {"ALPHA": "127.0.0.1", "BRAVO": "127.0.0.2", "KEYS": str(tmp_path)}
    raw = path.read_bytes().replace(b'host: "${ALPHA}"', b'host: "${ALPHA}", port: 9')
    lines = by_hand_rejoin.rejoin(Estate(read_plan(path, raw, nowhere)), "orders", "primary", "dr", "primary")
    *_, comment, last = lines.splitlines()
    assert comment.startswith("# at site primary: pg_rewind")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{comment}\n{last}"], env=SHELL, capture_output=True, check=False
    )
    assert done.returncode != 0
    answers = last.replace(last[: last.index(" | grep")], "echo t", 1)
    assert subprocess.run(["/bin/sh", "-c", answers], env=SHELL, check=False).returncode == 0


def test_a_folder_is_copied_with_what_was_there_before_beside_it(tmp_path: Path) -> None:
    source, to = tmp_path / "it's one", tmp_path / "two"
    for folder, said in ((source, "new"), (to, "old")):
        folder.mkdir()
        (folder / "book").write_text(said)
    paste(by_hand_data.copy(source, to))
    assert (to / "book").read_text() == "new"
    assert (tmp_path / "two.before-by-hand" / "book").read_text() == "old"
