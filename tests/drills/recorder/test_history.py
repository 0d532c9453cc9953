from __future__ import annotations

import pytest

from drills.recorder.history import History


def after(*names: str) -> History:
    history = History()
    for name in names:
        assert history.refusal(name) is None, name
        history.add(name)
    return history


def test_a_whole_drill_is_in_order() -> None:
    history = after(
        "steady", "frozen", "note", "fault_begin", "detected", "fault_end", "fault_effective", "decided",
        "fenced", "restored", "promoted", "started", "redirected", "safe", "stable", "check", "healed",
        "revival_begin", "old_primary_revived", "old_primary_gone", "undo",
    )  # fmt: skip

    assert history.has("redirected")


@pytest.mark.parametrize(
    ("so_far", "name", "why"),
    [
        ([], "frozen", "before 'steady'"),
        (["steady"], "fault_begin", "before 'frozen'"),
        ([], "detected", "before 'fault_begin'"),
        ([], "fault_end", "before 'fault_begin'"),
        (["steady", "frozen"], "frozen", "already recorded"),
        (["steady", "frozen", "fault_begin"], "fault_begin", "already recorded"),
        (["steady", "frozen", "fault_begin", "fault_end"], "fault_end", "already recorded"),
        (["steady", "frozen", "fault_begin"], "steady", "already recorded"),
        ([], "revival_begin", "before 'fault_begin'"),
        (["steady", "frozen", "fault_begin", "revival_begin"], "revival_begin", "already recorded"),
        ([], "exploded", "there is no event"),
    ],
)
def test_what_would_spoil_the_ledger_is_refused(so_far: list[str], name: str, why: str) -> None:
    refusal = after(*so_far).refusal(name)

    assert refusal is not None
    assert why in refusal
