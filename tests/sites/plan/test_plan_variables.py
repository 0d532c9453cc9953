"""Variables: replaced in values, kept as evidence, never secret."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from sites.plan import Plan, load

Read = Callable[..., Plan]
Refused = Callable[..., list[str]]
PLAN = "name: a\nenvironment: b\nsites:\n  here:\n    kind: processes\n    path: {path}\n"


def small(path: str) -> str:
    return PLAN.format(path=path)


@pytest.mark.parametrize(
    ("written", "environ", "path"),
    [
        ("${A}/x", {"A": "/srv"}, "/srv/x"),
        ("${A:-/opt}/x", {}, "/opt/x"),
        ("${A:-/opt}/x", {"A": ""}, "/opt/x"),
        ("${A:-/opt}/x", {"A": "/srv"}, "/srv/x"),
        ("/x${A:-}", {}, "/x"),
        ("/$$x/$${A}", {"A": "b"}, "/$x/${A}"),
        ("${A}${B}", {"A": "/a", "B": "${A}"}, "/a${A}"),
        ("/a#${A}", {"A": ": {"}, "/a#: {"),
    ],
)
def test_a_variable_is_replaced(read: Read, written: str, environ: dict[str, str], path: str) -> None:
    assert str(read(small(written), environ).sites["here"].path) == path


@pytest.mark.parametrize(
    ("written", "environ", "told"),
    [
        ("${A}", {}, "variable A is not set; set it, or give a default: ${A:-...}"),
        ("${A}", {"A": ""}, "variable A is empty; set it, or give a default: ${A:-...}"),
        ("$A", {"A": "x"}, 'a lone "$"; write "${NAME}" for a variable, or "$$" for a dollar sign'),
        ("${A", {"A": "x"}, 'a lone "$"; write "${NAME}" for a variable, or "$$" for a dollar sign'),
        ("${1}", {"1": "x"}, 'a lone "$"; write "${NAME}" for a variable, or "$$" for a dollar sign'),
        ("${A:-x}/${A:-y}", {}, "variable A has two different defaults; give it one"),
        ("${A}", {"A": "a\nb"}, "variable A holds no printable text of up to 4096 characters"),
        ("${A}", {"A": "a" * 4097}, "variable A holds no printable text of up to 4096 characters"),
    ],
)
def test_a_variable_that_cannot_be_used(
    refused: Refused, written: str, environ: dict[str, str], told: str
) -> None:
    assert refused(small(f"'{written}'"), environ) == [f"plan.yaml:6: sites.here.path: {told}"]


def test_a_variable_that_is_a_secret(refused: Refused) -> None:
    (told,) = refused(small("'${DB_PASSWORD}'"), {"DB_PASSWORD": "hunter2"})
    assert told.startswith("plan.yaml:6: sites.here.path: variable DB_PASSWORD seems to hold a secret, and")
    assert told.endswith("where a secret is wanted write {env: DB_PASSWORD}")


def test_a_variable_that_is_missing_everywhere_is_told_once(refused: Refused, example: str) -> None:
    told = refused(example, {"DESK": "/srv/desk"})
    assert len(told) == 7
    assert told[1].endswith("set it, or give a default: ${PRIMARY_PG_PORT:-...} (used in 2 more places)")


def test_only_values_hold_variables(refused: Refused) -> None:
    told = refused("name: a\nenvironment: b\nsites:\n  '${A}': {kind: processes, path: x}\n", {"A": "here"})
    assert told[0].startswith("plan.yaml:4: sites.${A}: '${A}' is not a name")


def test_numbers_may_be_variables(read: Read, example: str, desk: dict[str, str]) -> None:
    dataset = read(example, desk).datasets["orders"]
    assert dataset.kind == "postgres"
    assert dataset.primary.port == 5000


def test_the_variables_used_are_known_and_no_others(read: Read, example: str, desk: dict[str, str]) -> None:
    plan = read(example, desk | {"UNUSED": "x", "PG_USER": "pg"})
    defaults = {"PYTHON": "python3", "BLACKSTART_EVIDENCE": "../../evidence", "PG_USER": "pg"}
    defaults["SYNCHRONOUS"] = "true"
    assert dict(plan.variables) == desk | defaults


def test_a_frozen_plan_means_the_same_later(
    read: Read, example: str, desk: dict[str, str], tmp_path: Path
) -> None:
    plan = read(example, desk | {"PG_USER": "pg"})
    frozen = tmp_path / "frozen.yaml"
    frozen.write_bytes(plan.raw)
    again = load(frozen, plan.variables)
    assert again.model_dump() == plan.model_dump()
    assert again.sha256 == plan.sha256 == hashlib.sha256(example.encode()).hexdigest()


def test_relative_paths_are_relative_to_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    (folder / "plan.yaml").write_text(small("sub/../here"))
    monkeypatch.chdir(tmp_path)
    plan = load("plans/plan.yaml")
    assert plan.path == folder / "plan.yaml"
    assert plan.folder == folder
    assert plan.sites["here"].path == folder / "here"
    assert plan.evidence.path == folder / "evidence"
    assert plan.state == folder / ".blackstart"
    assert plan.resolve("x/../y") == folder / "y"
    assert plan.resolve("/y") == Path("/y")


def test_a_repository_may_be_a_folder_or_anything_restic_takes(read: Read) -> None:
    repository = "  {name}: {{site: here, url: '{url}', password: {{env: P}}}}\n"
    urls = {"a": "backups", "b": "local:backups", "c": "s3:https://host/bucket", "d": "sftp:me@host:/srv"}
    text = small("x") + "repositories:\n" + "".join(repository.format(name=n, url=u) for n, u in urls.items())
    plan = read(text)
    assert [plan.repositories[name].url for name in urls] == [
        str(plan.folder / "backups"),
        str(plan.folder / "backups"),
        "s3:https://host/bucket",
        "sftp:me@host:/srv",
    ]
