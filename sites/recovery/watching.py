"""Standing watch: every vantage looks on its own steady beat, and one detector hears all of them.

A drill and `blackstart watch` stand this same watch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from sites.drivers.vantage import Here, OwnCommand, OwnProcess, Vantage
from sites.errors import GuardError
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import CommandVantage, ProcessVantage
from sites.recovery.detection import HERE, Declaration, Detector, Setting, Sign

_HEAR_SECONDS = 0.05
_WELL_SECONDS = 10.0


class Watch:
    """Looks from `begin` until `end`; use it in a `with`. Its questions are for one thread."""

    def __init__(self, setting: Setting, vantages: Mapping[str, Vantage], urls: Sequence[str]) -> None:
        self.setting = setting
        self._vantages, self._urls = dict(vantages), tuple(urls)
        self._detector = Detector(setting)
        self._heard: SimpleQueue[tuple[str, Sign, float]] = SimpleQueue()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def require_well(self, limit_seconds: float = _WELL_SECONDS) -> None:
        """Look before it begins, again and again: every vantage that can look has to see the service well.

        For whoever knows that it is. Raises GuardError, naming those that would declare an outage even so.
        """
        deadline = time.monotonic() + limit_seconds
        while True:
            seen = {
                name: each.look(self._urls, self.setting.limit_seconds)
                for name, each in self._vantages.items()
            }
            bad = [
                f'vantage "{name}" says {sign}'
                for name, sign in seen.items()
                if sign in ("refused", "silent")
            ]
            if not bad and sum(sign == "good" for sign in seen.values()) >= self.setting.quorum:
                return
            if time.monotonic() > deadline:
                blind = [f'vantage "{name}" cannot look' for name, sign in seen.items() if sign == "blind"]
                raise GuardError(
                    f"the service is well, and not seen to be: {'; '.join(bad + blind)}",
                    hint=f"they look at {', '.join(self._urls)}; try it by hand",
                )
            time.sleep(self.setting.every_seconds)

    def __enter__(self) -> Self:
        for name, vantage in self._vantages.items():
            looks = partial(self._look_on, name, vantage)
            self._threads.append(threading.Thread(target=looks, name=f"vantage-{name}", daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()

    def declared(self, stop: threading.Event) -> Declaration | None:
        """Wait until the service is declared gone, or until `stop` (None)."""
        self._detector.forget()
        while not stop.is_set():
            if (declaration := self._hear()) is not None:
                return declaration
        return None

    def well(self) -> bool:
        """Whether the service answers everybody who looks, as of now. For who waits for something else."""
        while not self._heard.empty():
            self._hear()
        return self._detector.well(time.monotonic())

    def sighted(self) -> tuple[str, ...]:
        """The vantages that looked lately, and could."""
        return self._detector.sighted(time.monotonic())

    def _hear(self) -> Declaration | None:
        try:
            name, sign, at = self._heard.get(timeout=_HEAR_SECONDS)
        except Empty:
            return None
        return self._detector.add(name, sign, at)

    def _look_on(self, name: str, vantage: Vantage) -> None:
        """On a steady beat; a look that took longer makes the next one late, and none is made up for."""
        refusals, due = 0, time.monotonic()
        while not self._over.is_set():
            sign = vantage.look(self._urls, self.setting.limit_seconds)
            self._heard.put((name, sign, time.monotonic()))
            refusals = refusals + 1 if sign == "refused" else 0
            due = max(due + self.setting.beat_seconds(refusals), time.monotonic())
            self._over.wait(max(0.0, due - time.monotonic()))
        vantage.close()


def watch_over(estate: Estate) -> Watch:
    """The watch that an estate's plan declares. Raises GuardError where it gives it nothing to see."""
    watch = Watch(setting_of(estate), _vantages(estate), watched(estate))
    Fences(estate.state).prepare()  # what an outage would wait for
    return watch


def setting_of(estate: Estate) -> Setting:
    """Raises GuardError when the plan declares no failover."""
    failover = estate.plan.failover
    if failover is None:
        raise GuardError(f'plan "{estate.plan.name}" declares no failover')
    detect, names = failover.detect, tuple(failover.vantages) or (HERE,)
    return Setting(
        every_seconds=detect.every.seconds,
        limit_seconds=detect.limit.seconds,
        refused=detect.refused,
        silent=detect.silent,
        vantages=names,
        quorum=detect.quorum or len(names) // 2 + 1,
        again_seconds=detect.again.seconds,
    )


def watched(estate: Estate) -> list[str]:
    """The addresses that detection looks at. Raises GuardError when the plan gives it nothing to see."""
    services = estate.plan.services.values()
    urls = [f"{s.endpoint}{s.check.path}" for s in services if s.endpoint is not None and s.check is not None]
    if not urls:
        raise GuardError(
            "nothing can be detected: no service declares both an endpoint and a check",
            hint="give at least one service `endpoint` and `check`",
        )
    return urls


def _vantages(estate: Estate) -> dict[str, Vantage]:
    declared = estate.plan.failover.vantages if estate.plan.failover is not None else {}
    return {name: _vantage(estate, noun) for name, noun in declared.items()} or {HERE: Here()}


def _vantage(estate: Estate, noun: ProcessVantage | CommandVantage) -> Vantage:
    if noun.kind == "process":
        return OwnProcess(noun.via) if noun.via else OwnProcess()
    env, secret_env = estate.environment(noun.env)
    return OwnCommand(noun.command, env, secret_env, estate.plan.folder)
