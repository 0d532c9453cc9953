"""Detection counts signs in a row, refusal and silence apart, and votes of several vantages."""

from __future__ import annotations

import pytest

from sites.recovery.detection import Detector, Setting, Sign

SETTING = Setting(every_seconds=1.0, limit_seconds=1.0, refused=3, silent=4)
TWO_OF_THREE = Setting(1.0, 1.0, 3, 4, ("a", "b", "c"), 2)


def declared_at(signs: list[Sign]) -> tuple[int, str] | None:
    detector = Detector(SETTING)
    for number, sign in enumerate(signs, 1):
        if declaration := detector.add("here", sign, float(number)):
            return number, declaration.why
    return None


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (["refused"] * 3, (3, "refused")),
        (["silent"] * 4, (4, "silent")),
        (["silent"] * 3, None),
        (["refused"] * 2, None),
        (["refused", "refused", "good", "refused", "refused"], None),
        (["silent", "refused", "silent", "silent"], (4, "silent")),
        (["silent", "refused", "refused", "refused"], (4, "refused")),
        (["refused", "silent", "refused", "refused"], (4, "silent")),
        (["refused", "refused", "silent", "good", "refused", "refused"], None),
        (["silent", "silent", "silent", "blind", "silent"], None),
        (["blind"] * 50, None),
        (["good"] * 50, None),
    ],
)
def test_rows_of_bad_signs(signs: list[Sign], expected: tuple[int, str] | None) -> None:
    assert declared_at(signs) == expected


def test_refusals_count_only_in_a_row_and_their_vote_stands_until_a_good_sign() -> None:
    patient = Detector(Setting(1.0, 1.0, 3, 9, ("a", "b"), 2))
    mixed: list[Sign] = ["refused", "silent"] * 4
    assert [patient.add("b", sign, at) for at, sign in enumerate(mixed)] == [None] * 8
    for at, sign in enumerate(["refused", "refused", "refused", "silent"], 9):
        assert patient.add("a", sign, at) is None  # type: ignore[arg-type]
    declared = patient.add("b", "silent", 12.5)  # b's row is long enough now; a's three in a row still vote
    assert declared is not None
    assert (declared.vantages, declared.why) == (("a", "b"), "silent")


def test_that_nobody_looked_for_a_while_is_no_sign_of_the_service() -> None:
    detector = Detector(SETTING)
    assert [detector.add("here", "silent", at) for at in (1.0, 2.0, 3.0)] == [None] * 3
    assert [detector.add("here", "silent", at) for at in (3603.0, 3604.0, 3605.0)] == [None] * 3
    assert detector.add("here", "silent", 3606.0) is not None


def test_one_vantage_of_three_is_overruled_and_two_are_not() -> None:
    detector = Detector(TWO_OF_THREE)
    for at in range(1, 20):
        assert detector.add("a", "silent", at) is None
        assert detector.add("b", "good", at) is None
        assert detector.add("c", "good", at) is None
    for at in range(20, 22):
        assert detector.add("a", "silent", at) is None
        assert detector.add("b", "refused", at) is None
    assert detector.add("a", "silent", 22) is None
    declared = detector.add("b", "refused", 22)
    assert declared is not None
    assert (declared.vantages, declared.why) == (("a", "b"), "silent")


def test_a_vote_is_taken_back_by_a_good_sign_and_lapses_unless_renewed() -> None:
    for undone_by in ("good", "blind", None):
        detector = Detector(TWO_OF_THREE)
        for at in (1, 2, 3):
            assert detector.add("a", "refused", at) is None
        if undone_by is not None:
            assert detector.add("a", undone_by, 4) is None  # type: ignore[arg-type]
        found = [detector.add("b", "refused", at) for at in (100, 101, 102)]
        assert found == [None] * 3, undone_by


def test_well_only_after_as_many_good_signs_as_a_refusal_takes() -> None:
    detector = Detector(SETTING)
    for at in (1, 2):
        detector.add("here", "good", at)
    assert not detector.well(2)
    detector.add("here", "good", 3)
    assert detector.well(3)
    assert not detector.well(300)
    detector.add("here", "silent", 4)
    assert not detector.well(4)


def test_a_refusal_is_asked_again_soon_until_the_row_is_long_enough() -> None:
    quick = Setting(every_seconds=1.0, limit_seconds=1.0, refused=3, silent=4, again_seconds=0.25)
    assert [quick.beat_seconds(row) for row in range(5)] == [1.0, 0.25, 0.25, 1.0, 1.0]
    assert quick.budget_seconds("refused") == 1.5
    assert quick.budget_seconds("silent") == SETTING.budget_seconds("silent")
    assert "again after 0.25 s where it was refused" in quick.told()


def test_asked_again_never_means_asked_later() -> None:
    slow = Setting(every_seconds=0.1, limit_seconds=1.0, refused=3, silent=4, again_seconds=5.0)
    assert slow.beat_seconds(1) == 0.1


def test_the_budget_is_told_with_the_setting() -> None:
    assert (SETTING.budget_seconds("refused"), SETTING.budget_seconds("silent")) == (3.0, 5.0)
    assert "declared within 3 s of a refusal, 5 s of silence" in SETTING.told()
