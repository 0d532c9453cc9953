"""Chains whose hashes and signatures hold, by someone who has the key and tells a false story."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.evidence.lines.line import build, line_hash
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from tests.rto_rpo.evidence.chains import findings, make_chain


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return new_key(tmp_path / "key.pem")


@pytest.fixture
def contents(tmp_path: Path, key: SigningKey) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in make_chain(tmp_path / "evidence", key)]


def told(contents: list[dict[str, Any]], key: SigningKey) -> list[str]:
    """The findings once everything is numbered, chained and signed anew."""
    raws: list[bytes] = []
    for seq, content in enumerate(contents):
        line = build({**content, "seq": seq, "prev": line_hash(raws[-1]) if raws else "0" * 64})
        raws.append(line.model_copy(update={"signature": key.sign(line.signed_bytes())}).raw())
    return findings(b"".join(raws), key.public)


def test_the_true_story_adds_up(contents: list[dict[str, Any]], key: SigningKey) -> None:
    assert [content["kind"] for content in contents] == [
        *("opened", "closed") * 2,
        "plan_changed",
        *("opened", "closed"),
    ]
    assert told(contents, key) == []


def test_a_run_closed_but_never_opened(contents: list[dict[str, Any]], key: SigningKey) -> None:
    assert any("was never opened" in finding for finding in told(contents[1:], key))


def test_a_run_opened_twice(contents: list[dict[str, Any]], key: SigningKey) -> None:
    assert any("opened a second time" in finding for finding in told([*contents[:2], *contents], key))


def test_a_run_closed_twice(contents: list[dict[str, Any]], key: SigningKey) -> None:
    assert any("closed a second time" in finding for finding in told([*contents, contents[-1]], key))


@pytest.mark.parametrize("name", ["plan", "plan_sha256", "drill", "folder"])
def test_a_run_closed_as_another_one(contents: list[dict[str, Any]], key: SigningKey, name: str) -> None:
    contents[1] = {**contents[1], name: contents[-1][name] if name != "drill" else "other"}
    contents[1]["plan"] = "other" if name == "plan" else contents[1]["plan"]
    assert any("another plan, drill or folder" in finding for finding in told(contents, key))


def test_a_change_of_plan_that_no_line_notes(contents: list[dict[str, Any]], key: SigningKey) -> None:
    del contents[4]
    assert any("no line notes it" in finding for finding in told(contents, key))


def test_a_change_of_plan_from_a_plan_that_never_was(contents: list[dict[str, Any]], key: SigningKey) -> None:
    contents[4]["plan_sha256_before"] = "f" * 64
    assert any("a plan that no run before it used" in finding for finding in told(contents, key))


def test_a_change_of_plan_for_another_run(contents: list[dict[str, Any]], key: SigningKey) -> None:
    contents[4]["run"] = contents[0]["run"]
    assert any("was noted for run" in finding for finding in told(contents, key))


def test_a_change_of_plan_that_nothing_follows(contents: list[dict[str, Any]], key: SigningKey) -> None:
    noted = contents[4]
    for story in ([*contents[:4], noted], [*contents[:4], noted, noted], [*contents[:3], noted, contents[3]]):
        assert any("is not followed by the run" in finding for finding in told(story, key))
