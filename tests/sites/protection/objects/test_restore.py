"""A restore test of a bucket reads the replica alone, and whatever is wrong with that shows."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from typing import Any

import pytest

from sites.drivers.s3 import marks
from sites.drivers.s3.content import Content
from sites.drivers.s3.listing import first, listing
from sites.drivers.s3.marks import MANIFESTS, UNDER_WAY, Mark
from sites.object_manifest import Entry, Writer
from sites.protection.objects.exposure import objects_exposure
from sites.protection.objects.restore_test import differs
from sites.restored import CommandQuestion
from tests.sites.protection.objects.conftest import Make, Pair
from tests.sites.repositories import wait_until

BODY = b"ticks" * 100
SHA256, MD5 = sha256(BODY).hexdigest(), md5(BODY, usedforsecurity=False).hexdigest()
PARTS = f"{'a' * 32}-3"
CONTENT = Content(len(BODY), SHA256, MD5, PARTS, "told")


@pytest.fixture
def filled(pair: Pair) -> Pair:
    for number in range(6):
        pair.put(f"day/{number}", f"tick {number}")
    pair.replicate()
    return pair


def test_all_that_the_mark_promises_comes_back(filled: Pair) -> None:
    filled.having(source=replace(filled.dataset.source, endpoint="http://127.0.0.1:9"))  # never asked
    result = filled.restore_test()
    assert (result.verdict, result.reason) == ("met", "all 6 objects match the manifest")
    assert (result.matched, result.bytes, result.snapshot_id) == (6, 36, "mark-1")
    row = objects_exposure(filled.dataset, 3600.0, filled.history)
    assert (row.by, row.exceeded, row.proven is not None, row.notes) == ("copy", False, True, ())
    assert not list((filled.folder / "scratch").iterdir())


@pytest.mark.parametrize("harm", ["forged", "of the same size", "cut short", "gone"])
def test_damage_at_the_replica_is_missed(filled: Pair, harm: str) -> None:
    if harm == "gone":
        filled.delete("day/3", at="replica")
    else:
        body = {"forged": b"something else", "of the same size": b"TICK 3", "cut short": b"tick"}[harm]
        filled.dataset.replica.call("forge", "put_object", "day/3", Body=body)
    result = filled.restore_test()
    assert (result.verdict, result.missing + result.different, result.matched) == ("missed", 1, 5)
    assert "day/3" in result.mismatches[0]
    filled.replicate()
    assert filled.restore_test().verdict == "met"


def test_metadata_that_is_another_is_missed(filled: Pair) -> None:
    filled.dataset.replica.call("forge", "put_object", "day/3", Body=b"tick 3", Metadata={"forged": "yes"})
    assert "metadata or tags" in filled.restore_test().mismatches[0]


def test_what_lies_there_besides_is_odd_only_where_deletions_follow(filled: Pair) -> None:
    filled.dataset.replica.call("add", "put_object", "day/33", Body=b"stray")
    assert filled.restore_test().verdict == "met"
    assert (
        filled.having(deletions="follow").restore_test().verdict == "met"
    )  # it may be of the last run itself
    stray = [one.modified for one in listing(filled.dataset.replica) if one.key == "day/33"]
    wait_until(lambda: begun_anew(filled) > stray[0])
    result = filled.restore_test()
    assert (result.verdict, result.extra, result.mismatches) == ("missed", 1, ("extra: day/33",))


def begun_anew(pair: Pair) -> str:
    """When the last run began, by the replica's clock: now."""
    marks.put(pair.dataset.replica, Mark(1, "archive", datetime.now(UTC)), at=UNDER_WAY)
    found = first(pair.dataset.replica, UNDER_WAY)
    return found.modified if found is not None else ""


def test_without_a_mark_nothing_is_restorable(pair: Pair) -> None:
    pair.dataset.replica.call("add", "put_object", "a", Body=b"here, and by whom?")
    assert (pair.restore_test().verdict, pair.restore_test().matched) == ("missed", 0)


def test_a_mark_that_had_arrived_and_is_gone_is_missed(filled: Pair) -> None:
    filled.put("more")
    filled.replicate()
    filled.delete(Mark(2, "archive", datetime.now(UTC)).key, at="replica")
    result = filled.restore_test()
    assert result.verdict == "missed"
    assert "mark 2 had arrived" in result.reason


@pytest.mark.parametrize("harm", ["gone", "damaged", "cut short"])
def test_without_its_manifest_a_mark_proves_nothing(filled: Pair, harm: str) -> None:
    mark = marks.newest(filled.dataset.replica)
    assert mark is not None
    key = f"{MANIFESTS}{mark.manifest}.gz"
    whole = filled.dataset.replica.get_bytes(key)
    assert whole is not None
    if harm == "gone":
        filled.delete(key, at="replica")
    else:
        body = whole[:-9] if harm == "cut short" else whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]
        filled.dataset.replica.call("damage", "put_object", key, Body=body)
    assert filled.restore_test().verdict == "inconclusive"
    if harm == "damaged":
        shutil.rmtree(filled.folder / "work")  # another worker's first run: it has only what lies there
        filled.put("day/9")
        assert filled.replicate().copied == 1
        assert filled.restore_test().verdict == "met"
    if harm == "gone":
        row = objects_exposure(filled.dataset, 3600.0, filled.history)
        assert row.notes == ("the manifest of mark 1 is gone: no restore test can be met",)
        filled.replicate()
        assert filled.restore_test().verdict == "met"


def test_what_a_later_run_has_put_there_is_not_proven_and_not_damage(filled: Pair) -> None:
    later = Mark(2, "archive", datetime.now(UTC))
    marks.put(filled.dataset.replica, later, at=UNDER_WAY)
    filled.dataset.replica.call("put", "put_object", "day/3", Body=b"newer, by mark 2")
    result = filled.restore_test()
    assert (result.verdict, result.moving, result.different) == ("inconclusive", 1, 0)
    assert "a later replication that is not over" in result.reason


def test_the_users_checks_look_at_files_that_lie_nowhere_else(moto_pair: Make) -> None:
    pair = moto_pair()
    for key in ("day/1", "%2e", "x" * 300 + "/y"):
        pair.put(key, key)
    pair.replicate()
    code = "import os; print(open(os.environ['BLACKSTART_RESTORED'] + '/day/1').read())"
    looks = CommandQuestion("looks", (sys.executable, "-c", code))
    fails = CommandQuestion("fails", (sys.executable, "-c", "import sys; sys.exit('a gap')"))
    result = pair.restore_test(looks)
    assert (result.verdict, result.answers[0].said) == ("met", "day/1")
    assert pair.restore_test(looks, fails).verdict == "missed"


@pytest.mark.parametrize(
    ("entry", "wrong", "proof"),
    [
        ({"sha256": SHA256, "etag": "0" * 32}, None, "sha256"),
        ({"sha256": "0" * 64, "etag": MD5}, "sha256", "sha256"),
        ({"etag": MD5}, None, "md5"),
        ({"etag": "0" * 32}, "md5", None),
        ({"etag": PARTS}, None, "parts"),
        ({"etag": f"{'b' * 32}-3"}, None, None),  # of another layout: the ETag says nothing
        ({"etag": ""}, None, None),
        ({"etag": MD5, "size": 1}, "size", None),
        ({"etag": MD5, "sha256": SHA256, "about": "other"}, "metadata", "sha256"),
    ],
)
def test_an_etag_is_held_only_against_what_it_can_speak_of(
    entry: dict[str, Any], wrong: str | None, proof: str | None
) -> None:
    told = {"key": "k", "size": len(BODY), "modified": "", "replica_etag": "", **entry}
    found = differs(Entry(**told), CONTENT)
    assert (found[0] is None, found[1]) == (wrong is None, proof)
    assert wrong is None or wrong in str(found[0])


def test_an_object_of_which_only_the_size_is_known_is_not_proven(moto_pair: Make) -> None:
    pair = moto_pair()
    pair.put("parts", os.urandom(100))
    pair.replicate()
    mark = marks.newest(pair.dataset.replica)
    assert mark is not None
    with Writer(pair.folder / "forged.gz") as forged:
        forged.add(Entry("parts", 100, PARTS, "", PARTS))
    body = (pair.folder / "forged.gz").read_bytes()
    pair.dataset.replica.call("put", "put_object", f"{MANIFESTS}{forged.sha256}.gz", Body=body)
    marks.put(pair.dataset.replica, replace(mark, manifest=forged.sha256))
    result = pair.restore_test()
    assert (result.verdict, result.unproven) == ("inconclusive", 1)


def test_a_mark_of_the_future_does_not_count(filled: Pair) -> None:
    ahead = Mark(9, "archive", datetime.now(UTC) + timedelta(hours=2), "0" * 64, 6, 36)
    marks.put(filled.dataset.replica, ahead)
    row = objects_exposure(filled.dataset, 3600.0, filled.history)
    assert (row.exceeded, row.point) == (True, None)
    assert "lies in the future" in row.notes[0]


def test_a_mark_that_somebody_wrote_over_is_told(filled: Pair) -> None:
    key = Mark(1, "archive", datetime.now(UTC)).key
    for body in (b"{}", b"not JSON", b'{"schema": "blackstart/mark/1", "number": 1}'):
        filled.dataset.replica.call("forge", "put_object", key, Body=body)
        row = objects_exposure(filled.dataset, 3600.0, filled.history)
        assert (row.exceeded, row.point) == (True, None)
        assert "is no mark" in row.notes[0]
    assert filled.restore_test().verdict == "inconclusive"


def test_an_age_is_counted_from_the_mark_and_never_from_the_end_of_a_run(filled: Pair) -> None:
    mark = marks.newest(filled.dataset.replica)
    assert mark is not None
    later = mark.taken + timedelta(hours=3)
    row = objects_exposure(filled.dataset, 7200.0, filled.history, now=later)
    assert (row.age_seconds, row.point, row.exceeded) == (10800.0, mark.taken, True)
