"""Repositories far away, each on a real server of its kind: REST, S3, SFTP, and whatever rclone reaches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sites.drivers.restic.repository import Restic
from sites.errors import MissingProgram, NoRepository, RepositoryError, RepositoryLocked
from tests.sites.drivers.servers import RCLONE, SECRET, SSHD, USER, rest_server, s3_server, sftp_server
from tests.sites.drivers.test_restic import command_lines
from tests.sites.repositories import PASSWORD, SECOND, Make, leave_dead_lock

KINDS = ("rest", "s3", "sftp", "rclone")
OURS = {"RESTIC_REST_USERNAME": lambda: USER, "RESTIC_REST_PASSWORD": lambda: SECRET}
KEYS = {"AWS_ACCESS_KEY_ID": lambda: USER, "AWS_SECRET_ACCESS_KEY": lambda: SECRET}


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def far(kind: str, template: Path, folder: Path, servers: ExitStack, binary: str = "restic") -> Restic:
    """An empty repository behind a real server of that kind."""
    bucket = folder / "served" / "bucket"
    shutil.copytree(template, bucket)
    options: dict[str, Any] = {}
    if kind == "rest":
        url = f"rest:http://127.0.0.1:{servers.enter_context(rest_server(bucket))}/"
        options["secrets"] = OURS
    elif kind == "s3":
        url = f"s3:http://127.0.0.1:{servers.enter_context(s3_server(bucket.parent))}/bucket"
        options["secrets"] = KEYS
    elif kind == "sftp":
        if SSHD is None:
            pytest.skip("no SSH server is here")
        url = f"sftp:anybody@127.0.0.1:{bucket}"
        options["options"] = servers.enter_context(sftp_server(folder))
    else:
        url = f"rclone::local:{bucket}"
        options["options"] = {"rclone.program": str(RCLONE)}
    return Restic(
        "far", url, lambda: PASSWORD, binary=binary, host="desk", cache="none", lock_wait_seconds=0, **options
    )


def through_its_paces(repository: Restic, onsite: Restic, source: Path, out: Path) -> None:
    """Everything that protection asks of a repository."""
    made = onsite.backup([source], tags=["dataset:strategies"])
    assert repository.copy(onsite, [made.snapshot_id]).snapshot_ids == (made.snapshot_id,)
    (copied,) = repository.snapshots(tags=["dataset:strategies"]).snapshots
    assert copied.original == made.snapshot_id
    direct = repository.backup([source], tags=["dataset:strategies"])
    assert len(direct.snapshot_id) == 64
    assert repository.check(read_data=True).part == (1, 1)
    assert repository.restore(copied.id, out).seconds > 0
    assert (out / source.relative_to("/") / "a.bin").read_bytes() == (source / "a.bin").read_bytes()
    repository.forget_snapshots([direct.snapshot_id])
    repository.prune()
    assert [s.id for s in repository.snapshots().snapshots] == [copied.id]


def test_a_rest_server_is_signed_in_to_and_nobody_sees_how(
    repository_template: Path, tmp_path: Path, servers: ExitStack, source: Path
) -> None:
    repository = far("rest", repository_template, tmp_path, servers)
    with ThreadPoolExecutor(1) as beside:
        backup = beside.submit(repository.backup, [source])
        seen = set()
        while not backup.done():
            seen |= set(command_lines())
    assert any(str(source).encode() in line for line in seen)
    assert not any(b"planted" in line for line in seen)
    assert "planted" not in repr(repository)
    strange = Restic("far", repository.url, lambda: PASSWORD, cache="none", lock_wait_seconds=0)
    with pytest.raises(RepositoryError, match="401"):
        strange.snapshots()


@pytest.mark.campaign
@pytest.mark.parametrize("binary", ["restic", str(SECOND)], ids=["0.14", "0.18"])
@pytest.mark.parametrize("kind", KINDS)
def test_campaign_of_repositories_far_away(
    kind: str,
    binary: str,
    make_repository: Make,
    repository_template: Path,
    tmp_path: Path,
    servers: ExitStack,
    source: Path,
) -> None:
    onsite = make_repository("onsite", binary=binary)
    repository = far(kind, repository_template, tmp_path, servers, binary)
    through_its_paces(repository, onsite, source, tmp_path / "out")
    print(f"proof: {kind} through restic {repository.able}")  # noqa: T201


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_campaign_of_what_is_not_there_and_of_dead_locks_far_away(
    kind: str, repository_template: Path, tmp_path: Path, servers: ExitStack
) -> None:
    repository = far(kind, repository_template, tmp_path, servers)
    near = Restic("near", str(tmp_path / "served" / "bucket"), lambda: PASSWORD, cache="none")
    leave_dead_lock(near)
    assert len(repository.locks()) == 1
    assert repository.unlock() == ()
    with pytest.raises(NoRepository):
        replace(repository, url=f"{repository.url.rstrip('/')}/nothing").snapshots()


@pytest.mark.campaign
def test_campaign_of_a_server_that_only_takes_refuses_to_forget(
    repository_template: Path, tmp_path: Path, servers: ExitStack, source: Path
) -> None:
    root = shutil.copytree(repository_template, tmp_path / "served" / "bucket")
    port = servers.enter_context(rest_server(root, "--append-only"))
    repository = Restic("far", f"rest:http://127.0.0.1:{port}/", lambda: PASSWORD, cache="none", secrets=OURS)
    made = repository.backup([source])
    with pytest.raises(RepositoryError) as caught:
        repository.forget_snapshots([made.snapshot_id])
    assert not isinstance(caught.value, RepositoryLocked | MissingProgram)
    assert [s.id for s in repository.snapshots().snapshots] == [made.snapshot_id]
