"""What a drill does when it is over: it brings the service back, or gives up where nothing serves."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from drills import undoing
from drills.closing import Closed
from drills.fault import Left
from drills.faults.kill_site import KillSite
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.report.forms.summary import summary
from sites.capability import Proof
from sites.recovery.fence import Fences
from tests.e2e.changes import expect_as_declared
from tests.e2e.desks import RunningDesk

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(300)]

NOBODY_ANSWERS = {"respond": "observe", "judge": {"orders": ["rpo"]}, "give_up": "4s"}


def checks(run: Closed) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in run.report["checks"]}


def test_the_service_is_brought_back_to_where_it_was(desk: RunningDesk) -> None:
    run = desk.with_(drill={"after": "fail_back"}).drill()
    assert run.verdict == "met", run.report["reasons"]
    assert set(checks(run).items()) == {
        (one, "met") for one in ("engine", "runbook", "bystanders", "failback")
    }
    assert 'site "primary" serves again' in (run.folder / "report.md").read_text().replace("\\", "")
    expect_as_declared(desk)
    assert verify(desk.plan.evidence.path).intact


def after_the_fault(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something right after the site is lost."""
    inject = KillSite.inject

    def struck(self: KillSite, left: Left) -> Proof:
        proof = inject(self, left)
        act()
        return proof

    monkeypatch.setattr(KillSite, "inject", struck)


def test_where_nothing_serves_the_primary_returns(desk: RunningDesk) -> None:
    run = desk.with_(drill=NOBODY_ANSWERS).drill()
    first = summary(run.report)[0]
    assert "nothing served within 4s, no other site was promoted, and the fault was undone" in first
    assert (run.folder / "report.md").read_text().splitlines()[0].count("nothing served within 4s") == 1
    assert checks(run)["give-up"] == run.verdict == "missed"
    desk.estate.site("primary").up()  # what the plan starts by itself, its database does already
    expect_as_declared(desk)


def test_where_another_site_was_promoted_the_primary_stays_fenced(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promoted by somebody, and no client ever sent there."""
    orders = desk.estate.postgres("orders")
    after_the_fault(monkeypatch, lambda: orders.promote("dr", limit_seconds=30))
    run = desk.with_(drill=NOBODY_ANSWERS).drill()
    assert "and the old primary does not return" in summary(run.report)[0]
    assert 'takes writes at site "dr"' in summary(run.report)[0]
    assert Fences(desk.estate.state).raised("primary")
    assert not desk.estate.site("primary").running()
    for name in ("strategies", "ticks"):  # whoever promotes by hand brings them there: else none go home
        shutil.copytree(
            desk.desk.folder / "primary" / name, desk.desk.folder / "dr" / name, dirs_exist_ok=True
        )


def test_where_the_other_site_cannot_be_asked_the_primary_stays_fenced(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "PATIENCE_SECONDS", 2.0)
    dr = desk.estate.site("dr")
    after_the_fault(monkeypatch, dr.pause)
    try:
        run = desk.with_(drill=NOBODY_ANSWERS).drill()
    finally:
        dr.resume()
    assert "cannot be asked whether it took over" in summary(run.report)[0]
    assert "and the old primary does not return" in summary(run.report)[0]
    assert Fences(desk.estate.state).raised("primary")
    assert not desk.estate.site("primary").running()
    Fences(desk.estate.state).lift("primary")  # a person looked: nothing was promoted
    desk.estate.site("primary").up()
    expect_as_declared(desk)
