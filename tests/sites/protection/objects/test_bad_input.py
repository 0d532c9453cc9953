"""What a replication meets on its way is named, the last mark stays, and no secret shows."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sites.drivers import command
from sites.drivers.command import Completed
from sites.drivers.s3 import rclone
from sites.drivers.s3.copying import Copier
from sites.drivers.s3.listing import Listed
from sites.errors import BucketError, BucketUnreachable, DatasetError
from sites.object_manifest import Entry
from sites.protection.objects.exposure import objects_exposure
from tests.sites.drivers.servers import SECRET
from tests.sites.protection.objects.conftest import Make, Pair


@pytest.fixture
def filled(rclone_pair: Make) -> Pair:
    pair = rclone_pair()
    pair.put("a", "content")
    pair.replicate()
    return pair


def stays_at(pair: Pair, mark: int) -> None:
    row = objects_exposure(pair.dataset, 3600.0, pair.history)
    assert row.snapshot_id == f"mark-{mark}"
    assert "the last replication failed" in row.notes[0]


def test_a_disk_that_is_full_here_is_named(filled: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sites.protection.objects.replication.Writer.add", full)
    filled.put("b")
    with pytest.raises(DatasetError, match=r'cannot replicate dataset "archive": .*work: No space left'):
        filled.replicate()
    stays_at(filled, 1)
    monkeypatch.undo()
    assert filled.replicate().mark == 3


def test_a_place_that_is_no_folder_is_named(filled: Pair, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    filled.folder = tmp_path / "file"
    with pytest.raises(DatasetError, match="Not a directory"):
        filled.replicate()


def test_when_nothing_goes_any_more_it_is_given_up(filled: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake of a store that takes nothing: ten thousand errors would say no more than the first few."""

    def refuses(_self: Copier, listed: Listed) -> Entry | None:
        raise BucketError(f"cannot put {listed.key!r}: quota exceeded", hint="free some room")

    monkeypatch.setattr(Copier, "copy", refuses)
    monkeypatch.setattr("sites.protection.objects.carrying.FAILED_MAX", 2)
    for number in range(20):
        filled.put(f"{number:02}")
    with pytest.raises(BucketError, match=r"more than 2 objects failed.*'00': cannot put '00'") as caught:
        filled.replicate()
    assert caught.value.hint == "free some room"
    stays_at(filled, 1)


def test_a_connection_that_breaks_off_is_tried_again(filled: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    real, broke = Copier._copy, []

    def breaks(self: Copier, listed: Listed) -> Entry | None:
        broke.append(listed.key)
        if len(broke) < 3:
            raise BucketUnreachable("broke off")
        return real(self, listed)

    monkeypatch.setattr(Copier, "_copy", breaks)
    filled.put("b")
    result = filled.replicate()
    assert (broke, result.mark, result.failures) == (["b"] * 3, 2, 0)


def test_rclone_that_is_asked_for_and_not_there_is_named(
    filled: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sites.drivers.s3.rclone.program", lambda: None)
    with pytest.raises(DatasetError, match="rclone, which is not installed"):
        filled.having(by="rclone").replicate()
    assert filled.having(by="auto").replicate().by == "boto3"


def test_no_secret_is_in_a_command_line(
    filled: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Sequence[object], dict[str, Any]]] = []

    def listens(argv: Sequence[object], **words: Any) -> Completed:
        seen.append((argv, words))
        return Completed("", "", 0, 0.0)

    monkeypatch.setattr(command, "run", listens)
    source, replica = filled.dataset.source, filled.dataset.replica
    rclone.carry("rclone", source, replica, keys=tmp_path / "keys", limit_seconds=1.0)
    ((argv, words),) = seen
    assert SECRET not in " ".join(map(str, argv)) + str(words["env"])
    assert list(words["secret_env"].values()).count(SECRET) == 2
