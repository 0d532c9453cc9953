"""The plan's lock has one holder however the journal is put away meanwhile, and what was torn stays apart."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sites.errors import RunbookError
from sites.recovery.journal import Journal, lock_of
from sites.recovery.lock import take
from sites.recovery.under_way import busy, journal_of
from tests.drills.read_only import only_root, run_read_only

PROCESSES, ROUNDS = 4, 60

RACING = """
import os, sys
from pathlib import Path
from sites.recovery.journal import Held
from sites.recovery.under_way import busy, journal_of

state, rounds, inside = Path(sys.argv[1]), int(sys.argv[2]), 0
for _ in range(rounds):
    busy(state)
    try:
        journal = journal_of(state)
    except Held:
        continue
    with journal:
        os.close(os.open(state / "inside", os.O_CREAT | os.O_EXCL))  # two holders: FileExistsError
        journal.started("fence")
        journal.done("fence", {})
        journal.put_away()
        os.unlink(state / "inside")
        inside += 1
print(inside)
"""


def racing(folder: Path, rounds: int) -> list[subprocess.CompletedProcess[str]]:
    argv = [sys.executable, "-c", textwrap.dedent(RACING), str(folder), str(rounds)]
    begun = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    ends = [process.communicate(timeout=60) for process in begun]
    return [
        subprocess.CompletedProcess(argv, process.returncode, *said)
        for process, said in zip(begun, ends, strict=True)
    ]


def expect_one_at_a_time(folder: Path, rounds: int) -> int:
    ended = racing(folder, rounds)
    assert [end.stderr for end in ended] == [""] * PROCESSES
    acts = sum(int(end.stdout) for end in ended)
    assert len(list((folder / "failover").glob("20*.jsonl"))) == acts, "each act kept its own journal"
    return acts


def test_processes_that_put_their_journals_away_hold_the_lock_one_at_a_time(tmp_path: Path) -> None:
    assert expect_one_at_a_time(tmp_path, ROUNDS) > PROCESSES


@pytest.mark.campaign
def test_many_rounds_of_that(tmp_path: Path) -> None:
    acts = expect_one_at_a_time(tmp_path, 50 * ROUNDS)
    print(f"proof: {acts} acts of {PROCESSES} processes, one holder of the plan's lock at a time")  # noqa: T201


def test_a_lock_on_a_file_that_was_taken_away_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = take(path)
    path.rename(tmp_path / "away")
    second = take(path)
    assert None not in (first, second)
    assert take(path) is None


def test_who_goes_on_with_an_empty_journal_keeps_the_lock_meanwhile(tmp_path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.started("fence")
        journal.done("fence", {})
        before = lock_of(journal.path).stat().st_ino
        journal.begin_anew()
        assert (journal.states, busy(tmp_path)) == ({}, True)
        journal.started("promote")
        assert lock_of(journal.path).stat().st_ino == before
    assert busy(tmp_path) is False


def test_a_journal_that_makes_no_sense_is_no_living_process(tmp_path: Path) -> None:
    journal_of(tmp_path).close()
    (tmp_path / "failover/journal.jsonl").write_text("no sense\n")
    assert busy(tmp_path) is False


FULL = """
import resource, sys
from pathlib import Path
from sites.errors import RunbookError
from sites.recovery.journal import Journal

path = Path(sys.argv[1])
with Journal(path) as journal:
    journal.started("fence")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 30, hard))
    try:
        journal.done("fence", {"how": "x" * 200})
    except RunbookError as error:
        print(error, error.hint)
    print(path.stat().st_size, journal.states)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    if sys.argv[2] == "goes on":
        journal.done("fence", {})
        journal.started("promote")
"""


@pytest.mark.parametrize("then", ["goes on", "ends"])
def test_half_a_line_of_a_full_disk_is_not_glued_to_the_next(tmp_path: Path, then: str) -> None:
    path = tmp_path / "journal.jsonl"
    argv = [sys.executable, "-c", textwrap.dedent(FULL), str(path), then]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert 'cannot write down that step "fence" is done' in ended.stdout
    assert "--resume" in ended.stdout
    assert "{'fence': 'started'}" in ended.stdout
    with Journal(path) as journal:
        assert journal.states == (
            {"fence": "done", "promote": "started"} if then == "goes on" else {"fence": "started"}
        )
        journal.started("fence")
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()][-1] == "fence"


@pytest.mark.parametrize("tail", [b'{"step": "fe', b"\0" * 100, b'{"step": "fence", "state": "done"}'])
def test_a_torn_last_line_of_a_power_cut_is_no_entry(tmp_path: Path, tail: bytes) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.started("fence")
    with (tmp_path / "j").open("ab") as out:
        out.write(tail)
    with Journal(tmp_path / "j") as journal:
        assert journal.states == {"fence": "started"}
        journal.done("fence", {})
    with Journal(tmp_path / "j") as journal:
        assert journal.states == {"fence": "done"}


def test_a_line_that_is_torn_before_others_is_refused_by_its_number(tmp_path: Path) -> None:
    whole = '{"step": "fence", "state": "started"}\n'
    (tmp_path / "j").write_text(f'{whole}{{"step": "fence", "sta{whole}{whole}')
    with pytest.raises(RunbookError, match="line 2 makes no sense") as caught:
        Journal(tmp_path / "j")
    assert "move the journal aside" in str(caught.value.hint)


READ_ONLY = """
import sys
from pathlib import Path
from sites.errors import RunbookError
from sites.recovery.under_way import busy, journal_of

state = Path(sys.argv[1])
with journal_of(state) as journal:
    print(journal.states, busy(state))
    try:
        journal.done("fence", {})
    except RunbookError as error:
        print(error)
try:
    journal_of(state / "another")
except RunbookError as error:
    print(error, error.hint)
"""


BUSY = """
import sys
from pathlib import Path
from sites.recovery.under_way import busy
print(busy(Path(sys.argv[1])))
"""


@only_root
def test_a_read_only_state_is_locked_and_read(tmp_path: Path) -> None:
    """The lock keeps others out all the same; what would have to be written is refused with the reason."""
    with journal_of(tmp_path) as journal:
        journal.started("fence")
    read, wrote, locked = run_read_only(tmp_path, READ_ONLY).splitlines()
    assert read == "{'fence': 'started'} True"
    assert 'cannot write down that step "fence" is done' in wrote
    assert wrote.endswith("Read-only file system")
    assert locked.startswith(f"cannot lock {tmp_path}/another")
    assert "make that folder writable" in locked


@only_root
def test_who_holds_a_lock_keeps_out_who_can_only_read_it(tmp_path: Path) -> None:
    with journal_of(tmp_path):
        assert run_read_only(tmp_path, BUSY) == "True\n"
