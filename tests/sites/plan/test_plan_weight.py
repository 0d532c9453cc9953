"""Reading a plan needs little: every command does it first."""

from __future__ import annotations

import sys

from sites.drivers import command

HEAVY = (
    "asyncio",
    "cryptography",
    "jinja2",
    "multiprocessing",
    "prefect",
    "psycopg",
    "rich",
    "socket",
    "subprocess",
    "typer",
)


def test_reading_a_plan_imports_nothing_heavy() -> None:
    script = "import sys, sites.plan; print(*sys.modules)"
    done = command.run([sys.executable, "-c", script], limit_seconds=30)
    loaded = set(done.stdout.split())
    assert "sites.plan.reading" in loaded
    assert loaded.isdisjoint(HEAVY)
