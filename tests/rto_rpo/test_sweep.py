"""Every comparison and every condition of the judge, bent in turn: a golden case notices each that matters.

A comparison is turned to its neighbour, one half of a condition is left out, "and" becomes "or", and what is
asked is taken to be so, or not to be so. What no case notices has to be in the list of those that change no
answer. The whole takes minutes; a sample of it runs with every test.

Of how a ledger is read and held in memory (`ledger`, `operations`, `column`, `plain`, `lag`) golden cases
tell little: those are held against naive models by tests of properties, each beside its own.
"""

from __future__ import annotations

import ast
import copy
import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rto_rpo.golden import Case, first_failure, make_cases
from tests.rto_rpo.mutant import ROOT, listed, load

FILES = (
    "calibration.py",
    "control.py",
    "doubts.py",
    "first_answer.py",
    "measure.py",
    "old_primary.py",
    "phases.py",
    "recovery_point.py",
    "recovery_time.py",
    "refusal.py",
    "revival.py",
    "run.py",
    "sending.py",
    "split_brain.py",
    "stall.py",
    "timeline.py",
    "verdict.py",
)
NEIGHBOURS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
EQUIVALENT = set(listed("equivalent.yaml"))
SAMPLE = 12
MUTANT_SECONDS_MAX = 20
Bend = tuple[int, str, int]


@pytest.fixture(scope="module")
def cases() -> Iterator[list[Case]]:
    memory = Path("/dev/shm")  # noqa: S108 - hundreds of ledgers, each synced: memory if there is any
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield make_cases(Path(folder))


def bends(tree: ast.Module) -> Iterator[Bend]:
    """(place, kind, part) of every way to bend this source."""
    for place, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.Compare):
            yield from ((place, "cmp", part) for part in range(len(node.ops)))
        elif isinstance(node, ast.BoolOp):
            yield place, "bool", 0
            yield from ((place, "drop", part) for part in range(len(node.values)))
        elif isinstance(node, ast.If | ast.IfExp):
            yield place, "false", 0
            yield place, "true", 0


def bent(tree: ast.Module, bend: Bend) -> tuple[str, str]:
    """The source bent in one place, and what stood there."""
    place, kind, part = bend
    whole = copy.deepcopy(tree)
    node = list(ast.walk(whole))[place]
    stood = f"if {ast.unparse(node.test)}" if isinstance(node, ast.If) else ast.unparse(node)
    if isinstance(node, ast.Compare):
        node.ops[part] = NEIGHBOURS[type(node.ops[part])]()
    elif isinstance(node, ast.BoolOp) and kind == "bool":
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.BoolOp):
        node.values.pop(part)
    elif isinstance(node, ast.If | ast.IfExp):
        node.test = ast.Constant(kind == "true")
    return ast.unparse(ast.fix_missing_locations(whole)), stood


def is_noticed(file: str, source: str, cases: list[Case]) -> bool:
    """One that never ends is noticed too."""
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(MUTANT_SECONDS_MAX)
    try:
        return first_failure(load({file: source}), cases) is not None
    except TimeoutError:
        return True
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _too_long(*_: object) -> None:
    raise TimeoutError


def unnoticed(chosen: list[tuple[str, ast.Module, Bend]], cases: list[Case]) -> set[tuple[str, str, str]]:
    found = set()
    for file, tree, bend in chosen:
        source, stood = bent(tree, bend)
        if not is_noticed(file, source, cases):
            found.add((file, f"{bend[1]} {bend[2]}", stood))
    return found


def everything() -> list[tuple[str, ast.Module, Bend]]:
    trees = {file: ast.parse((ROOT / file).read_text(encoding="utf-8")) for file in FILES}
    return [(file, tree, bend) for file, tree in trees.items() for bend in bends(tree)]


@pytest.mark.timeout(120, method="thread")  # the other method's timer is the one that is used here
def test_a_sample_of_all_ways_to_bend_the_judge(cases: list[Case]) -> None:
    chosen = random.Random(20261126).sample(everything(), SAMPLE)  # noqa: S311 - reproducible on purpose
    assert unnoticed(chosen, cases) - EQUIVALENT == set()


@pytest.mark.campaign
@pytest.mark.timeout(1800, method="thread")
def test_campaign_of_all_ways_to_bend_the_judge(cases: list[Case]) -> None:
    chosen = everything()
    found = unnoticed(chosen, cases)
    assert found - EQUIVALENT == set()
    assert EQUIVALENT - found == set(), "noticed now, or gone: take it off the list"
    said = f"{len(chosen)} ways to bend the judge, {len(found)} of them without effect; the others caught"
    print(f"proof: {said}")  # noqa: T201
