"""Asking a person, and waiting for the answer: a record on disk that `blackstart approve` answers.

    state/asked/NAME.json      the question: what, why, until when, and what has to be typed, if anything
    state/asked/NAME.answer    the answer, written once; used up by whoever asked

A question outlives the process that asked it: who resumes finds the answer that was given meanwhile. One
that was not answered in time is a no. An answer is to one question alone, and a question is about one outage
or one run of a runbook: what was approved for an earlier one says nothing of the next. Who may answer is who
may write in the state folder; the name is claimed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol, TypeVar
from uuid import uuid4

from rto_rpo.durable import make_folder, sync_folder, write_durably
from sites.errors import GuardError, RunbookError
from sites.recovery.runbook import Observer
from sites.recovery.standing import Standing

_T = TypeVar("_T")
Decision = Literal["approved", "refused", "lapsed", "withdrawn"]
_POLL_SECONDS = 0.1
_ID_LETTERS = 8
_LETTERS = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Question:
    """`typed` is what the person must type, word for word, to approve. `until` is UTC.

    `about` names the outage, or the run of a runbook, that it belongs to; `id` the question itself.
    """

    name: str
    says: str
    asked: str
    until: str
    typed: str | None = None
    about: str = ""
    id: str = ""

    @property
    def lapsed(self) -> bool:
        return datetime.now(UTC) >= datetime.fromisoformat(self.until)


@dataclass(frozen=True, slots=True)
class Answer:
    """`by` is the name that was given, `account` the account of the machine that gave it.

    `question` is the id of the question that it answers.
    """

    decision: Decision
    by: str = "nobody"
    account: str = ""
    typed: str | None = None
    waited_seconds: float = 0.0
    question: str = ""


class Ask(Protocol):
    """Put a question and wait. Always returns: what nobody answered has lapsed."""

    def __call__(self, name: str, says: str, typed: str | None = None) -> Answer: ...


class Questions:
    """The open questions of one plan."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "asked"

    def ask(
        self, name: str, says: str, limit_seconds: float, typed: str | None = None, about: str = ""
    ) -> Question:
        """Put a question; the same one about the same thing that is open still is taken up again."""
        make_folder(self._folder)
        there, wanted = self._read(name), (says, typed, about)
        if there is not None and (there.says, there.typed, there.about) == wanted and not there.lapsed:
            return there
        self._forget(name)
        now = datetime.now(UTC)
        until = now + timedelta(seconds=limit_seconds)
        id_ = uuid4().hex[:_ID_LETTERS]
        question = Question(name, says, now.isoformat(), until.isoformat(), typed, about, id_)
        write_durably(self._file(name), json.dumps(asdict(question)).encode())
        return question

    def open(self) -> list[Question]:
        """What waits for an answer, the oldest first."""
        found = [self._read(path.stem) for path in self._folder.glob("*.json")]
        waiting = [q for q in found if q is not None and not q.lapsed and self._given(q) is None]
        return sorted(waiting, key=lambda question: question.asked)

    def answer(
        self,
        name: str | None,
        decision: Decision,
        by: str,
        account: str,
        typed: str | None,
        id_: str | None = None,
    ) -> Question:
        """Answer the one question that is open, or that of the name; with `id_`, that very one or none.

        Raises GuardError: nothing changed.
        """
        waiting = self.open()
        if id_ is not None and id_ not in {question.id for question in waiting}:
            raise GuardError(
                f'question "{id_}" waits for no answer any more: it was answered, withdrawn, or lapsed',
                hint="blackstart approve --show",
            )
        waiting = [question for question in waiting if id_ in (None, question.id)]
        chosen = [question for question in waiting if name in (None, question.name)]
        names = ", ".join(f'"{question.name}"' for question in waiting) or "nothing"
        if len(chosen) != 1:
            raise GuardError(
                f"cannot tell what is answered: {names} waits for an answer", hint="name one of them"
            )
        question = chosen[0]
        if decision == "approved" and question.typed is not None and typed != question.typed:
            raise GuardError(
                f'"{question.name}" is approved only by who types what was seen to be so',
                hint=f'--typed "{question.typed}"',
            )
        entry = {
            "decision": decision,
            "by": by,
            "account": account,
            "typed": typed,
            "question": question.id,
        }
        write_durably(self._answer(question.name), json.dumps(entry).encode())
        return question

    def taken(self, question: Question) -> Answer | None:
        """The answer, used up by this call; None while there is none. A question that lapsed is closed."""
        now = datetime.now(UTC)
        waited = max(0.0, (now - datetime.fromisoformat(question.asked)).total_seconds())
        given = self._given(question)
        if given is not None:
            self._forget(question.name)
            return replace(given, waited_seconds=waited)
        if question.lapsed:
            self._forget(question.name)
            return Answer("lapsed", waited_seconds=waited)
        return None

    def withdraw(self, question: Question) -> None:
        self._forget(question.name)

    def wait(self, question: Question, stop: Callable[[], bool] = lambda: False) -> Answer:
        """Wait for the answer, until the question lapses, or until `stop` says so: then it is withdrawn."""
        while (answer := self.taken(question)) is None:
            if stop():
                self.withdraw(question)
                return Answer("withdrawn")
            time.sleep(_POLL_SECONDS)
        return answer

    def clear(self) -> None:
        """Forget every question and answer: what was approved once is not approved for the next time."""
        for path in (*self._folder.glob("*.answer"), *self._folder.glob("*.json")):
            path.unlink(missing_ok=True)

    def _given(self, question: Question) -> Answer | None:
        """The answer to that very question: one to an earlier question of its name says nothing."""
        path = self._answer(question.name)
        answer = _made(path, Answer) if path.exists() else None
        return answer if answer is not None and answer.question == question.id else None

    def _forget(self, name: str) -> None:
        # the answer goes first: one left behind would answer the next question
        for path in (self._answer(name), self._file(name)):
            path.unlink(missing_ok=True)
        sync_folder(self._folder)

    def _read(self, name: str) -> Question | None:
        path = self._file(name)
        return _made(path, Question) if path.exists() else None

    def _file(self, name: str) -> Path:
        return self._folder / f"{_LETTERS.sub('-', name)}.json"

    def _answer(self, name: str) -> Path:
        return self._file(name).with_suffix(".answer")


def asker(state: Path, limit_seconds: float, observe: Observer) -> Ask:
    """Asks within a runbook, about the run that is under way. That it waits, and the answer, is observed."""
    questions = Questions(state)

    def ask(name: str, says: str, typed: str | None = None) -> Answer:
        question = questions.ask(name, says, limit_seconds, typed, about=Standing(state).begun.run)
        told = {"question": name, "says": says, "typed": typed, "until": question.until, "id": question.id}
        observe("asked", told)
        answer = questions.wait(question)
        observe("answered", {**asdict(answer), "question": name})
        return answer

    return ask


def _made(path: Path, kind: type[_T]) -> _T:
    try:
        return kind(**json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        raise RunbookError(f"{path} is no question or answer of ours", hint="remove it") from None
