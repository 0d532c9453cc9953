"""A runbook as data, and the engine that runs it.

A step knows how to see that it is done, how to do it and how long that may take. The engine runs steps
as soon as what they need is done, independent ones in parallel. Every step is journalled before and
after, so that a run that was cut off anywhere is resumed by looking at the world: what is done is
skipped, and the rest is done. Doing a step twice must therefore be harmless.

A step that has an `undo` can be taken back, and a runbook as a whole as long as everything in it that was
begun can: `Engine.undo` does that, the last begun first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from graphlib import CycleError, TopologicalSorter
from queue import SimpleQueue

from sites.errors import BlackstartError, GateRefused, RunbookError
from sites.recovery.injection import Hook, nothing
from sites.recovery.journal import Journal

Detail = Mapping[str, object]
Observer = Callable[[str, Detail], None]

_PARALLEL_STEPS_MAX = 8
_NOT_BEGUN = (None, "undone")


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a runbook.

    `done` answers from the world, not from memory. `do` is given its time limit in seconds for the waiting
    that it does itself (its drivers have limits of their own), and returns what is worth keeping as evidence.
    `by_hand` is the command with which a person does the same. `milestone` is the event that the
    step's end marks on the timeline. `undo` takes the step back, and is as harmless to repeat; a step without
    one cannot be taken back once it was begun.
    """

    name: str
    says: str
    do: Callable[[float], Detail]
    done: Callable[[], bool]
    limit_seconds: float
    by_hand: str
    needs: tuple[str, ...] = ()
    milestone: str | None = None
    undo: Callable[[float], Detail] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of the runbook ended. `blocked` names the steps that a failure kept from running.

    `way_out` says what may be done about a run that did not come to its end.
    """

    completed: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: Mapping[str, BlackstartError] = field(default_factory=dict)
    blocked: tuple[str, ...] = ()
    way_out: str = ""

    @property
    def complete(self) -> bool:
        return not self.failed and not self.blocked


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps in an order in which each comes after what it needs.

    Raises RunbookError for a cycle, for a name used twice and for a need that is no step.
    """
    by_name = {step.name: step for step in steps}
    if len(by_name) != len(steps):
        raise RunbookError("runbook has two steps of one name", hint="give each step its own name")
    for step in steps:
        for need in step.needs:
            if need not in by_name:
                raise RunbookError(f'step "{step.name}" needs "{need}", which is no step of the runbook')
    try:
        names = TopologicalSorter({s.name: s.needs for s in steps}).static_order()
        return [by_name[name] for name in names]
    except CycleError as error:
        raise RunbookError(
            f"runbook steps need each other in a circle: {' -> '.join(error.args[1])}"
        ) from None


class Engine:
    """Runs the steps of one runbook. `observe` is told of every milestone; it must not raise.

    `at` is called at every boundary of a step: see `sites.recovery.injection`.
    """

    def __init__(
        self, steps: Sequence[Step], journal: Journal, observe: Observer, *, at: Hook = nothing
    ) -> None:
        self._steps = {step.name: step for step in in_order(steps)}
        self._journal = journal
        self._observe = observe
        self._at = at
        self._skipped: list[str] = []
        self._lock = threading.Lock()

    def run(self) -> Run:
        """Run everything that can be run. A failed step blocks what needs it, and nothing else."""
        completed: list[str] = []
        failed: dict[str, BlackstartError] = {}
        sorter = TopologicalSorter({name: step.needs for name, step in self._steps.items()})
        sorter.prepare()
        ends: SimpleQueue[tuple[str, Future[None]]] = SimpleQueue()
        running = 0
        with ThreadPoolExecutor(_PARALLEL_STEPS_MAX, thread_name_prefix="step") as pool:
            while sorter.is_active():
                for name in sorter.get_ready():
                    future = pool.submit(self._perform, self._steps[name])
                    future.add_done_callback(partial(_put, ends, name))
                    running += 1
                if not running:
                    break
                self._settle(*ends.get(), sorter, completed, failed)
                running -= 1
        reached = {*completed, *failed}
        blocked = tuple(name for name in self._steps if name not in reached)
        return Run(tuple(completed), tuple(self._skipped), failed, blocked)

    def undo(self) -> tuple[str, ...]:
        """Take back whatever the journal says was begun, what needs others first; return the names.

        Raises RunbookError, before anything is touched, when one of those steps has no undo; and what an
        undo raises, after which it may be tried again.
        """
        self.require_undoable()
        begun = self._begun()
        for step in reversed(begun):
            self._take_back(step)
        return tuple(step.name for step in reversed(begun))

    def require_undoable(self) -> None:
        """Raises RunbookError when a step was begun that cannot be taken back."""
        for step in self._begun():
            if step.undo is None:
                raise RunbookError(
                    f'cannot take the runbook back: step "{step.name}" was begun, and has no undo',
                    hint="go on with --resume",
                )

    def _begun(self) -> list[Step]:
        return [
            step for name, step in self._steps.items() if self._journal.states.get(name) not in _NOT_BEGUN
        ]

    def _take_back(self, step: Step) -> None:
        self._journal.undoing(step.name)
        self._at(step.name, "started")
        detail = step.undo(step.limit_seconds) if step.undo is not None else {}
        self._at(step.name, "acted")
        self._journal.undone(step.name, detail)
        self._observe("undone", {"step": step.name, **detail})

    def _settle(
        self,
        name: str,
        future: Future[None],
        sorter: TopologicalSorter[str],
        completed: list[str],
        failed: dict[str, BlackstartError],
    ) -> None:
        error = future.exception()
        if error is None:
            completed.append(name)
            sorter.done(name)
        elif isinstance(error, BlackstartError):
            failed[name] = error
        else:
            failed[name] = RunbookError(f'step "{name}" broke: {type(error).__name__}: {error}')

    def _perform(self, step: Step) -> None:
        self._at(step.name, "begin")
        self._journal.started(step.name)
        self._at(step.name, "started")
        try:
            if step.done():
                with self._lock:
                    self._skipped.append(step.name)
                detail: Detail = {"already": True}
            else:
                detail = step.do(step.limit_seconds)
        except GateRefused as error:
            self._journal.failed(step.name, str(error))
            raise
        except Exception as error:
            self._journal.failed(step.name, f"{type(error).__name__}: {error}")
            raise
        self._at(step.name, "acted")
        self._journal.done(step.name, detail)
        self._at(step.name, "ended")
        if step.milestone:
            self._observe(step.milestone, {"step": step.name, **detail})


def _put(ends: SimpleQueue[tuple[str, Future[None]]], name: str, future: Future[None]) -> None:
    ends.put((name, future))
