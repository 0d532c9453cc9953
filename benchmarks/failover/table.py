"""The figures side by side, and whether what is aimed at holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.failover.contest import FAULTS

Median = Callable[[list[float]], float]
OURS, FLOOR = "blackstart", "by hand"
HOLDS, FAILS = "holds", "DOES NOT HOLD"


def told(whole: dict[str, Any], median: Median) -> list[str]:
    return [*_table(whole, median), "", *_aims(whole, median)]


def holds(whole: dict[str, Any], median: Median) -> bool:
    """Whether nothing that was measured is beyond its aim."""
    return not any(line.endswith(FAILS) for line in _aims(whole, median))


def _table(whole: dict[str, Any], median: Median) -> Iterator[str]:
    yield "| fault | who | median | from - to | rounds | rows lost | by the old one after its thaw |"
    yield "|---|---|---|---|---|---|---|"
    for fault in FAULTS:
        for key, found in whole["rounds"].items():
            name, _, of = key.partition(" / ")
            if of == fault and found:
                yield _row(fault, name, found, median)
    for name, setting in whole["settings"].items():
        yield f"{name}: {setting}"


def _row(fault: str, name: str, found: list[dict[str, Any]], median: Median) -> str:
    seconds = list(map(_seconds, found))
    lost = [each["lost"] for each in found]
    thawed = [each["after_thaw"] for each in found if each["after_thaw"] is not None]
    cells = (
        fault,
        name,
        f"{median(seconds):.3f} s",
        f"{min(seconds):.3f} - {max(seconds):.3f} s",
        str(len(found)),
        _span(lost),
        _span(thawed) if thawed else "-",
    )
    return f"| {' | '.join(cells)} |"


def _seconds(found: dict[str, Any]) -> float:
    """Longer than any other where there was no failover at all."""
    return math.inf if found["seconds"] is None else float(found["seconds"])


def _span(counts: list[int]) -> str:
    return f"{min(counts)} - {max(counts)}" if max(counts) else "0"


def _aims(whole: dict[str, Any], median: Median) -> Iterator[str]:
    def of(name: str, fault: str) -> float | None:
        found = whole["rounds"].get(f"{name} / {fault}")
        return median(list(map(_seconds, found))) if found else None

    def ratio(what: str, over: float | None, under: float | None, within: Callable[[float], bool]) -> str:
        if over is None or under is None:
            return f"{what}: not measured"
        return f"{what}: {over / under:.1f} x: {HOLDS if within(over / under) else FAILS}"

    refusal = of(OURS, "refusal")
    yield ratio("refusal, at most 4 x by hand", refusal, of(FLOOR, "refusal"), lambda x: x <= 4)
    yield ratio(
        "refusal, repmgr at least 5 x slower", of("repmgr, tuned", "refusal"), refusal, lambda x: x >= 5
    )
    slow = of("patroni, defaults", "refusal")
    yield ratio("refusal, Patroni's defaults at least 50 x slower", slow, refusal, lambda x: x >= 50)
    budget = whole.get("silence_budget_seconds", {}).get(OURS)
    for fault in ("silence", "freeze"):
        found, floor = of(OURS, fault), of(FLOOR, fault)
        if found and floor and budget:
            most = f"{budget:g} s of detection + 4 x {floor:.3f} s by hand"
            said = HOLDS if found <= budget + 4 * floor else FAILS
            yield f"{fault}, at most {most}: {found:.3f} s: {said}"
        else:
            yield f"{fault}: not measured"
    shortest = of("patroni, shortest", "silence")
    yield ratio("silence, Patroni's shortest slower", shortest, of(OURS, "silence"), lambda x: x > 1)
    switch = of(OURS, "switchover")
    yield ratio("switchover, at most 2 x by hand", switch, of(FLOOR, "switchover"), lambda x: x <= 2)
    ours = [found for key, found in whole["rounds"].items() if key.partition(" / ")[0] == OURS]
    each = [one for found in ours for one in found]
    if each:
        lost, thawed = sum(one["lost"] for one in each), sum(one["after_thaw"] or 0 for one in each)
        yield f"rows lost, none: {lost} in {len(each)} rounds: {FAILS if lost else HOLDS}"
        yield f"rows by the old one after its thaw, none: {thawed}: {FAILS if thawed else HOLDS}"
