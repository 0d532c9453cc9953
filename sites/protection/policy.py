"""What a plan wants around a backup: tags of its own, commands before and after, an alarm for what is odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sites.drivers import command
from sites.errors import BlackstartError, CommandError, DatasetError
from sites.protection.history import Event

# What was new may vary a lot as long as it is little: below this share of the whole it raises no alarm.
_NEW_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Alarm:
    """`factor` times more or less than the median of the last `runs` is odd."""

    factor: float = 5.0
    runs: int = 10


@dataclass(frozen=True, slots=True)
class Policy:
    """`before` must succeed, or there is no backup; `after` runs in any case. Both run in `folder`."""

    tags: tuple[str, ...] = ()
    before: tuple[str, ...] | None = None
    after: tuple[str, ...] | None = None
    folder: Path | None = None
    limit_seconds: float = 600.0
    alarm: Alarm | None = None

    @contextmanager
    def around(self, dataset: str) -> Iterator[None]:
        """Run the two commands around a backup. Raises DatasetError when one of them fails."""
        self._run("before", self.before, dataset)
        try:
            yield
        except BaseException as error:  # also when we are told to end: what `before` froze must thaw
            try:
                self._run("after", self.after, dataset)
            except DatasetError as another:
                error.args = (f"{error}; and {another}",)
            raise
        try:
            self._run("after", self.after, dataset)
        except DatasetError as error:
            error.args = (f"{error}; the point itself was made",)
            raise

    def _run(self, when: str, argv: tuple[str, ...] | None, dataset: str) -> None:
        if argv is None:
            return
        env = {"BLACKSTART_DATASET": dataset}
        try:
            command.run(argv, limit_seconds=self.limit_seconds, cwd=self.folder, env=env)
        except BlackstartError as error:
            said = f": {error.stderr.strip()}" if isinstance(error, CommandError) and error.stderr else ""
            raise DatasetError(
                f'cannot run the command {when} a backup of dataset "{dataset}": {error}{said[:300]}',
                hint=f"it is `{when}` of the dataset's backup in the plan; run it by hand to see why",
            ) from error


def odd(alarm: Alarm, now: Mapping[str, Any], dataset: str, events: Sequence[Event]) -> str | None:
    """What is odd about a backup, by its event's detail; None when nothing is, or too little is known.

    A base backup is held against those of its own kind: a full one brings more than what has changed.
    """
    whole = [
        e.detail
        for e in events
        if e.kind == "backup"
        and e.dataset == dataset
        and e.outcome == "done"
        and e.detail.get("kind") == now.get("kind")
    ][-alarm.runs :]
    if "files" in now and (emptied := _emptied(now, whole)) is not None:
        return emptied
    if len(whole) * 2 < alarm.runs:
        return None
    remarks = [
        _compared(key, noun, now, whole, alarm)
        for key, noun in (("bytes", "bytes"), ("files", "files"), ("added_bytes", "bytes that were new"))
        if key in now
    ]
    return "; ".join(filter(None, remarks)) or None


def _emptied(now: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> str | None:
    """Nothing where there was something is odd however little is known of what is usual."""
    had = next((detail for detail in reversed(before) if detail.get("files")), None)
    if now["files"] or had is None:
        return None
    return f"it holds no file any more; the last whole one that held any had {had['files']:,}"


def _compared(
    key: str, noun: str, now: Mapping[str, Any], before: Sequence[Mapping[str, Any]], alarm: Alarm
) -> str | None:
    usual, here = median(float(detail.get(key, 0)) for detail in before), float(now[key])
    new = key == "added_bytes"
    if new and here < _NEW_SHARE * float(now["bytes"]):
        return None
    more, less = here > usual * alarm.factor, here * alarm.factor < usual and not new
    if not (more or less):
        return None
    return f"{here:,.0f} {noun}, the median of the last {len(before)} is {usual:,.0f}"
