"""Who is to stay well is looked at, and harm is seen: on real processes and a real server."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drills import bystanders
from drills.bystanders import Bystanders, Watched, bystanders_of
from sites.errors import BlackstartError, GuardError, PlanError, SiteError
from sites.estate import Estate
from tests.drills.faults.conftest import estate_of
from tests.drills.small_drill import DRILL, small_estate
from tests.sites.repositories import wait_until


@contextmanager
def serving() -> Iterator[str]:
    class Well(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Well) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def beside(folder: Path, url: str, **changes: Any) -> Estate:
    """The small estate with a service `reports` beside what is struck, and `dr` to take over."""
    plan = small_estate(folder).plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    reports = {"endpoint": url, "check": {"kind": "http", "path": "/"}}
    drill = plan["drills"][DRILL] | {"bystanders": ["reports", "dr"]} | changes
    return estate_of(
        folder,
        datasets=plan["datasets"],
        services=plan["services"] | {"reports": reports},
        drills={DRILL: drill},
    )


def found(estate: Estate) -> Bystanders:
    return bystanders_of(estate, estate.plan.drills[DRILL])


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bystanders, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(bystanders, "BYSTANDER_PATIENCE_SECONDS", 0.1)


def test_who_is_well_stays_unharmed_and_who_is_lost_is_told(tmp_path: Path) -> None:
    with serving() as url:
        estate = beside(tmp_path, url)
        estate.site("dr").up()
        try:
            watched = found(estate)
            watched.require_well()
            with watched:
                wait_until(lambda: all(one.looks > 2 for one in watched.watched), 20)
                watched.require_unharmed()
            told = watched.told()
            assert told is not None
            assert told[0] == "met"
            watched = found(estate)
            with watched:
                wait_until(lambda: all(one.looks > 2 for one in watched.watched), 20)
                estate.site("dr").stop("gateway")
                wait_until(lambda: watched.harm, 20)
        finally:
            estate.site("dr").kill()
    assert 'site "dr" was not well' in str(watched.harm)
    assert "ended there: gateway" in str(watched.harm)
    with pytest.raises(BlackstartError, match="a bystander came to harm"):
        watched.require_unharmed()
    assert (watched.told() or ("",))[0] == "missed"


def test_who_is_not_well_before_lets_nothing_begin(tmp_path: Path) -> None:
    with pytest.raises(GuardError, match=r'service "reports": .* is refused.*site "dr": nothing runs there'):
        found(beside(tmp_path, "http://127.0.0.1:9")).require_well()


def test_one_bad_look_is_no_harm_and_silence_is(tmp_path: Path) -> None:
    del tmp_path
    seen = iter([None, "slow", None, "slow", "slow"])
    one = Watched("it", lambda: next(seen), 5.0)
    seen_at = [one.seen(now) for now in (0, 1, 2, 3, 8)]
    assert seen_at == [None, None, None, None, "it was not well for 5 s: slow"]

    def silent() -> str | None:
        raise SiteError("no route to it")

    two = Watched("it", silent, 0.0)
    assert two.seen(0) == "it was not well for 0 s: it cannot be asked: no route to it"


def test_who_nobody_saw_at_the_end_was_not_shown_to_be_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that hangs blinds nobody but itself, and does not count as a good one."""
    monkeypatch.setattr(bystanders, "LAST_LOOK_SECONDS", 0.2)
    release = threading.Event()

    def hangs() -> str | None:
        if slow.looks:
            release.wait(60)
        return None

    slow, well = Watched("slow", hangs, 5.0), Watched("well", lambda: None, 5.0)
    watched = Bystanders([slow, well])
    with watched:
        wait_until(lambda: slow.looks == 1 and well.looks > 5, 20)
    told = watched.told()
    release.set()
    assert told == ("inconclusive", "slow was not seen at the end: its last look did not come to one")


def test_who_is_not_well_at_the_end_is_in_doubt_though_it_is_not_for_long() -> None:
    one = Watched("it", lambda: None if one.looks < 3 else "it is refused", 60.0)
    watched = Bystanders([one])
    with watched:
        wait_until(lambda: one.looks > 4, 20)
    assert watched.harm is None
    doubt = "it was not well at the end, though not for long yet: it is refused"
    assert watched.told() == ("inconclusive", doubt)


def test_what_was_never_watched_is_in_doubt() -> None:
    assert (Bystanders([Watched("it", lambda: None, 1.0)]).told() or ("",))[0] == "inconclusive"


def test_what_is_struck_or_has_no_check_is_no_bystander(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match='"primary" is what this drill strikes'):
        beside(tmp_path, "http://127.0.0.1:9", bystanders=["primary"])
    with pytest.raises(PlanError, match='"web" is what this drill strikes'):
        beside(tmp_path, "http://127.0.0.1:9", bystanders=["web"])
