"""Real trading desks for tests: built, protected, drilled and taken down in this process."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from drills import drill
from drills.calibration.calibrate import calibrate
from drills.calibration.record import Calibration, file_of, save
from drills.closing import Closed
from drills.preview import preview
from flows.protection.protect import back_up, replicate_all, restore_tests
from sites.estate import Estate
from sites.plan import Plan, read_plan

EXAMPLE = Path(__file__).parents[2] / "examples" / "trading_desk"
sys.path.insert(0, str(EXAMPLE))  # the example is no package: it is run as its users run it

import desk as example  # noqa: E402

# The demo's own lengths would only make the tests slower; how busy the machine is is not what they are about.
EASY = {"stable": "2s", "deadline": "40s", "late": "2s"}


@dataclass(frozen=True)
class RunningDesk:
    """A desk that is up and protected. `estate` is that of its plan, with the drill's lengths made short."""

    desk: example.Desk
    estate: Estate

    @property
    def plan(self) -> Plan:
        return self.estate.plan

    def drill(self, **options: Any) -> Closed:
        confirm = preview(self.estate, "kill-primary").confirm
        return drill.run(self.estate, "kill-primary", environment="demo", confirm=confirm, **options)

    def orders(self, site: str) -> set[str]:
        """The client order ids that the gateway of a site lists, read apart from the instrument."""
        url = f"{self.plan.services['gateway'].addresses[site]}/orders?prefix="
        with urllib.request.urlopen(url, timeout=20) as reply:  # noqa: S310 - our own loopback
            return {order["client_order_id"] for order in json.load(reply)["orders"]}

    def place_at_venue(self, client_order_id: str) -> None:
        """An order that the exchange has and no database knows."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.desk.variables['VENUE_PORT']}/orders",
            json.dumps({"client_order_id": client_order_id, "payload": "planted"}).encode(),
        )
        urllib.request.urlopen(request, timeout=20).close()  # noqa: S310

    def plan_beside_the_example(self) -> Path:
        """This estate's plan as a file, where its relative paths hold. The caller removes it."""
        path = EXAMPLE / f"plan-of-test-{os.getpid()}.yaml"
        path.write_bytes(self.plan.raw)
        return path

    def apart(self, evidence: Path) -> RunningDesk:
        """The same desk with evidence of its own, in a folder that is not there yet."""
        desk = replace(self.desk, environ={**self.desk.environ, "BLACKSTART_EVIDENCE": str(evidence)})
        return RunningDesk(desk, Estate(changed(desk), until_pid=os.getpid()))

    def with_(self, **changes: dict[str, Any]) -> RunningDesk:
        """The same desk under a plan that is changed: see `changed`."""
        return RunningDesk(self.desk, Estate(changed(self.desk, **changes), until_pid=os.getpid()))


@contextmanager
def running_desk(folder: Path, *, synchronous: bool = True) -> Iterator[RunningDesk]:
    """Build a desk in a new folder, bring it up, make and prove its backups; take it down in the end."""
    environ = {**os.environ, "BLACKSTART_EVIDENCE": str(folder / "evidence")}
    built = example.build(folder, environ, synchronous=synchronous)
    try:
        built.up()
        estate = Estate(changed(built), until_pid=os.getpid())
        outcomes = [*back_up(estate), *replicate_all(estate), *restore_tests(estate)]
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        save(calibration(), file_of(estate.state))
        yield RunningDesk(built, estate)
    finally:
        built.down()


@cache
def calibration() -> Calibration:
    """One for all desks: what a drill does that finds none is shown where the whole demo is."""
    return calibrate()


def changed(
    built: example.Desk,
    *,
    services: dict[str, Any] | None = None,
    sites: dict[str, Any] | None = None,
    drill: dict[str, Any] | None = None,
    cold: dict[str, Any] | None = None,
    gate: bool = True,
) -> Plan:
    """The desk's plan with a shorter drill, and with these keys of services, sites and of the drill changed.

    With `cold`, also the drill "recover-cold" of the same service, and what is promised of it.
    Without `gate` the engine starts whatever orders are missing.
    """
    declared = yaml.safe_load(example.PLAN.read_text())
    declared["drills"]["kill-primary"] |= {**EASY, **(drill or {})}
    if cold is not None:
        declared["services"]["gateway"]["cold_rto"] = "5m"
        declared["datasets"]["orders"]["cold_rpo"] = "1h"
        if not gate:
            del declared["services"]["engine"]["gate"]
        usual = {**declared["drills"]["kill-primary"], **EASY, "cold": True, "schedule": None}
        declared["drills"]["recover-cold"] = {k: v for k, v in {**usual, **cold}.items() if v is not None}
    for name, keys in (services or {}).items():
        declared["services"][name] |= keys
    for name, keys in (sites or {}).items():
        declared["sites"][name] |= keys
    declared["evidence"]["heads"] = "${BLACKSTART_EVIDENCE}-heads.jsonl"
    text = yaml.safe_dump(declared, sort_keys=False).encode()
    return read_plan(example.PLAN, text, {**built.environ, **built.variables})


def ledger(run: Closed) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "ledger.jsonl").read_bytes().splitlines()]
