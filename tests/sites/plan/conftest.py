from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sites.errors import PlanError
from sites.plan import Plan, load

EXAMPLES = Path(__file__).parents[3] / "examples"
DESK = {"DESK": "/srv/desk", "PG_BIN": "/usr/lib/postgresql/15/bin"} | {
    name: str(5000 + number)
    for number, name in enumerate(
        (
            "PRIMARY_PG_PORT",
            "DR_PG_PORT",
            "PUBLIC_PORT",
            "PRIMARY_GATEWAY_PORT",
            "DR_GATEWAY_PORT",
            "VENUE_PORT",
        )
    )
}

Read = Callable[..., Plan]
Refused = Callable[..., list[str]]


@pytest.fixture
def desk() -> dict[str, str]:
    """Values for every variable of the trading desk's plan."""
    return dict(DESK)


@pytest.fixture
def example() -> str:
    """The trading desk's plan with its first drill alone, so that each of its words stands there once."""
    head, _, rest = (EXAMPLES / "trading_desk" / "plan.yaml").read_text().partition("  # Everything from the")
    text = head + rest[rest.index("\nversions:") :]
    return "".join(line for line in text.splitlines(keepends=True) if "cold_" not in line)


@pytest.fixture
def change(example: str) -> Callable[..., str]:
    """The trading desk's plan with something else in one place."""

    def changed(*pairs: tuple[str, str]) -> str:
        text = example
        for old, new in pairs:
            assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        return text

    return changed


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Load a plan from its text."""

    def read_text(text: str | bytes, environ: Mapping[str, str] = DESK) -> Plan:
        path = tmp_path / "plan.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, environ)

    return read_text


@pytest.fixture
def refused(read: Read, tmp_path: Path) -> Refused:
    """The problems told about a plan that must not load, without the folder of the file."""

    def told(text: str | bytes, environ: Mapping[str, str] = DESK) -> list[str]:
        with pytest.raises(PlanError) as caught:
            read(text, environ)
        lines = str(caught.value).splitlines()
        assert all(line.startswith(f"{tmp_path}/plan.yaml") for line in lines)
        return [line.removeprefix(f"{tmp_path}/") for line in lines]

    return told
