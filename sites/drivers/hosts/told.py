"""What the script on a host says, read. Pure. What does not read as "up" or "gone" is unknown, never gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sites.capability import Proof
from sites.errors import HostError


@dataclass(frozen=True, slots=True)
class Told:
    """Of one process: whether it runs, and the numbers it has on its host."""

    up: bool
    numbers: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        return self.numbers[0] if self.numbers else 0


def read_report(lines: Iterable[str]) -> dict[str, Told]:
    """By name. Raises HostError for one whose state its host cannot tell."""
    told: dict[str, Told] = {}
    notes: dict[str, str] = {}
    for line in lines:
        name, _, said = line.partition(" ")
        state, _, rest = said.partition(" ")
        if name == "note":
            notes[state] = rest
        elif state == "gone":
            told[name] = Told(up=False)
        elif state == "up":
            told[name] = Told(True, tuple(int(word) for word in rest.split() if word.isdigit()))
        else:
            raise HostError(
                f'cannot tell whether process "{name}" runs: {rest or said or "its host said nothing of it"}',
                hint="its status must exit 0 when it runs and 3 when it does not",
            )
    for name, note in notes.items():
        if name in told and told[name].up:
            raise HostError(f'process "{name}" still runs: {note}')
    return told


def read_ports(process: str, lines: Iterable[str]) -> set[int]:
    """The TCP ports on which it listens. Raises HostError where its host cannot tell all of them."""
    found: set[int] = set()
    for line in lines:
        word, _, rest = line.partition(" ")
        if word != "port" or not rest.isdecimal():
            raise HostError(
                f'cannot tell on which ports process "{process}" listens: {rest or line}',
                hint="with `sudo` it can be told of every unit; a status command has to print process ids",
            )
        found.add(int(rest))
    return found


def gone(told: Mapping[str, Told], wanted: Iterable[str]) -> Proof:
    """Whether each of those is known to be gone."""
    missing = [name for name in wanted if name not in told]
    if missing:
        return Proof(False, f"nothing was said of {', '.join(missing)}")
    left = {name: list(told[name].numbers) for name in wanted if told[name].up}
    if left:
        return Proof(False, f"{len(left)} of its processes run: {', '.join(left)}", {"left": left})
    return Proof(True, "every host says that none of its processes is there")


def standing(lines: Iterable[str], wanted: str) -> Proof:
    """Whether all processes stand still, or all go on, as `signal_all` said on each host."""
    counted, left = 0, []
    for line in lines:
        word, _, rest = line.partition(" ")
        numbers = rest.split()
        if word != "standing" or not numbers:
            return Proof(False, f"what a host said is not understood: {line[:200]}")
        counted += int(numbers[0])
        left += numbers[1:]
    state = "stand still" if wanted == "still" else "go on"
    if left:
        return Proof(False, f"{len(left)} of {counted} processes do not {state}", {"left": left})
    if not counted and wanted == "still":
        return Proof(False, "no process is there to stand still")
    return Proof(True, f"all {counted} processes {state}", {"processes": counted})
