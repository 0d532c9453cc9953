"""`blackstart check --roles`: what it says of each way in which roles can be wrong, and its exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from flows.readiness.checks import exit_code
from flows.readiness.roles import roles
from sites.drivers.postgres.dataset import PostgresDataset
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import read_plan
from sites.recovery.failover import Failover
from sites.recovery.respond import fail_over
from sites.recovery.standing import Standing
from tests.sites import shell_store
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.light import light_estate
from tests.sites.shell_store import ShellStore

pytestmark = pytest.mark.postgres

__all__ = ["new_pair", "template"]


def quiet(*_: object) -> None:
    """Nobody is told."""


def told(estate: Estate) -> tuple[int, dict[str, str]]:
    found = list(roles(estate))
    return exit_code(found), {one.name: f"{one.state}: {one.what}" for one in found if one.state != "ok"}


def test_every_way_in_which_the_roles_can_be_wrong(
    new_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)
    assert told(estate) == (0, {})

    with monkeypatch.context() as silent:
        silent.setattr(PostgresDataset, "writable", lambda _, site: None if site == "primary" else False)
        assert told(estate) == (3, {"writer of orders": 'unknown: site "primary" does not answer'})

    Fences(estate.state).raise_("primary", "by hand")
    code, wrong = told(estate)
    assert (code, list(wrong)) == (1, ["fence of primary"])
    Fences(estate.state).lift("primary")

    estate.site("dr").kill()
    code, wrong = told(estate)
    assert (code, list(wrong)) == (1, ["standby of orders"])

    estate.site("dr").up()
    assert estate.postgres("orders").wait_until_in_sync(limit_seconds=20).holds
    estate.site("primary").kill()
    code, wrong = told(estate)
    assert (code, list(wrong)) == (1, ["writer of orders", "standby of orders"])
    assert wrong["writer of orders"] == 'unknown: site "primary" does not answer'

    assert fail_over(estate, Failover(estate, quiet).steps(), quiet).complete
    code, wrong = told(estate)  # another site serves, as it should, and has no standby
    assert (code, list(wrong)) == (1, ["standby of orders"])

    (pair.servers["primary"].data / "standby.signal").unlink()
    pair.primary.up()  # somebody who wants it back at any price
    estate.postgres("orders").wait_until_answering("primary", limit_seconds=20)
    code, wrong = told(estate)
    assert code == 1
    assert wrong["writer of orders"] == 'failed: both sites take writes; only site "dr" should'

    Standing(estate.state).begin("failback")
    assert told(estate)[1]["standing"].startswith('failed: "failing back"')


def test_the_wrong_site_takes_writes(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair(synchronous=False)
    estate = light_estate(pair)
    estate.site("primary").kill()
    estate.postgres("orders").promote("dr", limit_seconds=20)  # by hand: the plan stands where it stood
    _, wrong = told(estate)
    assert wrong["writer of orders"] == 'failed: site "dr" takes writes; only site "primary" should'


def test_two_writers_of_the_users_own_commands_are_seen(tmp_path: Path) -> None:
    """As with two Redis servers, each of which takes writes."""
    store = ShellStore(tmp_path / "store")
    declared = {
        "name": "fills-only",
        "environment": "test",
        "sites": {name: {"kind": "processes", "path": str(tmp_path / name)} for name in ("primary", "dr")},
        "datasets": {"fills": shell_store.declared(store.root)},
        "failover": {"from": "primary", "to": "dr", "fence": "operator", "decide": "approval"},
        "state": str(tmp_path / "state"),
    }
    path = tmp_path / "plan.yaml"
    estate = Estate(read_plan(path, yaml.safe_dump(declared).encode(), {}))
    assert told(estate) == (0, {})
    store.add("primary", "one more")
    assert list(told(estate)[1]) == ["standby of fills"]
    store.dataset.promote("dr", limit_seconds=20)
    code, wrong = told(estate)
    assert code == 1
    assert wrong["writer of fills"] == 'failed: both sites take writes; only site "primary" should'
    store.lose("dr")
    assert "writer of fills" not in told(estate)[1]  # certainly nothing is there that could
