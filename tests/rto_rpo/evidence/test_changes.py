from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rto_rpo.evidence.agreed.changes import changes
from rto_rpo.evidence.agreed.subject import Subject, subject
from sites.plan import Plan
from tests.sites.plan.test_plan_reference import nouns

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


ELSE = {
    *("name", "state", "path", "folder", "config", "data", "database", "bucket", "prefix", "region", "key"),
    *("access_key", "secret_key", "password", "user", "owner", "sudo", "known_hosts", "heads", "upload"),
    *("host", "hosts", "port", "address", "addresses", "network", "socket", "url", "endpoint", "site", "env"),
    *("process", "processes", "command", "start", "stop", "kill", "status", "promote", "dump", "load"),
    *("autostart", "stop_signal", "pid_file", "unit", "ready", "daemon", "label", "options", "stanza"),
    *("repo", "copy_by", "workers", "redirect", "content", "record", "servers", "type", "values", "zone"),
    *("evidence", "primary", "source", "ssh"),  # wholes: their keys are looked at one by one
}
"""Keys that say where something is, who it runs as and how it is spoken to: these alone are "other"."""


def about() -> Iterator[tuple[str, Subject, str]]:
    """Every key that a plan can hold, what a change of it is about, and its type."""
    for heading, noun in nouns(Plan, ""):
        found = re.match("`([^`]+)`", heading)
        above = [word.replace("NAME", "one") for word in found[1].split(".")] if found else []
        for name, field in noun.model_fields.items():
            place = (*above, field.alias or name)
            both = {(*place[:2], "x"): "1"}
            yield ".".join(place), subject(place, both, both), str(field)


def test_no_key_of_a_plan_is_other_but_where_things_are_and_how_they_are_spoken_to() -> None:
    other = {place for place, one, _ in about() if one == "other"}
    assert {place.split(".")[-1] for place in other} == ELSE
    assert [one for one in about() if one[0] in other and re.search("Duration|Rate|Cron", one[2])] == []
    assert len(list(about())) > 300


@pytest.mark.parametrize(
    ("place", "what"),
    [
        *((f"{key}", "objectives") for key in ("services.one.cold_rto", "datasets.one.cold_rpo")),
        ("drills.one.back_within", "objectives"),
        *((f"drills.one.{key}", "thresholds") for key in ("give_up", "late_start", "phase", "caps.targets")),
        ("drills.one.window.calendar", "thresholds"),
        *((f"failover.{key}", "thresholds") for key in ("fence", "decide", "decide_by", "detect.quorum")),
        *(
            (f"drills.one.{key}", "scope")
            for key in ("bystanders", "fault.kind", "cold", "respond", "canary.kind")
        ),
        ("services.one.gate.answers", "scope"),
    ],
)
def test_what_is_promised_and_what_it_is_judged_by_is_filed_under_that(place: str, what: str) -> None:
    assert {one for key, one, _ in about() if key == place} == {what}


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
