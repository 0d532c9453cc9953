"""Messages and pings to a server of the test's own: what is told, when again, and what if nobody hears."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.exposure import telling
from flows.exposure.notices import notices
from flows.options import estate_of
from flows.protection.protect import back_up, replicate_all, restore_tests
from sites.errors import PlanError
from sites.estate import Estate
from sites.protection.history import Event, History
from tests.flows.plans import small_plan

TOKEN = "planted-token-of-the-messenger"


class Listener:
    """Takes messages and pings, until told to refuse."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        self.pings = 0
        self.status = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if listener.status == 200:
                    listener.messages.append(json.loads(body))
                self._answer()

            def do_GET(self) -> None:
                listener.pings += listener.status == 200
                self._answer()

            def _answer(self) -> None:
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def estate(tmp_path: Path, repository: Path, listener: Listener) -> Estate:
    path = small_plan(tmp_path, repository)
    for name, address in (
        ("messenger", f"json://127.0.0.1:{listener.port}/{TOKEN}"),
        ("ping", f"http://127.0.0.1:{listener.port}/{TOKEN}"),
    ):
        (tmp_path / name).write_text(address)
        (tmp_path / name).chmod(0o600)
    path.write_text(path.read_text() + "notify: {to: [{file: messenger}], ping: {file: ping}}\n")
    return estate_of(path)


def protect(estate: Estate) -> None:
    for one in (*back_up(estate), *replicate_all(estate), *restore_tests(estate)):
        assert one.error is None


def test_what_is_wrong_is_told_once_then_again_after_a_day_and_when_it_is_over(
    estate: Estate, listener: Listener
) -> None:
    first = telling.tell(estate)
    assert len(first.told) == 4
    (message,) = listener.messages
    assert message["title"] == "small (test): 4 things are wrong"
    for line in (
        'backup of "documents": late: one every 1h is due, there never was one',
        "  next: blackstart backup documents",
        'dataset "pictures": exposure is unknown, the rpo 7200 s; no complete recovery point is there',
        "chain head none yet",
    ):
        assert line in message["message"]
    assert telling.tell(estate).told == ()
    assert (len(listener.messages), listener.pings) == (1, 2)
    assert len(telling.tell(estate, datetime.now(UTC) + timedelta(days=1, minutes=1)).told) == 4
    protect(estate)
    assert telling.tell(estate).wrong == ()
    assert listener.messages[-1]["title"].endswith("all is well again")
    assert 'over: backup of "documents"' in listener.messages[-1]["message"]
    assert telling.tell(estate).over == ()
    assert (len(listener.messages), listener.pings) == (3, 5)


def test_what_nobody_heard_is_told_again_and_nothing_pings(estate: Estate, listener: Listener) -> None:
    listener.status = 500
    found = telling.tell(estate)
    assert found.failed == ("address 1 (json:) did not take the message",)
    listener.status = 200
    assert len(telling.tell(estate).told) == 4
    assert (len(listener.messages), listener.pings) == (1, 1)


def test_a_test_reaches_everybody_and_is_not_remembered(estate: Estate, listener: Listener) -> None:
    assert telling.test(estate).failed == ()
    assert "This is a test" in listener.messages[0]["message"]
    assert listener.pings == 1
    assert not (estate.state / "notices.json").exists()


def test_addresses_show_nowhere(
    estate: Estate, listener: Listener, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    listener.status = 500
    (tmp_path / "ping").write_text(f"nonsense {TOKEN}")
    failed = [*telling.test(estate).failed]
    (tmp_path / "messenger").write_text(f"nonsense://{TOKEN}")
    failed += telling.test(estate).failed
    assert len(failed) == 4
    assert TOKEN not in "".join([*failed, *capfd.readouterr()])


def test_a_torn_memory_tells_twice_rather_than_never(estate: Estate) -> None:
    telling.tell(estate)
    (estate.state / "notices.json").write_text('{"torn')
    assert len(telling.tell(estate).told) == 4


def test_without_anybody_to_tell_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="names nobody to tell"):
        telling.tell(estate_of(small_plan(tmp_path)))


@pytest.mark.parametrize(
    ("event", "about", "reason", "command"),
    [
        (
            Event("backup", "near", "partial", "pictures", {"unreadable": ["/x"]}),
            'backup "pictures"',
            "could not be read: /x",
            "blackstart backup pictures",
        ),
        (
            Event("backup", "near", "done", "pictures", {"odd": "1 bytes"}),
            'backup "pictures"',
            "odd at",
            "blackstart backup pictures",
        ),
        (
            Event("replication", "far", "failed", None, {"error": "no way"}),
            'replication to "far"',
            "no way",
            "blackstart replicate",
        ),
        (
            Event("restore_test", "far", "inconclusive", "pictures", {"reason": "full"}),
            'restore test of "pictures"',
            "inconclusive at",
            "blackstart restore-test pictures",
        ),
        (
            Event("older_test", "far", "missed", "pictures", {"reason": "rotten", "snapshot_id": "1"}),
            'older points of "pictures"',
            "missed at",
            "blackstart restore-test pictures --all",
        ),
        (
            Event("reading", "far", "failed", None, {"part": 2, "parts": 3, "error": "damaged"}),
            'packs of "far"',
            "damaged",
            "blackstart upkeep",
        ),
    ],
)
def test_each_act_that_went_wrong_is_a_notice_until_it_goes_right(
    estate: Estate, event: Event, about: str, reason: str, command: str
) -> None:
    history = History(estate.history)
    history.append(event)
    found = {one.about: one for one in notices(estate)[0]}
    assert reason in found[about].reason
    assert found[about].command == command
    right = "met" if event.kind == "older_test" else "done"
    history.append(Event(event.kind, event.repository, right, event.dataset, {"snapshot_id": "1"}))
    assert about not in {one.about for one in notices(estate)[0]}


def test_a_status_that_cannot_be_had_is_a_notice(estate: Estate) -> None:
    estate.history.parent.mkdir(parents=True, exist_ok=True)
    estate.history.mkdir()
    (only,), head = notices(estate)
    assert (only.about, head) == ("the status", None)
    assert "cannot be had" in only.reason
