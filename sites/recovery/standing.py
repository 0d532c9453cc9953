"""Where a plan stands, and which act may follow: the state machine over failover, switchover and failback.

    stands at         act          meanwhile         then
    serving at home   failover     failing over      failed over
    serving at home   switchover   switching over    switched over
    switching over    failover     failing over      failed over
    switching over    failover     failing over home failed over home
    failing back      failover     failing over home failed over home
    failing back      failover     failing over      failed over
    failing back home failover     failing over      failed over
    failed over       failback     failing back      serving at home
    switched over     failback     failing back      serving at home
    switched over     failover     failing over home failed over home
    failed over home  failback     failing back home serving at home
    serving at home   failback     failing back      serving at home

Everything else is refused. A site may be lost amid a planned change: then a failover takes its place, to the
site that is left (`direction` says which). One that was switched over to may be lost as well: then home takes
over, and a failback only protects it again.
The last line is for who failed over by hand: the sites themselves say who serves, and that is asked first.
"Failed over", home or not, holds only while the fence of the lost site stands: who lifts it by hand says that
the roles are as in normal times. An act that was cut off is under way until it is resumed.
A failover that has done nothing irrevocable may be abandoned; then the plan stands where it stood.

One small file, replaced in one step and fsynced. Whoever writes it holds the journal, which is the lock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rto_rpo.durable import make_folder, write_durably
from sites.errors import RunbookError
from sites.recovery.begun import HOME as HOME
from sites.recovery.begun import Begun, Entry, entry_of
from sites.recovery.begun import State as State

Act = Literal["failover", "switchover", "failback"]
_BEGUN = Begun()


@dataclass(frozen=True, slots=True)
class Transition:
    stands: State
    act: Act
    meanwhile: State
    then: State

    @property
    def home(self) -> bool:
        """Whether it is a failover to the site that serves in normal times."""
        return self.meanwhile == "failing over home"


TRANSITIONS = (
    Transition(HOME, "failover", "failing over", "failed over"),
    Transition(HOME, "switchover", "switching over", "switched over"),
    Transition("switching over", "failover", "failing over", "failed over"),
    Transition("switching over", "failover", "failing over home", "failed over home"),
    Transition("failing back", "failover", "failing over home", "failed over home"),
    Transition("failing back", "failover", "failing over", "failed over"),
    Transition("failing back home", "failover", "failing over", "failed over"),
    Transition("failed over", "failback", "failing back", HOME),
    Transition("switched over", "failback", "failing back", HOME),
    Transition("switched over", "failover", "failing over home", "failed over home"),
    Transition("failed over home", "failback", "failing back home", HOME),
    Transition(HOME, "failback", "failing back", HOME),
)


class Standing:
    """Where the plan with this state folder stands. Raises RunbookError for a file that makes no sense."""

    def __init__(self, state: Path) -> None:
        self.path = state / "failover" / "standing.json"
        self._fenced = state / "fenced"

    @property
    def now(self) -> State:
        return self._read().stands

    @property
    def under_way(self) -> Act | None:
        """What was begun and has not come to its end."""
        return _going(self.now)

    @property
    def begun(self) -> Begun:
        """The act that is under way, as it was begun; one without a name where none is."""
        return self._read().begun

    @property
    def before(self) -> State:
        """Where it stood before the act that is under way."""
        entry = self._read()
        return (entry.earlier or entry).stands

    @property
    def replaced(self) -> Begun | None:
        """The change of sites that was cut off, and whose place the act that is under way has taken."""
        earlier = self._read().earlier
        return earlier.begun if earlier is not None and _going(earlier.stands) is not None else None

    def begin(self, act: Act, *, home: bool | None = None, begun: Begun = _BEGUN) -> None:
        """An act begins, or goes on where it was cut off. Raises RunbookError when it may not.

        `home`: whether it is a failover to the site that serves in normal times, where both ways are open.
        `begun`: what it begins with.
        """
        entry = self._read()
        if _going(entry.stands) != act:
            self._write(Entry(self.require(act, home=home).meanwhile, begun.named(), entry))

    def note(self, *, plan: str = "", taken_back: bool = False, stopped: bool = False) -> None:
        """Keep more with the act that is under way; what was kept already stays. No effect where none is."""
        entry, begun = self._read(), self._read().begun
        more = replace(
            begun,
            plan=plan or begun.plan,
            taken_back=taken_back or begun.taken_back,
            stopped=stopped or begun.stopped,
        )
        if more != begun and _going(entry.stands) is not None:
            self._write(replace(entry, begun=more))

    def leave(self, steps: Iterable[str]) -> None:
        """Another act is about to take the place of the one under way, which has begun those steps."""
        entry = self._read()
        known = {*entry.begun.steps, *steps}
        if _going(entry.stands) is not None and known:
            self._write(replace(entry, begun=replace(entry.begun, steps=tuple(sorted(known)))))

    def require(self, act: Act, *, home: bool | None = None) -> Transition:
        """That an act may begin. Raises RunbookError when it may not."""
        stands = self.now
        legal = [each for each in TRANSITIONS if (each.stands, each.act) == (stands, act)]
        if not legal:
            raise RunbookError(
                f'cannot begin a {act}: the plan stands at "{stands}"', hint=_way_out(stands, self.path)
            )
        return next((each for each in legal if each.home == home), legal[0])

    def end(self, act: Act) -> None:
        """The act that is under way has come to its end."""
        self._write(Entry(self._require_going(act).then))

    def abandon(self, act: Act) -> None:
        """The act that is under way was taken back whole: the plan stands where it stood."""
        self._require_going(act)
        self._write(self._read().earlier or Entry())

    def _require_going(self, act: Act) -> Transition:
        stands = self.now
        legal = next((each for each in TRANSITIONS if (each.meanwhile, each.act) == (stands, act)), None)
        if legal is None:
            raise RunbookError(f'no {act} is under way: the plan stands at "{stands}"')
        return legal

    def _read(self) -> Entry:
        if not self.path.exists():
            return Entry()
        try:
            entry = entry_of(json.loads(self.path.read_bytes()))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RunbookError(
                f"{self.path} does not say where the plan stands",
                hint="look at both sites; when the roles are as in normal times, remove that file",
            ) from None
        if entry.stands in ("failed over", "failed over home") and not any(self._fenced.glob("*.json")):
            return Entry()
        return entry

    def _write(self, entry: Entry) -> None:
        make_folder(self.path.parent)
        told = {**entry.told(), "utc": datetime.now(UTC).isoformat()}
        write_durably(self.path, json.dumps(told).encode())


def _way_out(stands: State, path: Path) -> str:
    going = _going(stands)
    if going is not None:
        return f"blackstart {going} --resume"
    by_hand = f"if that was done by hand, remove {path}"
    return f"blackstart failback; {by_hand}" if stands != HOME else "`blackstart status` says who serves"


def _going(stands: State) -> Act | None:
    return next((each.act for each in TRANSITIONS if each.meanwhile == stands), None)
