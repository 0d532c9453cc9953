"""Every check of the judge is there for a reason: drop or bend one, and the golden suite notices.

Each mutation changes one place of the source. A judge that is mutated must get some golden case wrong.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rto_rpo.golden import Case, first_failure, make_cases
from tests.rto_rpo.mutant import ROOT, listed, load


@pytest.fixture(scope="module")
def cases() -> Iterator[list[Case]]:
    memory = Path("/dev/shm")  # noqa: S108 - hundreds of ledgers, each synced: memory if there is any
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield make_cases(Path(folder))


def test_the_judge_as_it_is_gets_every_golden_case_right(cases: list[Case]) -> None:
    assert first_failure(load({}), cases) is None


@pytest.mark.parametrize(("file", "old", "new"), listed("mutations.yaml"))
def test_a_mutated_judge_is_caught(cases: list[Case], file: str, old: str, new: str) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    assert source.count(old) == 1, "the mutation must name one place of the source"
    assert first_failure(load({file: source.replace(old, new)}), cases) is not None


def test_the_real_judge_is_in_its_place_again(cases: list[Case]) -> None:
    from rto_rpo import measure
    from tests.rto_rpo import ledgers

    load({"measure.py": (ROOT / "measure.py").read_text(encoding="utf-8")})
    assert ledgers.measure is measure.measure
    assert len(cases) > 300
