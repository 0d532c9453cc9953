"""The user's own questions to restored data: programs that look at it, queries that it answers.

A program that says no, and a query with another answer: *missed*. One that could not run: *inconclusive*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from sites.comparison import printable
from sites.drivers import command
from sites.drivers.masking import mask
from sites.errors import BlackstartError, CommandError, CommandTimeout

COULD_NOT_TELL = 75  # EX_TEMPFAIL
SAID_LETTERS_MAX = 300
Verdict = Literal["met", "missed", "inconclusive"]
Ask = Callable[[str], str | None]


@runtime_checkable
class Openable(Protocol):
    """A dataset whose dump answers queries, apart from everything: the first value of the first row."""

    def opened(self, dump: Path, scratch: Path) -> AbstractContextManager[Ask]: ...


@dataclass(frozen=True, slots=True)
class CommandQuestion:
    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    limit_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class QueryQuestion:
    name: str
    sql: str
    expect: str


Question = CommandQuestion | QueryQuestion


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question. `said` is in words, on one line, without secrets."""

    name: str
    verdict: Verdict
    said: str


def answers(questions: Sequence[Question], dataset: object, restored: Path, scratch: Path) -> list[Answer]:
    """Put every question to what lies at `restored`: a folder of files, or a dump of `dataset`.

    Raises nothing for a question that cannot be answered: its answer is inconclusive.
    """
    with ExitStack() as stack:
        return list(_each(questions, dataset, restored, scratch, stack))


def _each(
    questions: Sequence[Question], dataset: object, restored: Path, scratch: Path, stack: ExitStack
) -> Iterator[Answer]:
    ask: Ask | None = None
    for question in questions:
        if isinstance(question, CommandQuestion):
            yield _by_command(question, restored)
        elif not isinstance(dataset, Openable):
            yield Answer(question.name, "inconclusive", "this kind of dataset answers no queries")
        else:
            try:
                ask = ask or stack.enter_context(dataset.opened(restored, scratch))
            except BlackstartError as error:
                yield Answer(question.name, "inconclusive", _short(f"it cannot be asked: {error}"))
            else:
                yield _by_query(question, ask)


def _by_command(question: CommandQuestion, restored: Path) -> Answer:
    try:
        done = command.run(
            question.command,
            env={**question.env, "BLACKSTART_RESTORED": str(restored)},
            secret_env=question.secret_env,
            cwd=question.folder,
            limit_seconds=question.limit_seconds,
        )
    except CommandTimeout as error:
        return Answer(question.name, "inconclusive", _short(str(error)))
    except CommandError as error:
        exited = error.exit_code_of_command
        no = exited is not None and exited > 0 and exited not in (COULD_NOT_TELL, 126, 127)
        lines = (error.stderr.strip() or error.stdout.strip() or str(error)).splitlines()
        return Answer(question.name, "missed" if no else "inconclusive", _short(mask(lines[-1])))
    except BlackstartError as error:
        return Answer(question.name, "inconclusive", _short(str(error)))
    said = mask(done.stdout.strip(), tuple(question.secret_env.values())).splitlines()
    return Answer(question.name, "met", _short(said[-1] if said else "exit 0"))


def _by_query(question: QueryQuestion, ask: Ask) -> Answer:
    try:
        found = ask(question.sql)
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing was answered
        return Answer(question.name, "inconclusive", _short(f"not answered: {error}"))
    if found == question.expect:
        return Answer(question.name, "met", _short(f"answers {question.expect!r}"))
    return Answer(question.name, "missed", _short(f"answers {found!r}, expected {question.expect!r}"))


def _short(text: str) -> str:
    said = printable(" ".join(text.split()))
    return said if len(said) <= SAID_LETTERS_MAX else f"{said[:SAID_LETTERS_MAX]}..."
