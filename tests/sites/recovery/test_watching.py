"""Vantages that are processes and commands of their own; who cannot look has no vote."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from sites.drivers.http.looking import Seen
from sites.drivers.vantage import Here, OwnCommand, OwnProcess, Vantage
from sites.errors import GuardError
from sites.recovery.detection import Setting
from sites.recovery.watching import Watch
from tests.sites.drivers.pairs import free_port

LIMIT_SECONDS = 5.0


class Answer(BaseHTTPRequestHandler):
    """Says 200 to what is good, 429 to what comes too often, 503 to anything else."""

    codes: ClassVar[Mapping[str, int]] = {"/good": 200, "/often": 429}

    def do_GET(self) -> None:
        self.send_response(self.codes.get(self.path, 503))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def served() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def command(code: int) -> OwnCommand:
    return OwnCommand(("sh", "-c", f"exit {code}"), {}, {}, Path.cwd())


@pytest.mark.parametrize("kind", [Here, OwnProcess])
def test_what_is_seen_of_several_services_at_once(kind: type[Here | OwnProcess]) -> None:
    vantage: Vantage = kind()
    nobody = f"http://127.0.0.1:{free_port()}/"
    with served() as url:
        seen = [
            vantage.look(urls, LIMIT_SECONDS)
            for urls in ([f"{url}/good"], [f"{url}/bad"], [nobody], [nobody, f"{url}/good"], [nobody, url])
        ]
        often = [
            vantage.look([f"{url}/often"], LIMIT_SECONDS),
            vantage.look([nobody, f"{url}/often"], LIMIT_SECONDS),
        ]
    vantage.close()
    assert seen == ["good", "refused", "refused", "good", "refused"]
    assert often == ["blind", "blind"]


def test_silence_is_seen_by_a_process_of_its_own() -> None:
    with HTTPServer(("127.0.0.1", 0), Answer) as deaf:  # it takes connections, and nobody serves them
        vantage = OwnProcess()
        assert vantage.look([f"http://127.0.0.1:{deaf.server_port}/good"], 0.2) == "silent"
        vantage.close()


def test_a_process_that_has_died_is_blind_once_and_then_another_one_looks(tmp_path: Path) -> None:
    once = tmp_path / "once"
    program = (
        f"import pathlib, sys; p = pathlib.Path({str(once)!r}); "
        "p.exists() or (p.touch(), sys.exit(3)); "
        "from sites.drivers.http.looking import main; main()"
    )
    vantage = OwnProcess((sys.executable, "-c", program))
    with served() as url:
        seen = [vantage.look([f"{url}/good"], LIMIT_SECONDS) for _ in range(2)]
    vantage.close()
    assert seen == ["blind", "good"]


def test_a_way_that_leads_nowhere_is_blind() -> None:
    assert OwnProcess(("/nowhere/ssh",)).look(["http://127.0.0.1:1"], 0.1) == "blind"


@pytest.mark.parametrize(
    ("code", "seen"), [(0, "good"), (1, "refused"), (2, "silent"), (255, "blind"), (7, "blind")]
)
def test_what_a_command_says(code: int, seen: str) -> None:
    assert command(code).look(["http://127.0.0.1:1"], LIMIT_SECONDS) == seen


@pytest.mark.parametrize(("third", "declares"), [(1, True), (0, False), (255, False)])
def test_two_of_three_have_to_see_it(third: int, declares: bool) -> None:
    names = ("one", "two", "three")
    setting = Setting(0.001, LIMIT_SECONDS, 2, 2, names, 2)
    stop = threading.Event()
    vantages = dict(zip(names, (command(1), command(0), command(third)), strict=True))
    with Watch(setting, vantages, ["http://127.0.0.1:1"]) as watch:
        if not declares:
            looks = len(names) - (third == 255)
            threading.Thread(target=stop_once_seen, args=(watch, looks, stop)).start()
        declaration = watch.declared(stop)
    assert (declaration is not None) == declares


def stop_once_seen(watch: Watch, vantages: int, stop: threading.Event) -> None:
    """Long enough for each to have voted, had it wanted to."""
    while len(watch.sighted()) < vantages:
        stop.wait(0.01)
    stop.wait(0.2)
    stop.set()


class AlwaysRefused:
    """A vantage that sees a refusal whenever it looks."""

    def look(self, _urls: Sequence[str], _limit_seconds: float) -> Seen:
        return "refused"

    def close(self) -> None:
        """Nothing is held."""


def test_a_refusal_is_looked_at_again_without_waiting_for_the_beat() -> None:
    """With a beat of an hour there is an end to it only because of that."""
    stop = threading.Event()
    setting = Setting(3600.0, LIMIT_SECONDS, 5, 15, again_seconds=0.001)
    given_up = threading.Timer(LIMIT_SECONDS, stop.set)
    given_up.start()
    with Watch(setting, {"here": AlwaysRefused()}, ["http://127.0.0.1:1"]) as watch:
        declaration = watch.declared(stop)
    given_up.cancel()
    assert declaration is not None
    assert declaration.signs == ("refused",) * 5


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ((0, 0, 3), None),
        ((0, 0, 2), 'vantage "c" says silent'),
        ((1, 0, 0), 'vantage "a" says refused'),
        ((0, 3, 3), 'vantage "b" cannot look; vantage "c" cannot look'),
    ],
)
def test_a_service_that_is_well_has_to_be_seen_so_before_a_watch_begins(
    codes: tuple[int, ...], told: str | None
) -> None:
    """A vantage whose script lacks a variable ends with 2, and would have a healthy site failed over from."""
    setting = Setting(0.001, LIMIT_SECONDS, refused=2, silent=2, vantages=("a", "b", "c"), quorum=2)
    watch = Watch(setting, dict(zip("abc", map(command, codes), strict=True)), ["http://127.0.0.1:9/"])
    if told is None:
        watch.require_well(0)
        return
    with pytest.raises(GuardError, match="the service is well, and not seen to be") as caught:
        watch.require_well(0)
    assert told in str(caught.value)
