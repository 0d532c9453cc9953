"""`verify` and the stand-alone check say the same of one table of cases; what one leaves out stands there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.lines.signature import new_key
from tests.rto_rpo.evidence.cases import CASES, Made, make
from tests.rto_rpo.evidence.stranger import stranger


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("two")
    return make(folder / "evidence", new_key(folder / "key.pem"), new_key(folder / "bo.pem"))


@pytest.fixture
def made(two: Made, tmp_path: Path) -> Made:
    return replace(two, root=Path(shutil.copytree(two.root, tmp_path / "evidence")))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES)
def test_both_say_the_same(made: Made, case: str) -> None:
    who, spoil = CASES[case]
    spoil(made)
    found = verify(made.root)
    code, said = stranger(made.root)
    assert found.intact is (who == "neither"), (case, found.findings)
    assert (code == 1) is (who == "both"), (case, said)
