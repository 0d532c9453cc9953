"""What people agree to is written out in the plan: a variable there would let it change unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args, get_origin

import pytest

from rto_rpo.evidence.agreed.subject import subject
from sites.plan import Plan, read_plan
from sites.plan.agreed import AGREED, agreed
from sites.plan.explain import _members, _stripped

Change = Callable[..., str]
Refused = Callable[..., list[str]]
VALUES = {"V": "30s", "N": "3", "KIND": "rpo", "CRON": "0 6 * * 6", "RATE": "100/s", "OUT": "*.tmp"}
HIDDEN = [
    ("    rto: 30s", '    rto: "${V}"'),
    ("    rpo: 0s", '    rpo: "${Z:-0s}"'),
    ("refused: 3", 'refused: "${N}"'),
    ("orders: [rpo]", 'orders: ["${KIND}"]'),
    ("rate: 100/s", 'rate: "${RATE}"'),
    ("  retention: 6y", '  retention: "${KEEP:-6y}"'),
]
# Time limits at a site, and how a tool keeps its own house: told as changed, agreed by nobody.
OURS = {
    *("start_limit", "stop_limit", "kill_limit", "cut_limit", "connect_limit", "limit", "ttl", "again"),
    *("append_only", "prune", "read", "full", "checksums", "synchronous", "lock"),
}


@pytest.mark.parametrize(("old", "new"), HIDDEN)
def test_a_variable_in_what_people_agree_to_is_refused_with_the_way_out(
    refused: Refused, change: Change, desk: dict[str, str], old: str, new: str
) -> None:
    (told,) = refused(change((old, new)), desk | VALUES)
    assert new.strip().split(":")[0] in told.split(": ")[1]
    assert told.startswith("plan.yaml:")
    assert "stands for what people agree to" in told
    assert "write the value itself, or another plan file for each value (--plan FILE)" in told


def test_each_such_place_is_told_and_no_other(
    refused: Refused,
) -> None:
    told = refused(
        "name: a\nenvironment: b\nsites: {here: {kind: processes, path: '${P}'}}\n"
        "tabletops: {talk: {scenario: '${SAID}', schedule: '${CRON}'}}\n"
        "evidence: {hold: '${WHY}', key: {file: k}}\n",
        VALUES | {"P": "x", "SAID": "y", "WHY": "z"},
    )
    assert [line.split(": ")[1] for line in told] == ["tabletops.talk.schedule", "evidence.hold"]


def test_a_drill_of_an_older_version_can_still_be_undone(
    change: Change, desk: dict[str, str], tmp_path: Path
) -> None:
    text = change(HIDDEN[0]).encode()
    assert str(read_plan(tmp_path / "plan.yaml", text, desk | VALUES).services["gateway"].rto) == "30s"


def test_every_objective_exclusion_and_threshold_of_a_plan_is_agreed_or_known_to_be_ours() -> None:
    """A key that is new is one or the other; commands are neither."""
    told = {place for place in _places(Plan, ()) if subject(place, {place: ""}, {place: ""}) in SUBJECTS}
    left = {place for place in told if not agreed(place)}
    assert [".".join(place) for place in left if not set(place) & OURS] == []
    assert [known for known in AGREED if not any(_fits(place, known) for place in _places(Plan, ()))] == []


SUBJECTS = {"objectives", "exclusions", "thresholds"}


def _fits(place: tuple[str, ...], known: tuple[str, ...]) -> bool:
    return len(place) >= len(known) and all(
        name in ("*", step) for name, step in zip(known, place, strict=False)
    )


def _places(annotation: object, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The place of every value that a plan may hold, but of commands."""
    annotation = _stripped(annotation)
    arguments = get_args(annotation)
    if nouns := _members(annotation):
        for noun in nouns:
            for name, field in noun.model_fields.items():
                yield from _places(field.annotation, (*place, field.alias or name))
    elif get_origin(annotation) is dict:
        yield from _places(arguments[1], (*place, "NAME"))
    elif get_origin(annotation) is tuple and _members(_stripped(arguments[0])):
        yield from _places(arguments[0], (*place, "0"))
    elif get_origin(annotation) is not tuple or place[-1] in ("exclude", "NAME"):
        yield place
