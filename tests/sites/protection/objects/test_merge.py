"""What is to be copied follows from three sorted streams, of any length, held a line at a time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sites.drivers.s3.bucket import Bucket
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.s3.listing import Listed
from sites.errors import DatasetError
from sites.object_manifest import Entry, Writer, entries, in_order
from sites.protection.objects import replication
from sites.protection.objects.carrying import Wanted
from sites.protection.objects.merge import seen

ETAGS = st.sampled_from(["", "a" * 32, "b" * 32, f"{'a' * 32}-2"])
HELD = st.dictionaries(st.text("ab/\u00e9", min_size=1, max_size=3), st.tuples(ETAGS, st.integers(0, 1)))


def listed(held: dict[str, tuple[str, int]], when: str = "") -> list[Listed]:
    return [Listed(key, size, etag, when) for key, (etag, size) in sorted(held.items())]


@given(HELD, HELD, HELD)
def test_nothing_is_called_the_same_that_nothing_shows_to_be(
    source: dict[str, tuple[str, int]],
    replica: dict[str, tuple[str, int]],
    proven: dict[str, tuple[str, int]],
) -> None:
    before = [Entry(k, size, etag, "", "c" * 32) for k, (etag, size) in sorted(proven.items())]
    there = [Listed(one.key, one.size, "c" * 32 if one.size else one.etag, "") for one in listed(replica)]
    found = list(seen(listed(source), there, before))
    assert [one.key for one in found] == sorted(source.keys() | replica.keys())
    at_replica = {one.key: one for one in there}
    for one in found:
        if one.why == "same":
            assert one.source is not None
            other, told = at_replica[one.key], proven.get(one.key)
            equal = (other.etag, other.size) == (one.source.etag, one.source.size) and other.etag
            known = told == source[one.key] and (other.etag, other.size) == ("c" * 32, one.source.size)
            assert equal or known
        assert (one.why == "gone") == (one.key not in source)
        assert (one.why == "new") <= (one.key not in replica)


def test_a_change_of_the_same_size_at_the_same_time_is_a_change() -> None:
    before = [Entry("a", 5, "a" * 32, "then", "a" * 32)]
    (one,) = seen([Listed("a", 5, "b" * 32, "then")], [Listed("a", 5, "a" * 32, "x")], before)
    assert one.why == "changed"


def test_a_manifest_comes_back_or_is_refused(tmp_path: Path) -> None:
    made = [Entry(f"é/{n:03}\n", n, "a" * 32, "t", "b" * 32, "c" * 64, 5, "d") for n in range(50)]
    with Writer(tmp_path / "one.gz") as one:
        for entry in made:
            one.add(entry)
    assert list(in_order(entries(tmp_path / "one.gz", one.sha256))) == made
    with pytest.raises(DatasetError, match="is another"):
        list(entries(tmp_path / "one.gz", "0" * 64))
    (tmp_path / "cut.gz").write_bytes((tmp_path / "one.gz").read_bytes()[:-20])
    with pytest.raises(DatasetError, match="cannot be read"):
        list(entries(tmp_path / "cut.gz", one.sha256))
    with pytest.raises(DatasetError, match="out of order"):
        list(in_order(reversed(made)))


def test_the_same_content_is_the_same_manifest(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with Writer(tmp_path / name) as written:
            written.add(Entry("a", 1, "a" * 32, "t", "b" * 32))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert written.objects == 1


PAGE_KEYS, FEW_KEYS = 1_000, 100  # what S3 lists at once; and in a sample


class FakeStore:
    """Answers with simulated pages of XML, as boto3 hands them to its hooks; it holds no key.

    The replica lacks every tenth object and has another one instead.
    """

    def __init__(self, count: int, page_keys: int, *, replica: bool) -> None:
        self.count, self.page_keys, self.replica = count, page_keys, replica
        self.meta = self.events = self

    def register(self, _: str, hook: Callable[..., None]) -> None:
        self.hook = hook

    def list_objects_v2(self, **words: Any) -> dict[str, Any]:
        begin = int(words.get("ContinuationToken", 0))
        end = min(begin + self.page_keys, self.count)
        more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < self.count else ""
        listed = "".join(self.row(number) for number in range(begin, end))
        told = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{listed}"
        body = f"<ListBucketResult><EncodingType>url</EncodingType>{told}</ListBucketResult>".encode()
        self.hook(response_dict={"status_code": 200, "body": body})
        return {}

    def row(self, number: int) -> str:
        key = f"day/{number:09}{'x' if self.replica and number % 10 == 0 else ''}"
        told = f"<Size>{number}</Size><ETag>{number:032x}</ETag><LastModified>then</LastModified>"
        return f"<Contents><Key>{key}</Key>{told}</Contents>"


def simulated(count: int, page_keys: int, *, replica: bool = False) -> Bucket:
    bucket = Bucket("replica" if replica else "source")
    bucket.__dict__["client"] = FakeStore(count, page_keys, replica=replica)
    return bucket


def peak_bytes(count: int, folder: Path, page_keys: int = PAGE_KEYS) -> int:
    """The most memory that is in use while so many objects are listed, compared and written down."""
    folder.mkdir()
    dataset = ObjectsDataset("many", simulated(count, page_keys), simulated(count, page_keys, replica=True))
    wanted = Wanted(folder)
    tracemalloc.start()
    found = replication.look(dataset, None, wanted, folder / "same", folder / "gone")
    with Writer(folder / "manifest.gz") as manifest:
        for entry in replication.read_entries(folder / "same"):
            manifest.add(entry)
    again = sum(one.why == "same" for one in seen((), (), entries(folder / "manifest.gz", manifest.sha256)))
    last = sum(1 for _ in entries(folder / "manifest.gz", manifest.sha256))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    tenth = -(-count // 10)
    assert (found.source, found.gone, sum(wanted.counts.values())) == (count, tenth, tenth)
    assert (again, last) == (0, count - tenth)
    return peak


def test_four_times_the_objects_take_no_more_memory(tmp_path: Path) -> None:
    few = peak_bytes(500, tmp_path / "few", FEW_KEYS)
    many = peak_bytes(2_000, tmp_path / "many", FEW_KEYS)
    assert many < few + 100_000, (few, many)


@pytest.mark.campaign
@pytest.mark.timeout(3000)
def test_campaign_of_a_million_objects_in_flat_memory(tmp_path: Path) -> None:
    few = peak_bytes(5_000, tmp_path / "few")
    many = peak_bytes(1_000_000, tmp_path / "many")
    print(f"proof: 5,000 objects in {few / 1e6:.1f} MB, 1,000,000 in {many / 1e6:.1f} MB")  # noqa: T201
    assert many < few + 300_000, (few, many)
