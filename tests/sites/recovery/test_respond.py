"""The decision to fail over: automatic, or a person's, in time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.errors import GateRefused
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery import respond
from sites.recovery.asking import Questions
from sites.recovery.lacking import Lacking
from sites.recovery.respond import Responder
from tests.sites.drivers.pairs import free_port

DETECT = {"every": "1ms", "refused": 2, "silent": 2}


def estate(folder: Path, **failover: Any) -> Estate:
    """Nobody listens where the clients look, so an outage is declared at once."""
    sleeper = {"web": {"command": ["sleep", "60"]}}
    plan = {
        "name": "light",
        "environment": "test",
        "sites": {
            name: {"kind": "processes", "path": name, "processes": sleeper} for name in ("here", "there")
        },
        "services": {
            "web": {"endpoint": f"http://127.0.0.1:{free_port()}", "check": {"kind": "http", "path": "/"}}
        },
        "failover": {"from": "here", "to": "there", "detect": DETECT, "fence": "operator", **failover},
    }
    return Estate(read_plan(folder / "plan.yaml", yaml.safe_dump(plan).encode(), {}))


class Watch:
    """A responder in a thread of its own, and what it observes."""

    def __init__(self, here: Estate) -> None:
        self.seen: list[str] = []
        self.details: dict[str, Any] = {}
        self.ended: list[object] = []
        self._responder = Responder(here, self._observe)
        self._thread = threading.Thread(target=self._stand)
        self.stop = threading.Event()
        self._thread.start()

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()

    def tick(self) -> None:
        self._thread.join(0.01)

    def _observe(self, event: str, detail: Any) -> None:
        self.seen.append(event)
        self.details[event] = detail

    def _stand(self) -> None:
        try:
            self.ended.append(self._responder.stand_watch(self.stop))
        except GateRefused as error:
            self.ended.append(str(error))


def wait_for_question(watch: Watch, questions: Questions, name: str) -> None:
    while not [question for question in questions.open() if question.name == name]:
        assert not watch.ended, watch.ended
        watch.tick()


def test_a_person_decides_and_is_named(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="approval")
    questions, watch = Questions(here.state), Watch(here)
    wait_for_question(watch, questions, "failover")
    while len(watch.seen) < 2:  # it is told a moment after it was asked
        watch.tick()
    assert watch.seen == ["detected", "decide_waiting"]
    questions.answer("failover", "approved", "ann", "root", None)
    wait_for_question(watch, questions, "fence here")  # nothing can prove that the site is off: it asks
    questions.answer("fence here", "approved", "ann", "root", "site here is off")
    watch.join()
    assert watch.ended[0].complete  # type: ignore[attr-defined]
    assert watch.details["decided"]["by"] == "ann"
    assert watch.details["fenced"]["operator"]["typed"] == "site here is off"
    assert questions.open() == []


@pytest.mark.parametrize("decide_by", ["60s", "1ms"])
def test_who_says_no_or_nothing_stops_it(tmp_path: Path, decide_by: str) -> None:
    here = estate(tmp_path, decide="approval", decide_by=decide_by)
    watch = Watch(here)
    if decide_by == "60s":
        wait_for_question(watch, Questions(here.state), "failover")
        Questions(here.state).answer("failover", "refused", "ann", "root", None)
    watch.join()
    said = "refused by ann" if decide_by == "60s" else "lapsed by nobody"
    assert watch.ended == [f"the failover was not approved: {said}"]
    assert "decided" not in watch.seen


def test_automatic_asks_nobody(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="automatic")
    watch = Watch(here)
    wait_for_question(watch, Questions(here.state), "fence here")
    assert watch.details["decided"] == {"by": "automatic"}
    Questions(here.state).answer("fence here", "refused", "ann", "root", None)
    watch.join()
    assert not watch.ended[0].complete  # type: ignore[attr-defined]


@pytest.mark.parametrize(("limit_seconds", "looks"), [(30.0, 3), (0.0, 1)])
def test_what_a_busy_machine_could_not_look_at_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit_seconds: float, looks: int
) -> None:
    """Else a person is asked whether to fail over, for nobody could see that commits wait for the standby."""
    responder, looked = Responder(estate(tmp_path, decide="automatic"), lambda *_: None), list[int]()
    monkeypatch.setattr(respond.Watch, "require_well", lambda *_: None)
    monkeypatch.setattr(respond, "LOOK_SECONDS", limit_seconds)
    monkeypatch.setattr(respond, "LOOK_AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(Lacking, "look", lambda *_: looked.append(1) or [])
    monkeypatch.setattr(Lacking, "unseen", lambda *_: ["orders"] if len(looked) < 3 else [])
    responder.require_well()
    assert len(looked) == looks
