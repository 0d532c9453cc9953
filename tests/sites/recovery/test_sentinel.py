"""The sentinel's life: what was cut off first, then the watch; who is told, and when it watches again."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sites.errors import GuardError, RunbookError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery import sentinel
from sites.recovery.asking import Questions
from sites.recovery.injection import MOMENTS
from sites.recovery.looking_after import BACK, LOST, UNKNOWN, Changed, looked_after
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.recovery.sentinel import Said, Sentinel
from sites.recovery.standing import Standing
from sites.recovery.under_way import under_way
from tests.sites.recovery.test_respond import estate
from tests.sites.recovery.test_watching import Answer

YES = {"fence here": "site here is off"}


class Post:
    """A sentinel in a thread of its own, and what it says."""

    def __init__(self, here: Estate) -> None:
        self.said: list[Said] = []
        self.seen: list[str] = []
        self.ended: list[Any] = []
        self.stop = threading.Event()
        self._questions = Questions(here.state)
        self._sentinel = Sentinel(here, lambda event, _: self.seen.append(event), self.said.append)
        self._thread = threading.Thread(target=lambda: self.ended.append(self._sentinel.stand(self.stop)))
        self._thread.start()

    def wait_for(self, about: str, count: int = 1) -> Said:
        while len(found := [said for said in self.said if said.about == about]) < count:
            assert not self.ended, (self.ended, self.said)
            self._thread.join(0.01)
        return found[-1]

    def answer(self, name: str, decision: Any = "approved") -> None:
        while not [question for question in self._questions.open() if question.name == name]:
            assert not self.ended, (self.ended, self.said)
            self._thread.join(0.01)
        self._questions.answer(name, decision, "ann", "root", YES.get(name))

    def join(self) -> Any:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.ended[0]


@contextmanager
def answering(here: Estate) -> Iterator[None]:
    port = int(str(here.plan.services["web"].endpoint).rpartition(":")[2])

    class Good(Answer):
        codes: ClassVar[Mapping[str, int]] = {"/": 200, "/good": 200}

    with HTTPServer(("127.0.0.1", port), Good) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield
        server.shutdown()


def test_it_tells_asks_and_fails_over(tmp_path: Path) -> None:
    post = Post(estate(tmp_path, decide="approval"))
    assert re.fullmatch("blackstart approve --id [0-9a-f]{8}", post.wait_for("a decision").command)
    post.answer("failover")
    assert post.wait_for("an answer").command.endswith(' --typed "site here is off"')
    post.answer("fence here")
    assert post.join().complete
    assert [said.about for said in post.said] == ["the service", "a decision", "an answer", "the failover"]
    assert post.seen[0] == "detected"


def test_who_said_no_is_not_asked_again_before_the_service_was_well(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="approval")
    post = Post(here)
    post.answer("failover", "refused")
    assert "refused by ann" in post.wait_for("no failover").reason
    with answering(here):
        assert "answers again" in post.wait_for("the service", 2).reason
    post.wait_for("a decision", 2)  # it is gone once more: that is another outage
    post.stop.set()
    assert post.join() is None
    assert Questions(here.state).open() == []


def test_a_question_is_withdrawn_once_the_service_answers(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="approval")
    post = Post(here)
    post.wait_for("a decision")
    with answering(here):
        assert "withdrawn" in post.wait_for("no failover").reason
        post.wait_for("the service", 2)
        assert Questions(here.state).open() == []
        post.stop.set()
        assert post.join() is None


def test_where_people_decide_it_only_tells(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="notify")
    post = Post(here)
    assert post.wait_for("no failover").command == "blackstart failover"
    post.stop.set()
    assert post.join() is None
    assert Standing(here.state).now == "serving at home"


def test_what_an_earlier_one_began_comes_first(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="approval")

    class Died(BaseException):
        pass

    def die(_step: str, moment: str) -> None:
        if moment == MOMENTS[1]:
            raise Died

    steps = runbook_of(here, lambda *_: None)
    run = fail_over(here, steps, lambda *_: None, at=die)  # the engine takes a broken step for a failed one
    assert not run.complete
    assert Standing(here.state).under_way == "failover"
    post = Post(here)
    post.answer("fence here")
    assert post.join().complete
    assert "detected" not in post.seen
    assert post.said[0].reason.startswith("an earlier one was cut off")
    assert [said.about for said in post.said] == ["a failover", "an answer", "the failover"]


def test_there_is_nothing_to_watch_once_it_was_failed_over(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="automatic")
    standing = Standing(here.state)
    standing.begin("failover")
    Fences(here.state).raise_("here", "failover")
    standing.end("failover")
    with pytest.raises(GuardError, match="nothing to fail over to"):
        Sentinel(here, lambda *_: None, lambda _: None)


def test_a_change_that_is_meant_is_no_outage(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="notify")
    with under_way(here.state, "switchover") as change:
        post = Post(here)
        assert "somebody is changing who serves" in post.wait_for("no failover").reason
        change.abandon()
    post.wait_for("the sites")
    assert "leaves it to people" in post.wait_for("no failover", 2).reason
    post.stop.set()
    assert post.join() is None


class FakeDegrading:
    """A standby that is lost once and back once: a real one takes PostgreSQL (test_degrading)."""

    def __init__(self, _estate: Estate) -> None:
        self._found: list[Changed | OSError] = [
            OSError(28, "No space left on device"),
            OSError(28, "No space left on device"),
            Changed("orders", LOST, "commits wait for nobody"),
            Changed("orders", BACK, "commits wait again"),
        ]

    def look(self) -> list[Changed]:
        found = self._found.pop(0) if self._found else None
        if isinstance(found, OSError):
            raise found
        return [found] if found is not None else []


def test_people_hear_of_a_standby_that_is_lost_and_back_and_of_a_look_that_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentinel, "Degrading", FakeDegrading)
    monkeypatch.setattr(sentinel, "looked_after", partial(looked_after, every_seconds=0.01))
    post = Post(estate(tmp_path, decide="notify"))
    assert "OSError: [Errno 28]" in post.wait_for(UNKNOWN).reason
    assert post.wait_for(LOST).reason == "commits wait for nobody"
    assert post.wait_for(BACK, 2).reason == "commits wait again"
    again = next(said for said in post.said if said.about == BACK)
    assert again.reason == "the standbys are looked after again"
    assert len([said for said in post.said if said.about == UNKNOWN]) == 1
    post.stop.set()
    assert post.join() is None


def test_an_approval_that_nobody_took_does_not_answer_the_next_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = estate(tmp_path, decide="approval")
    with monkeypatch.context() as dead:
        dead.setattr(Questions, "withdraw", lambda *_: None)  # as one that was killed leaves its question
        dead.setattr(Questions, "taken", lambda *_: None)
        first = Post(here)
        first.answer("failover")
        first.stop.set()
        assert first.join() is None
    second = Post(here)
    assert "is gone since" in second.wait_for("a decision").reason
    second.answer("failover", "refused")
    assert "refused by ann" in second.wait_for("no failover").reason
    second.stop.set()
    assert second.join() is None
    assert Standing(here.state).now == "serving at home"


def test_amid_a_failback_that_was_cut_off_it_asks_and_lives_on(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="approval")
    with under_way(here.state, "failback") as begun:
        begun.journal.started("rejoin orders at here")
    post = Post(here)
    assert 'Site "there" is gone' in post.wait_for("a decision").reason
    post.answer("failover", "refused")
    post.wait_for("no failover")
    assert Standing(here.state).now == "failing back"
    post.stop.set()
    assert post.join() is None


def test_who_takes_the_lock_between_the_decision_and_the_failover_is_waited_for(tmp_path: Path) -> None:
    """Somebody began a change of sites while a person was asked: no reason to die."""
    here = estate(tmp_path, decide="approval")
    post = Post(here)
    post.wait_for("a decision")
    with under_way(here.state, "switchover") as change:
        post.answer("failover")
        assert "another process holds" in post.wait_for("no failover").reason
        change.abandon()
    post.wait_for("the sites")
    post.wait_for("a decision", 2)
    post.stop.set()
    assert post.join() is None


def test_two_do_not_fail_over_at_once(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="automatic")
    first = Post(here)
    first.wait_for("an answer")
    with pytest.raises(RunbookError, match="another process holds"):
        Sentinel(here, lambda *_: None, lambda _: None).stand(threading.Event())
    first.answer("fence here", "refused")
    assert not first.join().complete
