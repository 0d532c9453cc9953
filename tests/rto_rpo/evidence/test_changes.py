from __future__ import annotations

import pytest

from rto_rpo.evidence.agreed.changes import changes

BEFORE = b"""
name: desk
sites: {primary: {kind: processes}, dr: {kind: processes}}
services: {gateway: {rto: 30s, needs: [orders, ticks]}}
drills: {kill: {late: 100ms, judge: {gateway: [rto]}, exclude: [venue]}}
roles: {owner: {name: Ada}}
"""


def told(old: str, new: str) -> list[tuple[str, str, str | None, str | None]]:
    found = changes(BEFORE, BEFORE.replace(old.encode(), new.encode()))
    assert found is not None
    return [(each.about, each.place, each.before, each.after) for each in found]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("rto: 30s", "rto: 60s", ("objectives", "services.gateway.rto", "30s", "60s")),
        ("late: 100ms", "late: 5s", ("thresholds", "drills.kill.late", "100ms", "5s")),
        ("[venue]", "[venue, cash]", ("exclusions", "drills.kill.exclude", "[venue]", "[venue, cash]")),
        ("gateway: [rto]", "gateway: [rpo]", ("scope", "drills.kill.judge.gateway", "[rto]", "[rpo]")),
        (", dr: {kind: processes}", "", ("scope", "sites.dr.kind", "processes", None)),
        ("Ada", "Eve", ("people", "roles.owner.name", "Ada", "Eve")),
        ("name: desk", "name: other", ("other", "name", "desk", "other")),
    ],
)
def test_each_change_is_about_something(old: str, new: str, change: tuple[str, str, str, str]) -> None:
    assert told(old, new) == [change]


def test_nothing_changed_where_only_the_spelling_did() -> None:
    assert told("rto: 30s", 'rto:   "30s"') == []


@pytest.mark.parametrize("plan", [b"", b"- 1", b"a: [", b"\xff\xfe\x00", b"[" * 5000])
def test_what_is_no_plan_has_no_changes_to_tell(plan: bytes) -> None:
    assert changes(BEFORE, plan) is None


def test_a_plan_of_a_million_aliases_is_not_written_out() -> None:
    bomb = b"a0: &a0 [x, x, x, x, x, x, x, x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
    )
    assert changes(BEFORE, bomb) is None
