"""A witness keeps the conditions of a write; a store that only claims to is found out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from sites.drivers.s3.bucket import Bucket
from sites.drivers.s3.witness import S3Witness
from sites.errors import BucketError, BucketUnreachable
from tests.sites.drivers.pairs import free_port
from tests.sites.drivers.stores import FakeLyingStore, witness_store


def witness_at(address: str) -> S3Witness:
    bucket = Bucket("witness", address, access_key=lambda: "a", secret_key=lambda: "b", attempts=1)
    return S3Witness(bucket, "leases/primary")


@pytest.fixture
def store() -> Iterator[str]:
    with witness_store() as address:
        yield address


def test_it_is_written_only_as_it_was_seen(store: str) -> None:
    one, other = witness_at(store), witness_at(store)
    assert one.read() is None
    first = one.write(b"1", None)
    assert first is not None
    assert other.write(b"2", None) is None
    assert other.read() == first
    second = other.write(b"2", first)
    assert second is not None
    assert one.write(b"3", first) is None
    assert one.read() == second
    assert one.prove().startswith('bucket "witness"')


def test_a_store_that_ignores_the_condition_is_no_witness() -> None:
    lying = type("Lying", (FakeLyingStore,), {"objects": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), lying) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(BucketError, match="is no witness: it overwrites what is there"):
            witness_at(f"http://127.0.0.1:{server.server_port}").prove()
        server.shutdown()


def test_who_is_not_there_is_no_refusal() -> None:
    with pytest.raises(BucketUnreachable):
        witness_at(f"http://127.0.0.1:{free_port()}").read()
