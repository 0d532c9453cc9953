"""A compact suite that no wrong judge passes: small histories, each with what a right judge finds.

What it should find comes from the oracle, or, where the oracle is silent, stands here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

from rto_rpo.ledger.errors import LedgerError
from tests.rto_rpo import oracle
from tests.rto_rpo.agreement import disagreement
from tests.rto_rpo.contradictions import CONTRADICTIONS, chained
from tests.rto_rpo.golden_beyond import beyond
from tests.rto_rpo.golden_calibrated import calibrated
from tests.rto_rpo.golden_drill import small
from tests.rto_rpo.golden_edges import edges
from tests.rto_rpo.golden_losses import lost
from tests.rto_rpo.golden_refused import refused
from tests.rto_rpo.golden_revived import revived
from tests.rto_rpo.golden_stories import disordered, told
from tests.rto_rpo.golden_times import timed
from tests.rto_rpo.golden_unseen import unseen
from tests.rto_rpo.golden_who import answered
from tests.rto_rpo.histories import DICE_BYTES, make_history
from tests.rto_rpo.ledgers import T0, event, header, write_ledger

Fields = dict[str, Any]
RANDOM_HISTORIES = 100


@dataclass(frozen=True)
class Judge:
    """The judge's modules, as they are or mutated."""

    reader: ModuleType
    measure: ModuleType
    verdict: ModuleType


@dataclass(frozen=True)
class Case:
    """A ledger on disk: `expected` by the oracle, what else is `said`, or the `error` where it is broken."""

    name: str
    path: Path
    expected: Fields | None = None
    said: Fields = field(default_factory=dict)
    error: tuple[int, str] | None = None


def first_failure(judge: Judge, cases: list[Case]) -> str | None:
    """The first case that this judge gets wrong, and how. It goes to the front, for the next."""
    for at, case in enumerate(cases):
        try:
            wrong = _wrong(judge, case)
        except Exception as error:  # noqa: BLE001 - a mutated judge may fail in any way
            wrong = repr(error)
        if wrong:
            cases.insert(0, cases.pop(at))
            return f"{case.name}: {wrong}"
    return None


def _wrong(judge: Judge, case: Case) -> str | None:
    if case.error is not None:
        return _wrong_error(judge, case.path, *case.error)
    measurement = judge.measure.measure(case.path)
    decision = judge.verdict.decide(next(judge.reader.read(case.path)), measurement)
    if case.expected is not None and (found := disagreement(measurement, decision, case.expected)):
        return found
    for expression, wanted in case.said.items():
        value = eval(expression, {"m": measurement, "d": decision})  # noqa: S307 - written in this file
        if value != wanted:
            return f"{expression} is {value!r}, not {wanted!r}"
    return None


def _wrong_error(judge: Judge, path: Path, line: int, reason: str) -> str | None:
    try:
        list(judge.reader.read(path))
    except LedgerError as error:
        right = error.line == line and reason in error.reason
        return None if right else f"refused with {error}, not in line {line} for {reason!r}"
    return f"not refused, though {reason!r} in line {line}"


def make_cases(folder: Path) -> list[Case]:
    """Write all ledgers below `folder`."""
    cases = [*_broken(folder), *_planted(folder)]
    dice = random.Random(20261122)  # noqa: S311 - reproducible on purpose
    for number in range(RANDOM_HISTORIES):
        head, records = make_history(dice.randbytes(DICE_BYTES))
        path = write_ledger(folder / f"random-{number}.jsonl", head, records)
        cases.append(Case(f"random history {number}", path, oracle.judge(head, records)))
    return cases


def _planted(folder: Path) -> Iterator[Case]:
    planted = [timed(), unseen(), lost(), told(), revived(), refused(), answered(), beyond(), edges()]
    for name, drill, said in chain(*planted, calibrated()):
        records = sorted(drill.records(), key=lambda record: record["ns"])
        path = write_ledger(folder / f"{name}.jsonl", drill.head, records)
        yield Case(name, path, oracle.judge(drill.head, records), said)
    for name, drill, said in disordered():
        yield Case(name, drill.write(folder / f"{name}.jsonl"), said=said)


def _broken(folder: Path) -> Iterator[Case]:
    for name, (make, line, reason) in CONTRADICTIONS.items():
        path = chained(folder / f"{name}.jsonl", make())
        yield Case(name, path, error=(line, reason))
        if line > 1:
            yield Case(
                f"{name}, measured", path, said={"m.void[:11]": "ledger line", "d.verdict": "inconclusive"}
            )
    whole = small().write(folder / "whole.jsonl")
    lines = whole.read_bytes().splitlines(keepends=True)
    changed = lines[20].replace(b"acknowledged", b"failed")
    for name, found, line, reason in (
        ("cut off", [*lines[:-1], lines[-1][:-1]], len(lines), "cut off"),
        ("changed", [*lines[:20], changed, *lines[21:]], 22, "the chain is broken"),
        ("missing", [*lines[:20], *lines[21:]], 21, "seq is 21"),
    ):
        path = folder / f"{name}.jsonl"
        path.write_bytes(b"".join(found))
        yield Case(name, path, error=(line, reason))
    path = write_ledger(folder / "endless.jsonl", header(), [event("note", T0)])
    yield Case(
        "endless", path, said={"m.void": "the ledger has no end: the recorder was cut off", "m.counts": {}}
    )
