"""Each control of a profile against the evidence: its state, why, and which runs it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rto_rpo.controls.answer import Answer, Evidence, State
from rto_rpo.controls.answers import answer
from rto_rpo.controls.profile import Control, Profile
from rto_rpo.report import words

# A clause that asks for several things has the state of the worst of them.
WORST_FIRST: tuple[State, ...] = ("not met", "inconclusive", "not tested", "met", "n.a.")
TOLD: tuple[State, ...] = ("met", "not met", "inconclusive", "not tested", "n.a.")


@dataclass(frozen=True, slots=True)
class Assessment:
    """`answers` are (name, answer) of each thing that the clause asks for; none where it does not apply."""

    control: Control
    state: State
    reason: str
    answers: tuple[tuple[str, Answer], ...]

    @property
    def runs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run for _, one in self.answers for run in one.runs))


@dataclass(frozen=True, slots=True)
class Mapping:
    """A profile, assessed."""

    profile: Profile
    assessments: tuple[Assessment, ...]

    def count(self, state: State) -> int:
        return sum(1 for one in self.assessments if one.state == state)

    @property
    def counts(self) -> str:
        """ "2 met, 1 not met, 3 not tested"."""
        return _counted([one.state for one in self.assessments])


def tally(mappings: Sequence[Mapping]) -> str:
    """All profiles together: "12 clauses of 2 profiles: 2 met, 1 not met, 9 not tested"."""
    states = [one.state for mapping in mappings for one in mapping.assessments]
    told = f"{words.count(len(states), 'clause')} of {words.count(len(mappings), 'profile')}"
    return f"{told}: {_counted(states)}" if states else told


def states_of(mappings: Sequence[Mapping]) -> list[State]:
    """The columns of a table that counts them: n.a. only where there is any."""
    return [state for state in TOLD if state != "n.a." or any(mapping.count(state) for mapping in mappings)]


def _counted(states: Sequence[State]) -> str:
    return ", ".join(f"{states.count(state)} {state}" for state in TOLD if state in states)


def assess(profile: Profile, found: Evidence) -> Mapping:
    """All its controls, in its own order."""
    return Mapping(profile, tuple(_assess(control, found) for control in profile.controls))


def _assess(control: Control, found: Evidence) -> Assessment:
    if control.not_applicable is not None:
        return Assessment(control, "n.a.", control.not_applicable, ())
    answers = tuple((name, answer(name, found)) for name in control.answers)
    state = min((one.state for _, one in answers), key=WORST_FIRST.index)
    reason = "; ".join(_reasons(state, answers))
    if state == "met" and not control.verified:
        state, reason = "inconclusive", f"the clause itself was not read, a quotation only; {reason}"
    return Assessment(control, state, reason, answers)


def _reasons(state: State, answers: tuple[tuple[str, Answer], ...]) -> Iterator[str]:
    """Those that decided come first; what several answers have in common is said once."""
    decided = dict.fromkeys(one.reason for _, one in answers if one.state == state)
    yield from decided
    others = (one for _, one in answers if one.state not in {state, "met"} and one.reason not in decided)
    yield from dict.fromkeys(f"{one.state}: {one.reason.removeprefix(f'{one.state}: ')}" for one in others)
