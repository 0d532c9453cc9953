"""What a frozen plan promised, held against what its ledger was judged by: objectives, drill, environment.

The plan is read as text: what it has of a kind is compared, what it has none of is not. The run's plan was
checked whole before it was frozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from rto_rpo.evidence.agreed.changes import LOADER
from rto_rpo.evidence.agreed.planned import Unknown, text, tree
from rto_rpo.ledger.records import Header
from rto_rpo.objective import DurationError, parse_duration

_NAMED: Final = ("kind", "site", "process", "dataset", "repository")
_PLACES: Final = (("services", "rto"), ("datasets", "rpo"))


def promise_findings(plan: bytes, header: Header) -> Iterator[str]:
    """Where the ledger was recorded, and so judged, by something else than its plan says."""
    try:
        content = yaml.load(plan, Loader=LOADER)  # noqa: S506 - it makes nothing but text
    except (yaml.YAMLError, RecursionError, ValueError):
        yield "its plan cannot be read: nothing shows what it promised"
        return
    variables, recorded = header["plan"]["variables"], header["drill"]
    for name, told in (("name", header["plan"]["name"]), ("environment", recorded["environment"])):
        said = text(content, name, variables)
        if said is not None and said != told:
            yield f"its ledger was recorded for {name} {told!r}, its plan says {said!r}"
    yield from _objectives(content, header)
    drills = tree(content, "drills")
    if not drills:
        return
    if recorded["name"] not in drills:
        yield f'its ledger is of drill "{recorded["name"]}", which its plan does not have'
        return
    yield from _drill(tree(drills, recorded["name"]), header)


def _objectives(content: object, header: Header) -> Iterator[str]:
    """All that the plan declares, and as it declares it: judged or listed as not tested."""
    told_of = (*header["judged"], *header["not_tested"])
    recorded: dict[tuple[str, str], float] = {
        (one["subject"], one["objective"]): one["seconds"] for one in told_of
    }
    for place, objective in _PLACES:
        nouns = tree(content, place)
        found = {name: _length(nouns, name, objective, header) for name in nouns}
        for name, seconds in found.items():
            told = recorded.pop((name, objective), None)
            if not isinstance(seconds, Unknown) and seconds != told:
                yield _unlike(name, objective, told, seconds)
        left = [name for name, what in recorded if what == objective] if nouns else []
        yield from (_unlike(name, objective, recorded[name, objective], None) for name in left)


def _length(nouns: Mapping[str, Any], name: str, objective: str, header: Header) -> float | Unknown | None:
    noun, variables = tree(nouns, name), header["plan"]["variables"]
    cold = header["drill"].get("cold", False)
    if objective == "rpo" and text(noun, "kind", variables) != "postgres":
        cold = False  # it has but the one, for it always comes from a backup
    written = text(noun, f"cold_{objective}" if cold else objective, variables)
    try:
        return parse_duration(written).seconds if written is not None else None
    except DurationError:
        return Unknown(written)


def _unlike(name: str, objective: str, recorded: float | None, planned: float | None) -> str:
    told, said = ("none" if one is None else f"{one:g} s" for one in (recorded, planned))
    return f"its ledger was recorded with an {objective} of {told} for {name!r}, its plan says {said}"


def _drill(planned: Mapping[str, Any], header: Header) -> Iterator[str]:
    variables, recorded = header["plan"]["variables"], header["drill"]
    respond = text(planned, "respond", variables)
    if respond is not None and respond != recorded["respond"]:
        yield f"its ledger was recorded with respond {recorded['respond']!r}, its plan says {respond!r}"
    fault = tree(planned, "fault")
    for name in _NAMED if fault else ():
        said, told = text(fault, name, variables), recorded["fault"].get(name)
        if said != told:
            yield f"its ledger was recorded with the fault's {name} {told!r}, its plan says {said!r}"
    judge = tree(planned, "judge")
    said_of = {(subject, one) for subject, found in judge.items() if isinstance(found, list) for one in found}
    judged = {(one["subject"], one["objective"]) for one in header["judged"]}
    if judge and said_of != judged:
        names = ", ".join(f"{subject} {objective}" for subject, objective in sorted(said_of ^ judged))
        yield f"its ledger judges other objectives than its plan: {names}"
