"""Whatever is done to a plan, it loads, or one PlanError says why not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sites.errors import PlanError
from sites.plan import load

WORDS = """~ null {} [] [[]] {a:b} yes -1 1e400 0x1F .nan ' " &a *a !x !!binary << ? # | > --- - :
${ $ ${DESK} ${NO} ${A:-${B}} 1s -1s 0s 1/s kill_site dr http://[::1 http://x:y"""
JUNK = [
    "",
    "\t",
    "\x00",
    "\ufeff",
    "\u2028",
    "\ud7ff",
    "é",
    "? a",
    "- ",
    ": ",
    "a: b",
    "9" * 5000,
    *WORDS.split(),
]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(JUNK)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], str]:
    path = tmp_path_factory.mktemp("plans") / "plan.yaml"
    environ = {"DESK": "/srv/desk", "PG_BIN": "/pg"} | {
        f"{name}_PORT": str(5000 + at)
        for at, name in enumerate(("PRIMARY_PG", "DR_PG", "PUBLIC", "PRIMARY_GATEWAY", "DR_GATEWAY", "VENUE"))
    }

    def taken(content: bytes) -> str:
        """Load it, and hold what is told to the promise: lines that begin with the file and print."""
        path.write_bytes(content)
        try:
            plan = load(path, environ)
        except PlanError as error:
            lines = str(error).splitlines()
            assert all(line.startswith(f"{path}") and line.isprintable() for line in lines)
            return "refused"
        assert plan.raw == content
        assert plan.model_dump_json()
        return "loaded"

    return taken


@pytest.fixture(scope="module")
def words() -> list[str]:
    """The trading desk's plan in pieces that are worth cutting at."""
    text = (Path(__file__).parents[3] / "examples/trading_desk/plan.yaml").read_text()
    return [piece for line in text.splitlines() for piece in (*line.split(" "), "\n")]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), times=st.integers(1, 6))
def test_a_plan_with_its_text_damaged(
    take: Callable[[bytes], str], words: list[str], seed: int, times: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - damage, not secrets
    damaged = list(words)
    for _ in range(times):
        at = chance.randrange(len(damaged))
        damaged[at : at + chance.choice((0, 1, 1, 1, 5))] = chance.choice(
            ([chance.choice(JUNK)], [], [chance.choice(words)], [damaged[at]] * 2, ["\n"])
        )
    assert take(" ".join(damaged).replace("\n ", "\n").encode()) in ("loaded", "refused")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), value=VALUES)
def test_a_plan_with_a_value_replaced(
    take: Callable[[bytes], str], words: list[str], seed: int, value: object
) -> None:
    chance = random.Random(seed)  # noqa: S311 - damage, not secrets
    data = yaml.safe_load(" ".join(words).replace("\n ", "\n"))
    node: Any = data
    while True:
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], dict | list) or not node[key] or chance.random() < 0.2:
            break
        node = node[key]
    node[key] = value
    assert take(json.dumps(data).encode()) in ("loaded", "refused")


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_what_is_no_plan_at_all(take: Callable[[bytes], str], content: bytes) -> None:
    assert take(content) in ("loaded", "refused")
