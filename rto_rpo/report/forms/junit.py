"""junit.xml: a drill as a gate of a CI pipeline. What was not tested is skipped there, and never passed.

met: passed; missed: failure; inconclusive, and met in a run that is in doubt: error. The run's own verdict
is a case, too, so that a run that is void or never ended cannot go green for want of objectives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from rto_rpo.report import sentences, versions, words
from rto_rpo.report.model import Report
from rto_rpo.report.standing import IN_DOUBT, standing
from rto_rpo.report.visible import visible

_ELEMENTS = {"missed": "failure", "inconclusive": "error", IN_DOUBT: "error", "not tested": "skipped"}


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    verdict: str
    reason: str
    seconds: float | None = None


def junit(content: dict[str, Any]) -> str:
    """The XML of a report's content."""
    report = Report.model_validate(content)
    told = {"run": report.run, "plan_sha256": report.plan.sha256, "judge": report.judge}
    told["changed"] = sentences.changed(report)
    told["versions"] = versions.counted(report)
    told |= {f"version of {one.what}, {one.where}": versions.shown(one) for one in report.versions}
    told["in_doubt"] = "; ".join(report.doubts) or "no"
    told |= {
        f"verification of {one.stream}": sentences.verification(report, one)
        for one in sentences.points(report)
    }
    return _document(_name(report.plan.name, report.drill.name), report.utc.begin, told, [*_cases(report)])


def junit_of_nothing(plan: str, drill: str, run: str, utc: str, why: str) -> str:
    """The XML of a run that left nothing to report of: an error, and nothing else."""
    return _document(_name(plan, drill), utc, {"run": run}, [_Case("verdict", "inconclusive", why)])


def _document(suite_name: str, utc: str | None, told: dict[str, str], cases: list[_Case]) -> str:
    suites = ET.Element("testsuites", {"name": "blackstart", **_counts(cases)})
    suite = ET.SubElement(suites, "testsuite", {"name": suite_name, **_counts(cases)})
    if utc:
        suite.set("timestamp", utc.removesuffix("Z")[:19])
    properties = ET.SubElement(suite, "properties")
    for name, value in told.items():
        ET.SubElement(properties, "property", {"name": name, "value": visible(value)})
    for case in cases:
        _add(suite, suite_name, case)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _name(plan: str, drill: str) -> str:
    return visible(f"{plan}.{drill}")


def _cases(report: Report) -> Iterator[_Case]:
    reasons = "; ".join(sentences.reasons(report)) or sentences.verdict(report)
    yield _Case("verdict", standing(report.verdict, report.doubts), reasons)
    for one in report.judgements:
        name = f"{one.subject} {one.objective.upper()} within {words.declared(one.declared_seconds)}"
        yield _Case(name, one.standing, sentences.why(report, one), one.upper_seconds)
    for split in report.split_brain:
        yield _Case(f"one writer: {split.stream}", split.standing, sentences.why(report, split))
    for check in report.checks:
        yield _Case(f"check: {check.name}", check.standing, sentences.why(report, check))
    for left in report.not_tested:
        name = f"{left.subject} {left.objective.upper()} within {words.declared(left.declared_seconds)}"
        yield _Case(name, "not tested", "this drill did not look")


def _counts(cases: list[_Case]) -> dict[str, str]:
    found = [_ELEMENTS.get(case.verdict) for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error")),
        "skipped": str(found.count("skipped")),
    }


def _add(suite: ET.Element, name: str, case: _Case) -> None:
    element = ET.SubElement(suite, "testcase", {"classname": name, "name": visible(case.name)})
    if case.seconds is not None:
        element.set("time", f"{case.seconds:.6f}")
    if tag := _ELEMENTS.get(case.verdict):
        ET.SubElement(element, tag, {"message": visible(case.reason)})
