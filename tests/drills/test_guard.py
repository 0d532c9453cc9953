"""A drill that may not run does nothing, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from drills.faults import fault_of
from drills.guard import check_authority, check_health, only_drill
from drills.preview import Preview, declared
from drills.undo import Undo, UndoIntents
from sites.capability import Proof, Target
from sites.errors import DatasetError, GuardError
from sites.estate import Estate
from sites.plan import read_plan
from sites.protection.history import Event, History
from sites.recovery.fence import Fences
from tests.drills.faults.conftest import estate_of
from tests.drills.small_drill import DRILL, small_estate

EXAMPLE = Path(__file__).parents[2] / "examples" / "trading_desk" / "plan.yaml"
PREVIEW = Preview(
    "kill-primary",
    "demo",
    (Target("primary", "site", "primary"),),
    (),
    "it is gone",
    "start it",
    "0123456789abcdef",
)


class Standby:
    """What the guard and the responder ask of a replicated dataset."""

    synchronous = False

    def __init__(self, proof: Proof | None) -> None:
        self._proof = proof

    def in_sync(self) -> Proof:
        if self._proof is None:
            raise DatasetError("no route to it")
        return self._proof


class DeskEstate(Estate):
    """The example's estate, its database replaced by what it would answer."""

    standby = Standby(Proof(True, "sync"))

    def replicated(self) -> dict[str, Standby]:  # type: ignore[override]
        return {"orders": self.standby}


@pytest.fixture
def estate(tmp_path: Path) -> DeskEstate:
    return an_estate(tmp_path)


def an_estate(folder: Path, *, opted_in: bool = True) -> DeskEstate:
    text = yaml.safe_load(EXAMPLE.read_text())
    text["sites"]["primary"]["drills"] = opted_in
    ports = ("PRIMARY_PG", "DR_PG", "PRIMARY_GATEWAY", "DR_GATEWAY", "PUBLIC", "VENUE")
    variables = {f"{name}_PORT": str(4000 + i) for i, name in enumerate(ports)}
    plan = read_plan(
        EXAMPLE, yaml.safe_dump(text).encode(), {"DESK": str(folder), "PG_BIN": "/nowhere", **variables}
    )
    estate = DeskEstate(plan)
    for dataset in ("orders", "strategies", "ticks"):
        History(estate.history).append(Event("restore_test", "offsite", "met", dataset))
    return estate


def authority(estate: Estate, environment: str | None, confirm: str | None) -> None:
    check_authority(estate, declared(estate, "kill-primary"), PREVIEW, environment, confirm)


def test_a_drill_that_is_meant_and_safe_may_run(estate: DeskEstate) -> None:
    authority(estate, "demo", PREVIEW.confirm)
    check_health(estate, "kill-primary")
    with only_drill(estate.state):
        assert (estate.state / "drill.lock").exists()


@pytest.mark.parametrize("environment", [None, "production", "Demo", ""])
def test_another_environment_is_refused(estate: DeskEstate, environment: str | None) -> None:
    with pytest.raises(GuardError, match='its environment is "demo"'):
        authority(estate, environment, PREVIEW.confirm)


@pytest.mark.parametrize("confirm", [None, "", "0123456789abcdee", "0123456789abcde"])
def test_another_hash_is_refused(estate: DeskEstate, confirm: str | None) -> None:
    with pytest.raises(GuardError, match="the hash of its targets is 0123456789abcdef"):
        authority(estate, "demo", confirm)


def test_a_site_that_has_not_opted_in_is_spared(tmp_path: Path) -> None:
    with pytest.raises(GuardError, match='site "primary" has not opted in'):
        authority(an_estate(tmp_path, opted_in=False), "demo", PREVIEW.confirm)


@pytest.mark.parametrize(
    ("standby", "said"),
    [
        (Standby(Proof(False, "it is async")), 'dataset "orders" is not in sync: it is async'),
        (Standby(None), "its standby cannot be asked: no route to it"),
    ],
)
def test_a_standby_that_could_not_take_over_is_a_reason(
    estate: DeskEstate, standby: Standby, said: str
) -> None:
    estate.standby = standby
    with pytest.raises(GuardError, match=said):
        check_health(estate, "kill-primary")


@pytest.mark.parametrize("outcome", ["missed", "inconclusive"])
def test_a_backup_that_did_not_restore_is_a_reason(estate: DeskEstate, outcome: str) -> None:
    History(estate.history).append(Event("restore_test", "offsite", outcome, "ticks"))
    with pytest.raises(GuardError, match=f'last restore test of dataset "ticks" was {outcome}'):
        check_health(estate, "kill-primary")


def test_a_backup_that_was_never_restored_is_a_reason(estate: DeskEstate) -> None:
    estate.history.unlink()
    with pytest.raises(GuardError, match='backup of dataset "orders" was never restored'):
        check_health(estate, "kill-primary")


def test_a_bucket_whose_replica_was_never_restored_is_a_reason(tmp_path: Path) -> None:
    """It is kept in no repository, and its replica is what the other site will have."""
    places = {
        name: {"site": name, "bucket": f"books-{name}", "endpoint": "http://127.0.0.1:9"}
        for name in ("primary", "dr")
    }
    bucket = {"kind": "objects", "source": places["primary"], "replica": places["dr"], "every": "1h"}
    found = estate_of(tmp_path, datasets={"books": bucket})
    with pytest.raises(GuardError, match='replica of dataset "books" was never restored'):
        check_health(found, DRILL)
    History(found.history).append(Event("restore_test", "dr", "missed", "books"))
    with pytest.raises(GuardError, match='last restore test of dataset "books" was missed'):
        check_health(found, DRILL)
    History(found.history).append(Event("restore_test", "dr", "met", "books"))
    check_health(found, DRILL)


def test_what_an_earlier_drill_left_is_a_reason(estate: DeskEstate) -> None:
    left = Undo(
        run="a",
        drill="kill-primary",
        utc="2026-11-22T06:00:00+00:00",
        fault={"kind": "kill_site", "site": "primary"},
        undo="start it",
        targets=[],
        plan_path="plan.yaml",
        plan_text="",
        variables={},
    )
    UndoIntents(estate.state).write(left)
    with pytest.raises(GuardError, match="was never undone"):
        check_health(estate, "kill-primary")


def test_a_fenced_site_is_a_reason(estate: DeskEstate) -> None:
    Fences(estate.state).raise_("primary", "failover")
    with pytest.raises(GuardError, match='site "primary" is fenced'):
        check_health(estate, "kill-primary")


def test_two_drills_at_a_time_are_refused(estate: DeskEstate) -> None:
    with (
        only_drill(estate.state),
        pytest.raises(GuardError, match="another drill is running"),
        only_drill(estate.state),
    ):
        pass
    with only_drill(estate.state):
        assert estate.state.is_dir()


def test_a_drill_that_is_not_declared_is_named_with_those_that_are(estate: DeskEstate) -> None:
    with pytest.raises(GuardError, match='no drill is named "kill-dr"') as raised:
        declared(estate, "kill-dr")
    assert raised.value.hint == "declared: kill-primary, recover-cold"


@pytest.mark.parametrize(
    ("fenced", "way_out"), [(True, "blackstart failback"), (False, "start the site first")]
)
def test_where_nothing_runs_the_way_out_depends_on_why(tmp_path: Path, fenced: bool, way_out: str) -> None:
    found = small_estate(tmp_path)
    if fenced:
        Fences(found.state).raise_("primary", "failed over")
    with pytest.raises(GuardError, match="nothing runs there") as caught:
        fault_of(found, found.plan.drills[DRILL]).ready()
    assert way_out in str(caught.value.hint)
