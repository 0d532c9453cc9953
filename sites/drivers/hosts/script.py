"""What is run on a host: one shell script for each act, made of what the plan says of its processes."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sites.drivers.processes.readiness import Readiness

END = "END"
ARMED = "ARMED"
_COMMON = (Path(__file__).parent / "script.sh").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class HostProcess:
    """One process of a site: a systemd unit, or the commands that stand in for systemctl's."""

    host: str
    unit: str | None = None
    start: tuple[str, ...] | None = None
    stop: tuple[str, ...] | None = None
    kill: tuple[str, ...] | None = None
    status: tuple[str, ...] | None = None
    ready: Readiness | None = None
    ready_seconds: float = 30.0
    autostart: bool = True

    def call(self, act: str) -> str:
        """The line of shell that does it: "start", "stop", "kill" or "status"."""
        own: tuple[str, ...] | None = getattr(self, act)
        if own is not None:
            return f"{'own_status' if act == 'status' else 'own'} {shlex.join(own)}"
        return f"unit_{act} {shlex.quote(self.unit or '')}"


def functions(
    processes: Mapping[str, HostProcess], *, ask_seconds: float = 10.0, act_seconds: float = 60.0
) -> str:
    """The shell functions that every act is made of. No command there runs longer than it may."""
    limits = f"ask_seconds={ask_seconds:g} act_seconds={act_seconds:g}"
    return "\n".join([limits, _COMMON, *_table(processes)])


def shell(functions_text: str) -> str:
    """For a shell that stays: it knows the functions, and waits for acts."""
    return f"{functions_text}\necho {ARMED}\n"


def inside(line: str) -> str:
    """An act for it. What it starts must not read the acts that follow."""
    return f"{{\n{line}\n}} </dev/null\necho {END}\n"


def alone(functions_text: str, line: str) -> str:
    """The same for a shell that does this alone.

    The whole is one function, so that the shell has read all of it before anything else reads.
    """
    return f"blackstart_act() {{\n{functions_text}\n{line}\necho {END}\nexit 0\n}}\nblackstart_act\n"


def armed(functions_text: str, line: str) -> str:
    """The same, but it waits for the word "go"; without it, nothing is done."""
    return alone(functions_text, f'echo {ARMED}\nread -r word && [ "$word" = go ] || exit 0\n{line}')


def words(names: Iterable[str]) -> str:
    return shlex.join(names)


def _table(processes: Mapping[str, HostProcess]) -> Iterable[str]:
    """Two shell functions: `status NAME`, and `act start|stop|kill NAME`."""
    yield "status() {\ncase $1 in"
    yield from (f"{name}) {each.call('status')} ;;" for name, each in processes.items())
    yield 'esac\n}\nact() {\ncase "$1 $2" in'
    for name, each in processes.items():
        yield from (f"'{act} {name}') {each.call(act)} ;;" for act in ("start", "stop", "kill"))
    yield "esac\n}"
