"""Flow: a person's answer by Prefect. The run pauses; whoever resumes it answers what a failover waits for.

The failover itself never asks Prefect for anything: it waits for the answer on disk, from wherever.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Completed, Failed

from flows.conclusion import refused
from flows.options import plan_of
from sites.errors import BlackstartError
from sites.recovery.asking import Question, Questions

ACCOUNT = "prefect"
_POLL_SECONDS = 1


class Answered(RunInput):
    """What the person says who resumes the run. `typed`: what was seen to be so, word for word."""

    decision: Literal["approved", "refused"] = "approved"
    by: str
    typed: str | None = None


@flow(name="approval", persist_result=False)
def approval(plan: str) -> State[None]:
    """Put the oldest open question of the plan to whoever resumes this run, until it lapses."""
    questions = Questions(plan_of(Path(plan)).state)
    waiting = questions.open()
    if not waiting:
        return Completed(message="nothing waits for an answer")
    question = waiting[0]
    try:
        answer = pause_flow_run(
            wait_for_input=Answered.with_initial_data(description=_told(question)),
            timeout=max(1, int(_left_seconds(question))),
            poll_interval=_POLL_SECONDS,
        )
    except FlowPauseTimeout:
        return Failed(message=f'"{question.name}" lapsed: nobody answered until {question.until[:19]}Z')
    try:
        questions.answer(question.name, answer.decision, answer.by, ACCOUNT, answer.typed, question.id)
    except BlackstartError as error:
        return refused(error)
    return Completed(message=f'"{question.name}" {answer.decision} by {answer.by}')


def _told(question: Question) -> str:
    typed = f' To approve, type exactly: "{question.typed}".' if question.typed else ""
    return f"{question.says} Until {question.until[:19]}Z.{typed}"


def _left_seconds(question: Question) -> float:
    return (datetime.fromisoformat(question.until) - datetime.now(UTC)).total_seconds()
