from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.measurement import SplitBrain
from rto_rpo.refusal import refused_by_server
from tests.rto_rpo.ledgers import MS, PlantedDrill, S, event, header, intents, judged_run, operation, stream

FAILED = {"outcome": "failed", "cause": "refused"}
NO = {"outcome": "failed", "cause": "25006"}
B = 151  # the first write that is acknowledged again, a millisecond after it was due


def split_of(drill: PlantedDrill, folder: Path) -> SplitBrain:
    (found,) = judged_run(drill, folder)[0].split_brain
    return found


def with_old_primary(*planted: dict[str, Any], **other: Any) -> PlantedDrill:
    """The old primary refuses one write long after; the others are `planted`, with `sent` from f0 on.

    Right before the fault it took one. Clients are answered by `primary` until then, by `dr` afterwards.
    """
    streams = [stream(), stream("old", "old_primary", interval_ns=10 * S)]
    drill = PlantedDrill(head=header(streams=streams), after_ns=2 * S, **other)
    for number in range(drill.count):
        if not drill.is_down(number):
            drill.instead[number] = {"address": "primary" if drill.due(number) < drill.f0 else "dr"}
    taken = drill.f0 - 5 * MS
    drill.more += [
        intents(900, 1, taken, stream="old", ns=taken),
        operation(900, taken, stream="old", address="primary"),
    ]
    for number, each in enumerate([*planted, {**NO, "sent": drill.due(200) - drill.f0}]):
        due = drill.f0 + each.pop("sent")
        drill.more += [intents(number, 1, due, stream="old"), operation(number, due, stream="old", **each)]
    return drill


def sent_when_b_arrived(more: int) -> int:
    drill = PlantedDrill()
    return drill.due(B) + MS - drill.f0 + more


def test_an_old_primary_that_refuses(tmp_path: Path) -> None:
    found = split_of(with_old_primary(), tmp_path)
    assert (found.verdict, found.after, found.overlapping) == ("met", (), ())
    none = "the old primary acknowledged none of 1 writes sent once the new side served"
    assert found.reason == f"{none}; after its revival: not tested"


@pytest.mark.parametrize(("more", "verdict"), [(0, "inconclusive"), (1, "missed")])
def test_sent_after_the_new_sides_first_acknowledgement_arrived(
    tmp_path: Path, more: int, verdict: str
) -> None:
    drill = with_old_primary({"sent": sent_when_b_arrived(more)})
    measurement, decision = judged_run(drill, tmp_path)
    (found,) = measurement.split_brain
    assert (found.verdict, found.after) == (verdict, (0,) if more else ())
    assert decision.verdict == verdict


@pytest.mark.parametrize(("took", "overlapping"), [(MS - 1, ()), (MS, (0,)), (2 * MS, (0,))])
def test_merely_overlapping(tmp_path: Path, took: int, overlapping: tuple[int, ...]) -> None:
    found = split_of(with_old_primary({"sent": sent_when_b_arrived(-2 * MS), "took": took}), tmp_path)
    assert found.overlapping == overlapping
    assert found.verdict == ("inconclusive" if overlapping else "met")


def test_before_the_fault_the_old_primary_is_the_primary(tmp_path: Path) -> None:
    assert split_of(with_old_primary({"sent": -20 * MS}), tmp_path).verdict == "met"


def test_a_timeout_is_no_acknowledgement_and_no_refusal(tmp_path: Path) -> None:
    """The old primary may have committed it: a 503 says so, and a time-out does not say otherwise."""
    found = split_of(with_old_primary({"sent": S, "outcome": "indeterminate", "took": S}), tmp_path)
    assert found.after == ()
    assert found.verdict == "inconclusive"


def test_nothing_sent_is_nothing_proven(tmp_path: Path) -> None:
    drill = with_old_primary()
    drill.more = drill.more[:-2]
    assert "nothing was sent to the old primary once" in split_of(drill, tmp_path).reason
    assert split_of(drill, tmp_path).verdict == "inconclusive"


def test_a_write_without_an_outcome(tmp_path: Path) -> None:
    drill = with_old_primary()
    drill.more.append(intents(5, 1, drill.due(210), stream="old"))
    assert split_of(drill, tmp_path).verdict == "inconclusive"
    assert "write 5 to the old primary has no outcome" in split_of(drill, tmp_path).reason


def revived_split(folder: Path, *, cause: str, **told: int) -> SplitBrain:
    """An old primary whose writes all fail for `cause`; the events of its revival are `told`, by number."""
    drill = with_old_primary()
    drill.head["streams"][1]["interval_ns"] = 10 * MS
    drill.more = drill.more[:2]
    for number in range(B, 310):
        due = drill.due(number)
        answer = {"outcome": "failed", "cause": cause} if number >= told["old_primary_revived"] - 1 else NO
        drill.more += [intents(number, 1, due, stream="old"), operation(number, due, stream="old", **answer)]
    drill.more += [event(name, drill.due(number)) for name, number in told.items()]
    return split_of(drill, folder)


def test_a_server_that_refuses_by_itself_once_revived(tmp_path: Path) -> None:
    found = revived_split(tmp_path, cause="25006", revival_begin=205, old_primary_revived=206)
    assert (found.verdict, found.revived_tried, found.revived_taken) == ("met", 105, ())
    assert found.reason.endswith("after its revival: it took 0 of 105 writes (25006: 105)")


@pytest.mark.parametrize("cause", ["refused", "unconnected", "unreachable", "timeout"])
def test_a_server_that_perhaps_never_listened_shows_nothing(tmp_path: Path, cause: str) -> None:
    found = revived_split(tmp_path, cause=cause, revival_begin=205, old_primary_revived=206)
    assert found.verdict == "inconclusive"
    assert "its server itself refused no write" in found.reason
    assert f"it took 0 of 105 writes ({cause}: 105)" in found.reason


def test_only_what_certainly_failed_was_refused() -> None:
    assert refused_by_server("failed", "25006")
    assert not refused_by_server("indeterminate", "25006")
    assert not refused_by_server("acknowledged", "25006")
    assert not refused_by_server("failed", "refused")


@pytest.mark.parametrize(("interval", "verdict"), [(2 * S, "met"), (10 * MS, "inconclusive")])
def test_an_old_primary_that_is_hardly_written_to(tmp_path: Path, interval: int, verdict: str) -> None:
    """It has to be written to all along, from the new side's first answer until the service is stable."""
    drill = with_old_primary()
    drill.head["streams"][1]["interval_ns"] = interval
    assert split_of(drill, tmp_path).verdict == verdict
    assert ("was not written to all along" in split_of(drill, tmp_path).reason) == (verdict != "met")


def test_a_ledger_that_does_not_say_when_the_revival_began(tmp_path: Path) -> None:
    """As older ones do not: it counts from when it was known to run, and that is enough or it is not."""
    found = revived_split(tmp_path, cause="25006", old_primary_revived=206)
    assert (found.verdict, found.revived_tried) == ("met", 104)
    found = revived_split(tmp_path, cause="25006", old_primary_revived=250)
    assert found.verdict == "inconclusive"
    assert "was heard to refuse for 0.590 s only, where 1.000 s are due" in found.reason


def test_a_revival_that_nothing_was_sent_in(tmp_path: Path) -> None:
    found = revived_split(tmp_path, cause="25006", revival_begin=400, old_primary_revived=401)
    assert "nothing was sent to the old primary after it was revived" in found.reason
    assert found.verdict == "inconclusive"


def test_a_new_side_that_never_served_for_good(tmp_path: Path) -> None:
    drill = with_old_primary({"sent": S})
    drill.after_ns = 900 * MS
    assert split_of(drill, tmp_path).verdict == "missed"


def test_a_fault_without_effect_has_no_new_side(tmp_path: Path) -> None:
    drill = with_old_primary({"sent": S}, without={"fault_effective"})
    assert (split_of(drill, tmp_path).verdict, split_of(drill, tmp_path).after) == ("inconclusive", ())


def _flapping(address_before: str) -> PlantedDrill:
    """The new side answers 151, refuses 160, and then serves: b is 161."""
    drill = with_old_primary({"sent": PlantedDrill().due(155) - PlantedDrill().f0})
    for number in range(drill.count):
        if not drill.is_down(number):
            drill.instead[number] = {"address": address_before if drill.due(number) < drill.f0 else "dr"}
    drill.instead[160] = FAILED
    return drill


def test_a_new_side_has_served_when_its_address_first_answered(tmp_path: Path) -> None:
    assert split_of(_flapping("primary"), tmp_path).after == (0,)


def test_an_address_that_answered_before_the_fault_tells_no_side(tmp_path: Path) -> None:
    drill = _flapping("primary")
    drill.instead[50] = {"address": "dr"}
    assert split_of(drill, tmp_path).after == ()


def test_the_clients_of_the_same_dataset_tell_when_the_new_side_served(tmp_path: Path) -> None:
    drill = with_old_primary({"sent": sent_when_b_arrived(1)})
    drill.head["streams"].append(stream("ticks", dataset="ticks"))
    drill.more.append(intents(0, drill.count, drill.due(0), stream="ticks"))
    drill.more += [operation(number, drill.due(number), stream="ticks") for number in range(drill.count)]
    assert split_of(drill, tmp_path).after == (0,)
    drill.head["streams"][0] = stream(dataset="other")
    assert split_of(drill, tmp_path).verdict == "inconclusive"


def test_where_clients_knew_the_old_primary_by_no_name_nobody_knows_who_answered(tmp_path: Path) -> None:
    drill = _flapping("primary")
    for number in range(101):
        drill.instead[number] = {"address": None}
    assert (split_of(drill, tmp_path).after, split_of(drill, tmp_path).overlapping) == ((), (0,))
