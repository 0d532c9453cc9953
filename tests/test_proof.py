"""The page of the long proofs counts nothing as proven that did not pass at the state of now."""

from __future__ import annotations

from tests.campaign import outcome_of
from tests.proof import Proof, told

ONE = '<testsuites><testsuite><testcase name="t">{}</testcase></testsuite></testsuites>'


def test_only_what_passed_now_counts() -> None:
    nodes = ["t::a[0]", "t::a[1]", "t::b", "t::c", "t::d"]
    results = {
        "t::a[0]": Proof("passed", "c2", "new", 2.0, ["found 1", "found 2"]),
        "t::a[1]": Proof("passed", "c1", "old", 3.0, ["found 1"]),
        "t::b": Proof("skipped", "c2", "new", 1.0),
        "t::c": Proof("failed", "c2", "new", 1.0),
    }
    page = told(nodes, results, dict.fromkeys(nodes, "new"))
    assert "1 of 5 long proofs hold" in page
    assert page.splitlines()[-4:] == [
        "| `t::a` | 2 | 1 | 1 passed at `c1` | 5 | found 1; found 2 |",
        "| `t::b` | 1 | 0 | 1 skipped | 1 | - |",
        "| `t::c` | 1 | 0 | 1 failed | 1 | - |",
        "| `t::d` | 1 | 0 | 1 not run | 0 | - |",
    ]


def test_what_was_skipped_has_not_passed() -> None:
    assert outcome_of(ONE.format("")) == "passed"
    assert outcome_of(ONE.format('<skipped message="none here"/>')) == "skipped"
    assert outcome_of(ONE.format('<failure message="no"/>')) == "failed"
    assert outcome_of("<testsuites/>") == "failed"
