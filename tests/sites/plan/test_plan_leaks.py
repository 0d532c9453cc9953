"""No secret by value gets into a plan, and none that is tried gets into an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sites.plan import Plan
from sites.secret import Secret

Read = Callable[..., Plan]
Refused = Callable[..., list[str]]
PLANTED = "hunter2"
PLAN = """\
name: a
environment: b
sites:
  here:
    kind: processes
    path: x
    processes:
      p:
        command: %(command)s
        env: %(env)s
repositories:
  r: {site: here, url: %(url)s, password: %(password)s}
"""
SOUND = {"command": "[p]", "env": "{}", "url": "x", "password": "{env: P}"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", PLANTED),
        ("password", f"[{PLANTED}]"),
        ("password", f"{{value: {PLANTED}}}"),
        ("password", f"{{env: '{PLANTED}!'}}"),
        ("password", f"{{command: {PLANTED}}}"),
        ("password", f"{{env: P, file: {PLANTED}}}"),
        ("password", f"{{password: {PLANTED}}}"),
        ("password", "{env: '${A}'}"),
        ("password", "{command: [vault, '${A}']}"),
        ("url", f"'rest:https://me:{PLANTED}@host/'"),
        ("url", f"'rest:https://:{PLANTED}@host/'"),
        ("url", f"'rest:https://me:{PLANTED}/x@host/'"),
        ("url", "'rest:https://me:${A}@host/'"),
        ("url", f"'rest:https://host/?token={PLANTED}'"),
        ("env", f"{{PGPASSWORD: {PLANTED}}}"),
        ("env", f"{{AWS_SECRET_ACCESS_KEY: {PLANTED}}}"),
        ("env", f"{{apiToken: {PLANTED}}}"),
        ("env", f"{{DATABASE_URL: 'postgres://me:{PLANTED}@host/db'}}"),
        ("env", f"{{DSN: 'host=x password={PLANTED}'}}"),
        ("env", f"{{X: {{env: '{PLANTED}!'}}}}"),
        ("command", f"[p, --password={PLANTED}]"),
        ("command", f"[p, --db-password, {PLANTED}]"),
        ("command", f"[sh, -c, 'PGPASSWORD={PLANTED} psql']"),
    ],
)
def test_a_secret_by_value_is_refused_and_never_quoted(refused: Refused, field: str, value: str) -> None:
    told = refused(PLAN % {**SOUND, field: value}, {"A": PLANTED})
    assert all(re.search("secret|password", line) for line in told)
    assert not any(PLANTED in line for line in told)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "'rest:https://me@host:8000/'"),
        ("url", "'sftp:me@host:/srv'"),
        ("env", "{PASSWORD_FILE: /run/x, AWS_ACCESS_KEY_ID: AKIA, MAX_TOKENS: 5, PGPASSFILE: /x, TOKEN: ''}"),
        ("env", "{PGPASSWORD: {file: /run/x}, TOKEN: {command: [pass, show, x]}}"),
        ("command", "[p, --password-file, /run/x, 'http://host:80/a@b']"),
    ],
)
def test_what_only_looks_like_a_secret_is_taken(read: Read, field: str, value: str) -> None:
    assert read(PLAN % {**SOUND, field: value}).repositories["r"].password == Secret(env="P")


def test_a_reference_is_kept_and_shows_no_more_than_it_says(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("P", PLANTED)
    plan = read(PLAN % {**SOUND, "env": "{X: {file: secrets/x}}"})
    assert plan.sites["here"].processes["p"].env["X"] == Secret(file=tmp_path / "secrets/x")
    assert plan.repositories["r"].password.resolve() == PLANTED
    dumped = plan.model_dump_json()
    assert PLANTED not in dumped + repr(plan) + str(plan.repositories["r"].password)
    assert '"password":{"env":"P"}' in dumped


def test_the_signing_key_is_a_file(refused: Refused) -> None:
    told = refused((PLAN % SOUND) + "evidence: {key: {env: KEY}}\n")
    assert told == ["plan.yaml:13: evidence.key: the signing key is a file: {file: PATH}"]
