"""The page of the long proofs counts nothing as proven that did not pass at this state of the code."""

from __future__ import annotations

from tests.campaign import outcome_of
from tests.proof import Proof, told

ONE = '<testsuites><testsuite><testcase name="t">{}</testcase></testsuite></testsuites>'


def test_only_what_passed_now_counts() -> None:
    nodes = ["t::a[0]", "t::a[1]", "t::b", "t::c", "t::d"]
    results = {
        "t::a[0]": Proof("passed", "new", 2.0, ["found 1", "found 2"]),
        "t::a[1]": Proof("passed", "old", 3.0, ["found 1"]),
        "t::b": Proof("skipped", "new", 1.0),
        "t::c": Proof("failed", "new", 1.0),
    }
    page = told(nodes, results, "new")
    assert "1 of 5 long proofs have passed" in page
    assert page.splitlines()[-4:] == [
        "| `t::a` | 2 | 1 | 1 passed at `old` | 5 | found 1; found 2 |",
        "| `t::b` | 1 | 0 | 1 skipped | 1 | - |",
        "| `t::c` | 1 | 0 | 1 failed | 1 | - |",
        "| `t::d` | 1 | 0 | 1 not run | 0 | - |",
    ]


def test_what_was_skipped_has_not_passed() -> None:
    assert outcome_of(ONE.format("")) == "passed"
    assert outcome_of(ONE.format('<skipped message="none here"/>')) == "skipped"
    assert outcome_of(ONE.format('<failure message="no"/>')) == "failed"
    assert outcome_of("<testsuites/>") == "failed"
