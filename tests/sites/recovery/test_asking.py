"""Questions outlive whoever asked; answers are used once; silence is a no."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.errors import GuardError, RunbookError
from sites.recovery.asking import Answer, Questions, asker


def test_an_answer_is_found_by_who_resumes(tmp_path: Path) -> None:
    Questions(tmp_path).ask("failover", "Fail over?", 60.0)  # and dies
    Questions(tmp_path).answer(None, "approved", "ann", "root", None)
    again = Questions(tmp_path).ask("failover", "Fail over?", 60.0)
    answer = Questions(tmp_path).wait(again)
    assert (answer.decision, answer.by, answer.account) == ("approved", "ann", "root")


def test_an_answer_is_used_once(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    question = questions.ask("failover", "Fail over?", 60.0)
    questions.answer("failover", "approved", "ann", "root", None)
    assert questions.taken(question) is not None
    assert questions.taken(questions.ask("failover", "Fail over?", 60.0)) is None


def test_an_answer_to_another_question_of_that_name_does_not_count(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    questions.ask("approve payout", "Pay 5?", 60.0)
    questions.answer(None, "approved", "ann", "root", None)
    assert questions.taken(questions.ask("approve payout", "Pay 5,000?", 60.0)) is None


def test_an_approval_of_one_outage_says_nothing_about_the_next(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    questions.ask("failover", "Fail over?", 60.0, about="the first")  # and dies
    questions.answer("failover", "approved", "ann", "root", None)
    again = questions.ask("failover", "Fail over?", 60.0, about="the second")
    assert questions.taken(again) is None
    assert [question.about for question in questions.open()] == ["the second"]


def test_an_answer_that_comes_too_late_is_not_to_the_question_that_was_put_meanwhile(tmp_path: Path) -> None:
    """Who answers has read a question; by the time the answer is there it may be another one's place."""
    questions = Questions(tmp_path)
    first = questions.ask("failover", "Fail over?", 60.0)
    questions.answer("failover", "approved", "ann", "root", None)
    late = (tmp_path / "asked" / "failover.answer").read_bytes()
    questions.withdraw(first)
    second = questions.ask("failover", "Fail over?", 60.0)
    (tmp_path / "asked" / "failover.answer").write_bytes(late)
    assert questions.open() == [second]
    assert questions.taken(second) is None
    with pytest.raises(GuardError, match=f'question "{first.id}" waits for no answer any more'):
        questions.answer(None, "approved", "ann", "root", None, first.id)
    assert questions.answer(None, "refused", "ann", "root", None, second.id) == second
    answer = questions.taken(second)
    assert answer is not None
    assert answer.decision == "refused"


def test_no_answer_in_time_is_a_no(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    assert questions.wait(questions.ask("failover", "Fail over?", 1e-6)).decision == "lapsed"
    assert questions.open() == []
    with pytest.raises(GuardError, match="nothing waits for an answer"):
        questions.answer(None, "approved", "ann", "root", None)


def test_what_has_lapsed_is_not_approved_afterwards(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    questions.ask("failover", "Fail over?", 1e-6)
    questions.ask("failover", "Fail over?", 60.0)
    assert [question.name for question in questions.open()] == ["failover"]


def test_what_must_be_typed_must_be_typed_word_for_word(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    question = questions.ask("fence primary", "Is it off?", 60.0, "site primary is off")
    for typed in (None, "", "yes", "site primary is of"):
        with pytest.raises(GuardError, match="only by who types") as caught:
            questions.answer(None, "approved", "ann", "root", typed)
        assert '--typed "site primary is off"' in str(caught.value.hint)
    assert questions.taken(question) is None
    questions.answer(None, "approved", "ann", "root", "site primary is off")
    answer = questions.taken(question)
    assert answer is not None
    assert answer.typed == "site primary is off"


def test_a_refusal_needs_no_typing(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    question = questions.ask("fence primary", "Is it off?", 60.0, "site primary is off")
    questions.answer(None, "refused", "ann", "root", None)
    answer = questions.taken(question)
    assert answer is not None
    assert answer.decision == "refused"


def test_of_two_questions_one_is_named(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    questions.ask("a", "A?", 60.0)
    questions.ask("b", "B?", 60.0)
    with pytest.raises(GuardError, match='"a", "b" waits for an answer'):
        questions.answer(None, "approved", "ann", "root", None)
    assert questions.answer("b", "approved", "ann", "root", None).name == "b"


def test_a_withdrawn_question_is_gone(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    assert questions.wait(questions.ask("a", "A?", 60.0), stop=lambda: True) == Answer("withdrawn")
    assert questions.open() == []


def test_all_are_forgotten_when_the_act_has_ended(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    question = questions.ask("a", "A?", 60.0)
    questions.answer("a", "approved", "ann", "root", None)
    questions.clear()
    assert questions.taken(question) is None


@pytest.mark.parametrize("content", ["", "[]", '{"name": "a"}'])
def test_a_file_that_is_no_question_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "a.json").write_text(content)
    with pytest.raises(RunbookError, match="no question or answer of ours"):
        Questions(tmp_path).open()


def test_who_waits_says_so_and_for_how_long(tmp_path: Path) -> None:
    seen: list[tuple[str, object]] = []

    def observe(event: str, detail: object) -> None:
        seen.append((event, detail))
        if len(seen) == 1:  # somebody answers as soon as he is asked
            Questions(tmp_path).answer(None, "approved", "ann", "root", None)

    answer = asker(tmp_path, 60.0, observe)("approve payout", "Pay?")
    assert answer.decision == "approved"
    assert [event for event, _ in seen] == ["asked", "answered"]
    assert answer.waited_seconds >= 0
