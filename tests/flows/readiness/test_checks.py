"""What `check` says of the fence, without which nothing is promoted, of Patroni, and of a missing secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import yaml

from flows.readiness import checks as checking
from flows.readiness.checks import checks
from sites.drivers.postgres.dataset import PostgresDataset
from sites.errors import DatasetError
from sites.estate import Estate
from sites.plan import read_plan
from tests.sites.drivers.conftest import new_pair, pair, template
from tests.sites.drivers.pairs import PASSWORD, Pair
from tests.sites.recovery.light import light_estate

__all__ = ["new_pair", "pair", "template"]


def fence(folder: Path, **failover: object) -> tuple[str, str]:
    plan = {
        "name": "files-only",
        "environment": "test",
        "sites": {name: {"kind": "processes", "path": name} for name in ("here", "there")},
        "failover": {"from": "here", "to": "there", "decide": "approval", **failover},
    }
    estate = Estate(read_plan(folder / "plan.yaml", yaml.safe_dump(plan).encode(), {}))
    (found,) = [one for one in checks(estate) if one.name == "fence here"]
    return found.state, found.what


@pytest.mark.parametrize(
    ("failover", "state", "what"),
    [
        ({}, "failed", 'nothing can prove that site "here" takes no writes'),
        ({"fence": "operator"}, "ok", "a person typed that the site is off"),
        ({"power_off": {"command": ["off"], "confirm": ["is-off"]}}, "ok", "the provider's command"),
    ],
)
def test_no_proof_of_the_fence_is_a_failed_check(
    tmp_path: Path, failover: dict[str, object], state: str, what: str
) -> None:
    found = fence(tmp_path, **failover)
    assert (found[0], what in found[1]) == (state, True), found


def test_a_secret_that_is_missing_fails_once_and_what_needs_it_is_unknown(tmp_path: Path) -> None:
    secret = tmp_path / "restic-password"
    near = {"site": "here", "url": str(tmp_path / "near"), "password": {"file": str(secret)}}
    plan = {
        "name": "files-only",
        "environment": "test",
        "sites": {"here": {"kind": "processes", "path": "here"}},
        "repositories": {"near": near},
    }
    estate = Estate(read_plan(tmp_path / "plan.yaml", yaml.safe_dump(plan).encode(), {}))

    def seen() -> dict[str, str]:
        return {one.name: f"{one.state}: {one.what}" for one in checks(estate)}

    missing = seen()
    assert missing["secret of near"].startswith("failed: cannot read secret in file")
    assert "write it there" in missing["secret of near"]
    assert missing["repository near"].startswith("unknown: not looked at")
    secret.write_text("long enough")
    secret.chmod(0o600)
    assert seen()["repository near"] == "ok: it is not there yet; the first backup makes it"


@pytest.mark.postgres
def test_what_another_fails_over_is_not_failed_over_by_us(new_pair: Callable[..., Pair]) -> None:
    """Patroni stays connected to its server under its own name."""
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)

    def seen() -> tuple[str, str]:
        (found,) = [one for one in checks(estate) if one.name == "manager of orders"]
        return found.state, found.what

    assert seen()[0] == "ok"
    at = pair.servers["dr"].settings
    where = f"host={at.host} port={at.port} dbname=desk user=blackstart"
    with psycopg.connect(where, password=PASSWORD, application_name="Patroni heartbeat"):
        state, what = seen()
    assert state == "failed"
    assert 'Patroni runs its server at site "dr"' in what
    assert "respond: observe" in what


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("listens", "state", "what"),
    [
        (None, "ok", "listens at 127.0.0.1 alone"),
        ([], "ok", "at no address alone"),
        (["localhost", "::1"], "ok", "localhost, ::1"),
        (["127.0.0.1", "10.0.0.4"], "failed", "listens at 10.0.0.4 too"),
        (["*"], "failed", "listens at * too"),
        (DatasetError("it is silent"), "unknown", "not known: it is silent"),
    ],
)
def test_a_database_that_can_be_reached_past_the_door_of_its_lease_fails(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, listens: object, state: str, what: str
) -> None:
    declared = yaml.safe_load(light_estate(pair).plan.path.read_text())
    secret, port = {"file": str(pair.folder / "owner")}, declared["datasets"]["orders"]["primary"]["port"]
    door = {"host": "127.0.0.1", "port": port, "server_port": port + 1}
    keys = {"access_key": secret, "secret_key": secret}
    declared["failover"]["lease"] = {"bucket": "witness", "doors": {"primary": door}, **keys}
    estate = Estate(read_plan(pair.folder / "plan.yaml", yaml.safe_dump(declared).encode(), {}))

    def said(*_: object) -> object:
        if isinstance(listens, Exception):
            raise listens
        return listens

    if listens is not None:  # else the real one is asked
        monkeypatch.setattr(PostgresDataset, "listens_at", said)
    monkeypatch.setattr(checking, "_lease", lambda *_: "not asked here")
    (found,) = [one for one in checking._leases(estate) if one.name == "door of primary"]
    assert (found.state, what in found.what) == (state, True), found
