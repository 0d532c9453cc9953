"""Every check of the judge is there for a reason: drop or bend one, and the golden suite notices.

Each mutation changes one place of the source. A judge that is mutated must get some golden case wrong.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rto_rpo.golden import Case, first_failure, make_cases
from tests.rto_rpo.mutant import ROOT, listed, load

Mutation = tuple[str, str, str]
ALL = listed("mutations.yaml")
ONE_IN = 5


def sample(mutations: list[Mutation]) -> list[Mutation]:
    """One in so many, and always the same ones."""
    return [each for each in mutations if zlib.crc32("".join(each).encode()) % ONE_IN == 0]


def is_caught(cases: list[Case], mutation: Mutation) -> bool:
    file, old, new = mutation
    source = (ROOT / file).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"the mutation must name one place of {file}: {old}"
    return first_failure(load({file: source.replace(old, new)}), cases) is not None


@pytest.fixture(scope="module")
def cases() -> Iterator[list[Case]]:
    memory = Path("/dev/shm")  # noqa: S108 - hundreds of ledgers, each synced: memory if there is any
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield make_cases(Path(folder))


def test_the_judge_as_it_is_gets_every_golden_case_right(cases: list[Case]) -> None:
    assert first_failure(load({}), cases) is None


@pytest.mark.parametrize("mutation", sample(ALL), ids="-".join)
def test_a_mutated_judge_is_caught(cases: list[Case], mutation: Mutation) -> None:
    assert is_caught(cases, mutation)


def test_every_mutation_names_one_place() -> None:
    sources = {file: (ROOT / file).read_text(encoding="utf-8") for file, _, _ in ALL}
    assert [(file, old) for file, old, _ in ALL if sources[file].count(old) != 1] == []
    assert len(ALL) > len(sample(ALL)) > 50


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_campaign_of_all_mutations(cases: list[Case]) -> None:
    assert [mutation for mutation in ALL if not is_caught(cases, mutation)] == []
    print(f"proof: {len(ALL)} mutated judges, each of them caught")  # noqa: T201


def test_the_real_judge_is_in_its_place_again(cases: list[Case]) -> None:
    from rto_rpo import measure
    from tests.rto_rpo import ledgers

    load({"measure.py": (ROOT / "measure.py").read_text(encoding="utf-8")})
    assert ledgers.measure is measure.measure
    assert len(cases) > 300
