"""The JSON Schema takes every plan of ours, and refuses what an editor should underline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from sites.plan import load
from sites.plan.json_schema import schema
from tests.sites.plan.test_plan_agreed import HIDDEN

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/plan.yaml"))
Change = Callable[..., str]
NAMES = re.compile(r"\$\{(\w+)\}")


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    described = schema()
    Draft202012Validator.check_schema(described)
    return Draft202012Validator(described)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_examples_fit_the_schema(validator: Draft202012Validator, path: Path) -> None:
    assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_examples_load(path: Path, desk: dict[str, str]) -> None:
    others = {name: str(4000 + at) for at, name in enumerate(NAMES.findall(path.read_text()))}
    plan = load(path, others | desk)
    assert plan.raw == path.read_bytes()
    assert plan.objectives()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    rto: 30s", "    rtoo: 30s"),
        ("    rto: 30s", "    rto: 30"),
        ("    rto: 30s", "    rto: soon"),
        ("    database: desk\n", ""),
        ("rate: 100/s", "rate: fast"),
        ("kind: kill_site", "kind: kill_sight"),
        ('password: {file: "${DESK}/secrets/blackstart"}', "password: hunter2"),
        ('port: "${DR_PG_PORT}", process', "port: 65536, process"),
        ("  decide: automatic", "  decide: perhaps"),
        ("name: trading-desk", "name: Trading Desk"),
    ],
)
def test_an_editor_underlines_mistakes(
    validator: Draft202012Validator, change: Change, old: str, new: str
) -> None:
    assert not validator.is_valid(yaml.safe_load(change((old, new))))


def test_a_variable_may_stand_for_what_nobody_agrees_to(
    validator: Draft202012Validator, change: Change
) -> None:
    pairs = [
        ("    database: desk\n", '    database: "${DATABASE}"\n'),
        ('    synchronous: "${SYNCHRONOUS:-true}"', '    synchronous: "${SYNC:-true}"'),
        ("stop_limit: 15s", 'stop_limit: "${STOP}"'),
    ]
    pairs = [pair for pair in pairs if change().count(pair[0]) == 1]
    assert len(pairs) > 1
    assert validator.is_valid(yaml.safe_load(change(*pairs)))


@pytest.mark.parametrize(("old", "new"), HIDDEN)
def test_an_editor_underlines_a_variable_in_what_people_agree_to(
    validator: Draft202012Validator, change: Change, old: str, new: str
) -> None:
    assert not validator.is_valid(yaml.safe_load(change((old, new))))


def test_every_key_is_described() -> None:
    assert [
        place for place, noun in _properties(schema()) if "description" not in noun and "const" not in noun
    ] == []


def _properties(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        for key, noun in node.get("properties", {}).items() if "title" in node else ():
            yield f"{place}/{key}", noun
        for key, inner in node.items():
            yield from _properties(inner, f"{place}/{key}")
