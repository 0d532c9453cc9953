"""The sentinel in earnest: who it tells, and how it is ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flows.recovery import approval_run
from flows.recovery.failover import require_environment
from sites.drivers.masking import mask
from sites.drivers.messages import send
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.recovery.runbook import Detail, Run
from sites.recovery.sentinel import Said, Sentinel

_QUIET = ("check", "detected", "decide_waiting", "asked", "note")  # the sentinel tells of these itself


_QUESTIONS = ("decide_waiting", "asked")


class Messages:
    """Sends what people have to know to whom the plan's `notify` names, on the side: nothing waits for it.

    `approvals` is the deployment of Prefect whose run puts each question to people.
    """

    def __init__(self, estate: Estate, complain: Callable[[str], None], approvals: str | None = None) -> None:
        self._plan, self._complain, self._approvals = estate.plan, complain, approvals
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="messages")

    def send(self, said: Said) -> None:
        if self._plan.notify is not None:
            self._pool.submit(self._send, said)

    def ask(self) -> None:
        if self._approvals is not None:
            self._pool.submit(self._ask, self._approvals)

    def close(self) -> None:
        """Everything that was said is on its way when this returns."""
        self._pool.shutdown()

    def _send(self, said: Said) -> None:
        title = f"{self._plan.name} ({self._plan.environment}): {said.about}"
        addresses = self._plan.notify.to if self._plan.notify is not None else ()
        try:
            failed = send(
                [one.resolve() for one in addresses], title, mask(f"{said.reason}\n  next: {said.command}")
            )
        except BlackstartError as error:
            failed = [str(error)]
        for why in failed:
            self._complain(f"not told: {why}")

    def _ask(self, deployment: str) -> None:
        try:
            approval_run.start(deployment)
        except BlackstartError as error:
            self._complain(f"not asked by Prefect: {error}; {error.hint}")


def perform(
    estate: Estate,
    *,
    environment: str | None,
    tell: Callable[[str], None],
    complain: Callable[[str], None],
    stop: threading.Event,
    approvals: str | None = None,
) -> Run | None:
    """Stand watch until a failover has ended, or until `stop` (None). `approvals`: see `Messages`.

    Raises GuardError unless the plan's environment is named and there is something to watch and to fail over.
    """
    require_environment(estate, environment)
    messages = Messages(estate, complain, approvals)

    def observe(event: str, detail: Detail) -> None:
        if event in _QUESTIONS:
            messages.ask()
        if event not in _QUIET:
            tell(f"{event.capitalize()}: {detail.get('step', '')}".rstrip(": "))

    def say(said: Said) -> None:
        tell(f"{said.about.capitalize()}: {said.reason}; next: {said.command}")
        messages.send(said)

    try:
        sentinel = Sentinel(estate, observe, say)
        tell(f"Watching: {sentinel.setting}")
        return sentinel.stand(stop)
    finally:
        messages.close()
