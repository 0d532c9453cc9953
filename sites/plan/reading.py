"""From a file to a plan, or to one error that tells all that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sites.errors import PlanError
from sites.plan.check import contradictions
from sites.plan.document import Node, Unreadable, read_document
from sites.plan.explain import explain
from sites.plan.interpolate import Interpolation
from sites.plan.leaks import leaks
from sites.plan.noun import Surroundings
from sites.plan.plan import Origin, Plan
from sites.plan.problem import Problem, refusal

PLAN_BYTES_MAX = 4 * 1024 * 1024
NAMED_SECTIONS = ("sites", "repositories", "datasets", "services", "drills", "tabletops")
_NAMED = {(section,) for section in NAMED_SECTIONS}


def load(path: str | Path, environ: Mapping[str, str] = os.environ) -> Plan:
    """Read, interpolate and check a plan file.

    Raises PlanError that tells every problem, one a line: "FILE:LINE: KEY: what is wrong; what is allowed".
    """
    return read_plan(Path(path), _read(Path(path)), environ, frozen=False)


def read_plan(file: Path, raw: bytes, environ: Mapping[str, str], *, frozen: bool = True) -> Plan:
    """The same for bytes at hand. Relative paths in them are relative to the folder of `file`.

    `frozen`: as some drill had them, and what it left behind has to be undone whatever is refused by now.
    """
    try:
        tree, problems = read_document(_decode(raw))
    except Unreadable as error:
        raise refusal(str(file), [error.problem]) from None
    interpolation = Interpolation(environ)
    data = interpolation.mapping(tree)
    problems += [Problem(tree.locate(place), place, message) for place, message in leaks(data)]
    plan, more = _build(data, tree, _surroundings(file, data))
    problems += _beyond(problems + interpolation.problems, more) + interpolation.told()
    problems += [] if frozen else _beyond(problems, interpolation.hidden)
    if plan is None or problems:
        raise refusal(str(file), problems)
    plan._origin = Origin(file, raw, interpolation.variables)
    return plan


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(PLAN_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        first = "; `blackstart init` writes a first one" if isinstance(error, FileNotFoundError) else ""
        raise PlanError(
            f"{path}: cannot read the plan: {reason}", hint=f"name another with --plan FILE{first}"
        ) from None
    if len(raw) > PLAN_BYTES_MAX:
        raise refusal(str(path), [Problem(None, (), f"longer than {PLAN_BYTES_MAX} bytes; is this a plan?")])
    return raw


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, f"not UTF-8 text (byte 0x{raw[error.start]:02x}); is this a plan?") from None


def _surroundings(file: Path, data: dict[str, Any]) -> Surroundings:
    def names(section: object) -> frozenset[str]:
        return frozenset(section) if isinstance(section, dict) else frozenset()

    sections = {name: names(data.get(name)) for name in NAMED_SECTIONS}
    sites = data.get("sites")
    declared = (
        [names(site.get("processes")) for site in sites.values() if isinstance(site, dict)]
        if isinstance(sites, dict)
        else []
    )
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100 - resolve() would follow links
    return Surroundings(folder, {**sections, "processes": frozenset[str]().union(*declared)})


def _build(data: dict[str, Any], tree: Node, surroundings: Surroundings) -> tuple[Plan | None, list[Problem]]:
    """The plan, or None where there is none; and what is wrong with the whole or with its parts."""
    problems: list[Problem] = []
    try:
        plan: Plan | None = Plan.model_validate(data, context=surroundings)
    except ValidationError as error:
        plan = None
        found = [explain(detail) for detail in error.errors(include_url=False) if not _follows(detail)]
        problems = [Problem(tree.locate(place), place, message) for place, message in found]
    sound = plan or _salvage(data, problems, surroundings)
    suspect = {str(problem.place[0]) for problem in problems if problem.place}
    told = contradictions(sound, suspect) if sound else ()
    more = [Problem(tree.locate(place), place, message) for place, message in told]
    return plan, problems + _beyond(problems, more)


def _follows(error: ErrorDetails) -> bool:
    """A list whose every element is wrong counts as too short as well: that is told already."""
    return error["type"] == "too_short" and bool(error["input"])


def _beyond(known: list[Problem], more: list[Problem]) -> list[Problem]:
    """Those of `more` whose place has no problem yet: one mistake is told once."""
    places = {problem.place for problem in known}
    return [problem for problem in more if problem.place not in places]


def _salvage(data: dict[str, Any], problems: list[Problem], surroundings: Surroundings) -> Plan | None:
    """The plan without the entries that are wrong in themselves, so that the rest can be checked too."""
    wrong = {problem.place[: 2 if problem.place[:1] in _NAMED else 1] for problem in problems}
    left: dict[str, Any] = {"name": "unnamed", "environment": "unnamed"}
    for section, value in data.items():
        if (section,) in _NAMED and isinstance(value, dict):
            left[section] = {name: entry for name, entry in value.items() if (section, name) not in wrong}
        elif (section,) not in wrong:
            left[section] = value
    try:
        return Plan.model_validate(left, context=surroundings)
    except ValidationError:
        return None
