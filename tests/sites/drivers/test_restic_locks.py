"""Locks, live and dead, on the real restic: this machine's, and in the campaign Debian 13's too."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sites.errors import (
    RepositoryLocked,
)
from tests.sites.repositories import (
    TWO_REAL_ONES,
    Make,
    leave_dead_lock,
    lock_holder,
)


@pytest.fixture(params=TWO_REAL_ONES)
def restic_binary(request: pytest.FixtureRequest) -> str:
    """Every test here runs on both; on the second one in the campaign."""
    return str(request.param)


def test_a_live_lock_is_respected_and_described(make_repository: Make) -> None:
    repository = make_repository()
    with lock_holder(repository) as holder:
        with pytest.raises(RepositoryLocked, match="is locked") as caught:
            repository.check()
        assert f"of process {holder.pid} on host" in str(caught.value.hint)
        assert "and alive" in str(caught.value.hint)
        assert [lock.pid for lock in repository.locks()] == [holder.pid]


def test_a_live_lock_is_waited_for(make_repository: Make) -> None:
    repository = make_repository(lock_wait_seconds=30.0)
    with lock_holder(repository) as holder:
        code = f"import os,time; time.sleep(0.4); os.kill({holder.pid}, {int(signal.SIGINT)})"
        with subprocess.Popen([sys.executable, "-c", code]):
            assert repository.check().part is None


def test_a_dead_lock_is_removed(make_repository: Make) -> None:
    repository = make_repository()
    leave_dead_lock(repository)
    assert len(repository.locks()) == 1
    assert repository.unlock() == ()


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second user")
def test_a_lock_that_another_user_holds_on_this_host_is_no_dead_one(make_repository: Make) -> None:
    """restic cannot signal its process, takes it for gone, and would remove the lock of whoever prunes."""
    with TemporaryDirectory(dir="/var/tmp") as folder:
        made = make_repository()
        repository = replace(made, url=str(Path(folder, "repository")))
        shutil.move(made.url, repository.url)
        with lock_holder(repository) as holder:
            subprocess.run(["/bin/chmod", "-R", "a+rwX", folder], check=True)
            assert as_nobody(lambda: [lock.pid for lock in repository.unlock()] == [holder.pid])
            assert [lock.pid for lock in repository.locks()] == [holder.pid]


def as_nobody(told: Callable[[], bool]) -> bool:
    """What that says in a process of the user nobody."""
    child = os.fork()
    if not child:
        said = False
        try:
            os.setgroups([])
            os.setgid(pwd.getpwnam("nobody").pw_gid)
            os.setuid(pwd.getpwnam("nobody").pw_uid)
            said = told()
        finally:
            os._exit(0 if said else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_dead_lock_does_not_stop_us(make_repository: Make) -> None:
    repository = make_repository(lock_wait_seconds=5.0)
    leave_dead_lock(repository)
    assert repository.check().part is None


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second host name")
def test_a_lock_of_another_host_is_left_and_said_to_be_left(make_repository: Make, source: Path) -> None:
    repository = make_repository()
    repository.backup([source])
    leave_dead_lock(repository, "unshare", "--uts", "sh", "-c", 'hostname elsewhere; exec "$@"', "sh")
    (left,) = repository.unlock()
    assert left.host == "elsewhere"
    with pytest.raises(RepositoryLocked) as caught:
        repository.check()
    assert "'elsewhere'" in str(caught.value.hint)
    assert repository.unlocked().snapshots().snapshots  # a dead site's lock never stops a recovery
