"""A failover that outlasts its drill. It is real: whoever ended it half-way would leave nobody serving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from drills.fault import Fault
from drills.response import Response
from drills.undisturbed import undisturbed
from drills.undo import Undo
from drills.undoing import Undoing
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.recovery.asking import Questions

STILL_RUNNING = (
    "The failover is still running: waiting for its end; Ctrl-C leaves it, `blackstart failover --resume` "
    "goes on with it"
)
LEFT = "the end of the failover was not waited for"
_BEAT_SECONDS = 0.2


@dataclass
class Outlasting:
    """Its end is waited for when the ledger and the run are closed. No effect where it ended in time."""

    estate: Estate
    response: Response | None
    tell: Callable[[str], None]
    _said: set[str] = field(default_factory=set)

    @property
    def outlasts(self) -> bool:
        return self.response is not None and self.response.outlasted

    def say(self) -> None:
        """Once, before anything is waited for: what takes so long, and how to get out."""
        if self.response is not None and self.outlasts and not self.response.ended:
            self._say("", STILL_RUNNING)

    def wait(self) -> bool:
        """Return when it has ended; False, at once, where somebody does not want to wait for that."""
        if self.response is None or not self.outlasts:
            return True
        try:
            self.say()
            while not self.response.wait(_BEAT_SECONDS):
                self._tell_of_questions()
        except KeyboardInterrupt:
            return False
        self.tell(f"The failover has ended: {self.response.came_to()}")
        return True

    def see_out(self, undoing: Undoing, fault: Fault, undo: Undo) -> bool:
        """The same; then what could not be undone beside it is, which its dead-man had to leave."""
        if not self.wait():
            return False
        if self.outlasts:
            with undisturbed():
                healing = undoing.heal(fault, undo, response_ended=True, patient=False)
                undoing.keep_beside(undo, healing)
        return True

    def _tell_of_questions(self) -> None:
        """It waits for people as well, and who looks at this terminal may not know."""
        try:
            questions = Questions(self.estate.state).open()
        except (BlackstartError, OSError):
            return  # whoever asked it says so; here nothing is decided
        for question in questions:
            until = f"{datetime.fromisoformat(question.until):%H:%M:%S} UTC"
            self._say(question.id, f"It waits until {until} for `blackstart approve`: {question.says}")

    def _say(self, about: str, words: str) -> None:
        if about not in self._said:
            self._said.add(about)
            self.tell(words)
