"""Tell people what is wrong: what is new, what still holds after a while, and what is over. Then ping."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.exposure.notices import Notice, notices
from flows.exposure.scheduled import keep_seen
from rto_rpo.durable import write_durably
from sites.drivers.masking import mask
from sites.drivers.messages import ping, send
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import Notify

_TOLD_MAX = 20


@dataclass(frozen=True, slots=True)
class Told:
    """`wrong` is all that is wrong now, `told` what was said of it, `failed` why somebody did not hear."""

    wrong: tuple[Notice, ...]
    told: tuple[str, ...]
    over: tuple[str, ...]
    failed: tuple[str, ...]


def tell(estate: Estate, now: datetime | None = None) -> Told:
    """Look once, send one message when there is something to say, and ping. Raises PlanError.

    What could not be delivered is said again the next time. No ping when a message was not delivered: then
    whoever listens for it notices.
    """
    declared, instant = _declared(estate), now or datetime.now(UTC)
    keep_seen(estate, instant)
    wrong, head = notices(estate, instant)
    memory = _Memory(estate.state / "notices.json")
    due, over = memory.due(wrong, instant, timedelta(seconds=declared.again.seconds))
    failed: list[str] = []
    if due or over:
        title = f"{estate.plan.name} ({estate.plan.environment}): " + _count(len(wrong))
        failed = send([one.resolve() for one in declared.to], title, _body(due, over, len(wrong), head))
    if not failed:
        memory.keep(wrong, due, instant)
        failed = _ping(declared)
    return Told(tuple(wrong), tuple(one.key for one in due), tuple(over), tuple(failed))


def test(estate: Estate) -> Told:
    """Send a message that says it is a test, and ping. Remembers nothing. Raises PlanError."""
    declared = _declared(estate)
    title = f"{estate.plan.name} ({estate.plan.environment}): a test"
    body = "This is a test of the messages of blackstart; nothing is wrong.\n  next: nothing"
    failed = send([one.resolve() for one in declared.to], title, body)
    return Told((), ("test",), (), (*failed, *_ping(declared)))


def _declared(estate: Estate) -> Notify:
    if estate.plan.notify is None:
        raise PlanError(
            f'plan "{estate.plan.name}" names nobody to tell', hint="give it `notify: {to: [...]}`"
        )
    return estate.plan.notify


def _ping(declared: Notify) -> list[str]:
    unheard = ping(declared.ping.resolve()) if declared.ping else None
    return [unheard] if unheard else []


def _count(wrong: int) -> str:
    return "all is well again" if not wrong else f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong"


def _body(due: Sequence[Notice], over: Sequence[str], wrong: int, head: str | None) -> str:
    lines = [str(one) for one in due[:_TOLD_MAX]]
    lines += [f"and {len(due) - _TOLD_MAX} more: `blackstart status` has all"] if len(due) > _TOLD_MAX else []
    lines += [f"over: {what}" for what in over[:_TOLD_MAX]]
    lines += [f"{wrong - len(due)} more hold as told before"] if wrong > len(due) else []
    return mask("\n".join([*lines, f"chain head {head or 'none yet'}"]))


class _Memory:
    """Which notices were told, and when. Unreadable, it is empty: better twice than never."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            read = json.loads(path.read_text())
            self._told = {
                str(key): (str(about), datetime.fromisoformat(at)) for key, (about, at) in read.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            self._told = {}

    def due(self, wrong: Sequence[Notice], now: datetime, again: timedelta) -> tuple[list[Notice], list[str]]:
        """What is new or was told long ago; and what was told and is wrong no longer."""
        due = [one for one in wrong if one.key not in self._told or now - self._told[one.key][1] >= again]
        still = {one.key for one in wrong}
        return due, [about for key, (about, _) in self._told.items() if key not in still]

    def keep(self, wrong: Sequence[Notice], told: Sequence[Notice], now: datetime) -> None:
        fresh = {one.key for one in told}
        kept = {
            one.key: (one.about, (now if one.key in fresh else self._told[one.key][1]).isoformat())
            for one in wrong
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self._path, json.dumps(kept, indent=1).encode())
