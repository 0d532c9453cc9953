"""Which versions a run tried: how many are known, and what was not the same everywhere."""

from __future__ import annotations

from rto_rpo.report import words
from rto_rpo.report.model import Report, Version

NOT_ASKED = "nothing was asked, so this run does not say which software was tried"


def shown(version: Version) -> str:
    """The version; where it is not known, why."""
    return (
        version.version
        if version.version is not None
        else f"not known: {version.problem or 'no reason given'}"
    )


def when(report: Report) -> str:
    """When the versions were told, and from where on it counts."""
    first = report.versions[0]
    return f"{words.when(first.utc)}, {words.offset(first.at_seconds)} from the {_zero(report)}"


def counted(report: Report) -> str:
    """How many are known, and how many are not."""
    if not report.versions:
        return NOT_ASKED
    unknown = sum(1 for one in report.versions if one.version is None)
    told = f"{len(report.versions) - unknown} known"
    return told + (f", {unknown} not known" if unknown else "")


def unlike(report: Report) -> list[str]:
    """What is of several versions at several sites: at a failover the service changes its version, too."""
    places: dict[str, dict[str, list[str]]] = {}
    for one in report.versions:
        if one.version is not None and one.where.startswith("site"):  # the machine we run on is none
            places.setdefault(one.what, {}).setdefault(one.version, []).append(one.where)
    return [
        f"{what}: " + "; ".join(f"{version} ({', '.join(where)})" for version, where in found.items())
        for what, found in places.items()
        if len(found) > 1
    ]


def _zero(report: Report) -> str:
    return "start" if report.timeline.fault_begin_at_seconds is None else "fault"
