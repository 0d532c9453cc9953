"""The HTTP canary against a service that goes wrong in every way we know."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sites.capability import Client, Outcome, ReadBack
from sites.drivers.http.address import Address
from sites.drivers.http.client import HttpCanary, HttpClient, check
from sites.drivers.http.connection import Connection, cause_of
from sites.drivers.http.listing import Listing, MalformedListing
from sites.drivers.http.reply import MalformedReply, Reply
from sites.drivers.http.wire import PlainWire
from sites.errors import DatasetError
from tests.fakes.orders import OrdersService

RUN = "3f9a12c4-0000-4000-8000-000000000000"
T = TypeVar("T")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, signed by itself, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def secure_service(certificate: Path) -> Iterator[OrdersService]:
    running = OrdersService(certificate)
    yield running
    running.close()


@pytest.fixture
def service() -> Iterator[OrdersService]:
    running = OrdersService()
    yield running
    running.close()


def use(url: str, act: Callable[[HttpClient], Awaitable[T]], **options: Any) -> T:
    limit_seconds = options.pop("limit_seconds", 2.0)

    async def whole() -> T:
        client = HttpClient(HttpCanary(url, **options), run=RUN, limit_seconds=limit_seconds)
        try:
            return await act(client)
        finally:
            await client.aclose()

    return asyncio.run(whole())


def write(service: OrdersService, **options: Any) -> Outcome:
    return use(service.url, lambda client: client.write("orders", 1, b"payload"), **options)


def test_it_keeps_the_client_protocol(service: OrdersService) -> None:
    client: Client = HttpClient(HttpCanary(service.url), run=RUN, limit_seconds=1)

    assert callable(client.read_back)


def test_a_write_is_acknowledged_by_who_served_it(service: OrdersService) -> None:
    assert write(service, extra={"side": "buy"}) == Outcome("acknowledged", "201", "fake")
    assert service.rows == [("3f9a12c4-orders-1", "payload")]


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        ("503", "503"),
        ("503-kept", "503"),
        ("reset", "reset"),
        ("reset-kept", "reset"),
        ("eof", "eof"),
        ("half", "eof"),
        ("garbage", "malformed"),
    ],
)
def test_whatever_breaks_after_sending_is_indeterminate(
    service: OrdersService, mode: str, cause: str
) -> None:
    service.mode = mode

    outcome = write(service)

    assert (outcome.result, outcome.cause) == ("indeterminate", cause)
    assert service.seen == ["3f9a12c4-orders-1"]


def test_silence_after_sending_is_indeterminate(service: OrdersService) -> None:
    service.mode = "hang"

    outcome = write(service, limit_seconds=0.1)

    assert (outcome.result, outcome.cause) == ("indeterminate", "timeout")


def test_a_refused_connection_is_a_failed_write(service: OrdersService) -> None:
    service.refuse()

    assert write(service) == Outcome("failed", "refused")
    assert service.seen == []


def test_a_connection_not_made_in_time_is_a_failed_write() -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)  # room for one: whoever comes later is not answered
        first.connect(deaf.getsockname())
        second.setblocking(False)
        second.connect_ex(deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"

        outcome = use(url, lambda client: client.write("orders", 1, b"x"), limit_seconds=0.2)

        assert outcome == Outcome("failed", "unconnected")


def test_every_operation_has_a_fresh_connection(service: OrdersService) -> None:
    async def three(client: HttpClient) -> list[Outcome]:
        return [await client.write("orders", number, b"x") for number in range(3)]

    assert [outcome.result for outcome in use(service.url, three)] == ["acknowledged"] * 3
    assert service.connections == 3


def test_pooled_connections_are_used_again(service: OrdersService) -> None:
    service.keep_alive = True

    async def three(client: HttpClient) -> list[Outcome]:
        return [await client.write("orders", number, b"x") for number in range(3)]

    assert [outcome.result for outcome in use(service.url, three, pooled=True)] == ["acknowledged"] * 3
    assert service.connections == 1


def test_a_pooled_connection_that_was_closed_is_replaced_before_sending(service: OrdersService) -> None:
    service.keep_alive = True

    async def interrupted(client: HttpClient) -> list[Outcome]:
        first = await client.write("orders", 1, b"x")
        service.drop_idle()
        await asyncio.sleep(0.05)
        return [first, await client.write("orders", 2, b"x")]

    assert [outcome.result for outcome in use(service.url, interrupted, pooled=True)] == ["acknowledged"] * 2
    assert service.connections == 2


def test_a_pooled_connection_that_breaks_after_sending_is_never_tried_again(service: OrdersService) -> None:
    service.keep_alive = True

    async def broken(client: HttpClient) -> Outcome:
        await client.write("orders", 1, b"x")
        service.mode = "reset"
        return await client.write("orders", 2, b"x")

    assert use(service.url, broken, pooled=True).result == "indeterminate"
    assert service.seen == ["3f9a12c4-orders-1", "3f9a12c4-orders-2"]


def test_a_delete_names_what_was_written(service: OrdersService) -> None:
    async def write_and_delete(client: HttpClient) -> Outcome:
        await client.write("orders", 1, b"x")
        return await client.delete("orders", 1)

    assert use(service.url, write_and_delete).result == "acknowledged"
    assert service.rows == []


@pytest.mark.parametrize("chunked", [False, True])
def test_rows_read_back_are_hashed_from_what_came_back(service: OrdersService, *, chunked: bool) -> None:
    service.chunked = chunked
    service.rows = [(f"3f9a12c4-orders-{number}", f"text {number} é") for number in range(2000)]

    read = use(service.url, lambda client: client.read_back("orders"))

    expected = [(number, sha256(f"text {number} é".encode()).hexdigest()) for number in range(2000)]
    assert read == ReadBack(expected, 2000, end=True, address="fake")


def test_a_stream_whose_name_goes_on_is_told_apart(service: OrdersService) -> None:
    service.rows = [("3f9a12c4-orders-1", "a"), ("3f9a12c4-orders-old-primary-1", "b"), ("3f9a12c4-x-1", "c")]

    read = use(service.url, lambda client: client.read_back("orders"))

    assert ([number for number, _ in read.rows], read.count) == ([1], 1)


def test_a_duplicated_row_is_seen_twice(service: OrdersService) -> None:
    service.mode = "twice"

    async def write_and_read(client: HttpClient) -> ReadBack:
        await client.write("orders", 7, b"x")
        return await client.read_back("orders")

    assert [number for number, _ in use(service.url, write_and_read).rows] == [7, 7]


def test_a_reading_without_its_marks_says_so(service: OrdersService) -> None:
    service.rows = [("3f9a12c4-orders-1", "a")]
    service.count_off, service.end = 1, False

    read = use(service.url, lambda client: client.read_back("orders"))

    assert (len(read.rows), read.count, read.end) == (1, 2, False)


@pytest.mark.parametrize("mode", ["503", "refused"])
def test_a_reading_that_fails_is_an_error(service: OrdersService, mode: str) -> None:
    service.mode = mode
    if mode == "refused":
        service.refuse()

    with pytest.raises(DatasetError, match="cannot list stream 'orders' at"):
        use(service.url, lambda client: client.read_back("orders"))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionRefusedError(), "refused"),
        (ssl.SSLError(), "tls"),
        (socket.gaierror(), "unresolved"),
        (BrokenPipeError(), "reset"),
        (OSError(errno.EMFILE, "files"), "local"),
        (OSError(errno.EADDRNOTAVAIL, "ports"), "local"),
        (OSError(errno.ENETUNREACH, "route"), "unreachable"),
        (OSError(errno.ETIMEDOUT, "time"), "timeout"),
    ],
)
def test_causes_are_short_and_stable(error: Exception, cause: str) -> None:
    assert cause_of(error if error.args == () else OSError(*error.args)) == cause


@pytest.mark.parametrize("url", ["ftp://host/", "http://", "http://user:secret@host/", "127.0.0.1:80"])
def test_an_address_is_an_http_url_without_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Address.of(url)


def test_an_address_knows_its_parts() -> None:
    assert Address.of("https://[::1]/base/") == Address("::1", 443, "/base", secure=True)
    assert Address.of("http://desk.example:8080").authority == "desk.example:8080"


@given(
    cuts=st.lists(st.integers(1, 60)), texts=st.lists(st.text(max_size=8), max_size=6), first=st.booleans()
)
def test_a_listing_is_the_same_however_it_arrives(cuts: list[int], texts: list[str], *, first: bool) -> None:
    rows = [{"id": text, "n": [number, {"x": None}]} for number, text in enumerate(texts)]
    fields = {"count": 12, "end": True, "more": "é\u2028"}
    whole = {"rows": rows, **fields} if first else {**fields, "rows": rows}
    seen: list[object] = []
    listing = Listing("rows", seen.append)

    for piece in _cut(json.dumps(whole, ensure_ascii=False).encode() + b"\n", cuts):
        listing.feed(piece)

    assert (seen, listing.finish()) == (rows, fields)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"count": 1}', b'{"rows": [1, 2', b'{"rows": 7}', b"Sorry"]
)
def test_what_is_no_listing_is_refused(text: bytes) -> None:
    listing = Listing("rows", lambda _: None)

    with pytest.raises(MalformedListing):  # noqa: PT012 - either may notice, depending on the text
        listing.feed(text)
        listing.finish()


@given(st.lists(st.integers(1, 40)), st.sampled_from(["counted", "chunked", "interim"]))
def test_a_reply_is_the_same_however_it_arrives(cuts: list[int], framing: str) -> None:
    body = b"0123456789" * 5
    head = b"HTTP/1.1 201 Created\r\nX-Served-By: me\r\n"
    text = head + b"Content-Length: 50\r\n\r\n" + body
    if framing == "chunked":
        text = head + b"Transfer-Encoding: chunked\r\n\r\n14;x=y\r\n" + body[:20]
        text += b"\r\n1e\r\n" + body[20:] + b"\r\n0\r\nTrailer: yes\r\n\r\n"
    if framing == "interim":
        text = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + text
    got: list[bytes] = []
    reply = Reply(got.append)

    for piece in _cut(text, cuts):
        assert not reply.complete
        reply.feed(piece)

    assert (reply.complete, reply.status, b"".join(got)) == (True, 201, body)
    assert (reply.headers["x-served-by"], reply.keeps_alive) == ("me", True)


def test_a_reply_without_a_length_lasts_until_the_end() -> None:
    reply = Reply()
    reply.feed(b"HTTP/1.0 200 OK\r\n\r\nabc")
    before = reply.complete
    reply.end()

    assert (before, reply.complete, reply.keeps_alive) == (False, True, False)


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_no_reply_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedReply):
        Reply().feed(text)


def _cut(text: bytes, lengths: list[int]) -> Iterator[bytes]:
    at = 0
    for length in lengths:
        if at + length >= len(text):
            break
        yield text[at : at + length]
        at += length
    yield text[at:]


@pytest.mark.parametrize("pooled", [False, True])
def test_it_writes_and_reads_over_tls(
    secure_service: OrdersService, certificate: Path, monkeypatch: pytest.MonkeyPatch, *, pooled: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure_service.keep_alive = pooled
    secure_service.rows = [(f"3f9a12c4-orders-{number}", "text" * 50) for number in range(5000)]

    async def write_and_read(client: HttpClient) -> tuple[Outcome, ReadBack]:
        return await client.write("orders", 5000, b"x"), await client.read_back("orders")

    outcome, read = use(secure_service.url, write_and_read, pooled=pooled)

    assert outcome == Outcome("acknowledged", "201", "fake")
    assert (len(read.rows), read.count, read.end) == (5001, 5001, True)
    assert check(secure_service.url, 2.0).sign == "good"


def test_a_peer_that_is_not_who_it_should_be_gets_nothing(secure_service: OrdersService) -> None:
    assert write(secure_service) == Outcome("failed", "tls")
    assert secure_service.seen == []
    assert check(secure_service.url, 2.0).sign == "bad"


def test_a_hang_over_tls_is_indeterminate(
    secure_service: OrdersService, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure_service.mode = "hang"

    assert write(secure_service, limit_seconds=0.3).cause == "timeout"
    secure_service.mode = "eof"
    assert write(secure_service).cause == "eof"


def test_operations_leave_nothing_to_the_collector(service: OrdersService) -> None:
    modes = ["serve", "reset", "eof", "hang", "garbage", "503"]

    async def go_wrong(client: HttpClient) -> None:
        for number in range(60):
            service.mode = modes[number % len(modes)]
            await client.write("orders", number, b"x")
        service.refuse()
        for number in range(60, 80):
            await client.write("orders", number, b"x")

    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        use(service.url, go_wrong, limit_seconds=0.02)
        gc.collect()
        kinds = {type(thing) for thing in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.enable()
        gc.garbage.clear()
    assert not kinds & {Connection, PlainWire, Reply, ConnectionRefusedError, ConnectionResetError, Outcome}


def test_a_check_tells_good_from_bad(service: OrdersService) -> None:
    good = check(f"{service.url}/health", 2.0)
    service.mode = "503"
    bad = check(f"{service.url}/health", 2.0)

    assert ((good.sign, good.cause), (bad.sign, bad.cause)) == (("good", "200"), ("bad", "503"))


def test_a_check_tells_refused_from_silent(service: OrdersService) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = check(f"http://127.0.0.1:{deaf.getsockname()[1]}/", 0.1)
    service.refuse()
    refused = check(service.url, 2.0)

    assert ((silent.sign, silent.cause), (refused.sign, refused.cause)) == (
        ("silent", "timeout"),
        ("refused", "refused"),
    )


def test_a_check_refuses_what_is_no_url() -> None:
    with pytest.raises(ValueError, match="not an http or https URL"):
        check("nowhere", 1.0)
