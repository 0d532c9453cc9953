"""Whether blackstart and the database's own reading agree, end by end; and why one number is not enough.

The canary looks once an interval, and each look takes its time: a connection may have to be made for it.
So blackstart's instants lie up to an interval and an answer's time outside each end of the outage, and
its length up to twice that above the truth though nothing is wrong. What has to hold:

* each of the instants that the bounds are made of, or its operation's other end, lies within one interval of
  the reading's stretch there;
* the reading's gap lies within the bounds, give or take nothing but the reading's own uncertainty.

What is vaguer than one interval by itself, a stretch of the reading or an operation, would meet anything:
then the two are *not comparable*, which is no agreement.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reading import Reading, Stretch

from rto_rpo.ledger.reader import read
from rto_rpo.measure import measure


@dataclass(frozen=True)
class Seen:
    """What a ledger tells, in ns of the recorder's clock.

    Between `serving` and `gone` the service stopped: f0 and f1, or, where the fault is none of ours, the
    sendings of the last served operation and of the first bad one. It came back between `s`, the sending
    of the last bad operation, and `b`, the answer of the first one after it; `s_answered` and `b_sent`
    are the other ends of these two. `upper` is from `serving` to `b`. `flapped`: some operation in
    between was served. `killed`: f1 is when all was proven dead, which may well be long after the end of
    the service.
    """

    interval: int
    late: int
    serving: int
    gone: int
    s: int
    s_answered: int
    b_sent: int
    b: int
    lower: int
    upper: int
    flapped: bool
    killed: bool


@dataclass(frozen=True)
class Agreement:
    """How far each instant, bare, is off the reading's stretch at its end, and what follows; all in ns.

    `length_off` is the upper bound less the gap. `disagreements` count only where nothing is `incomparable`.
    """

    offs: dict[str, int]
    length_off: int
    incomparable: tuple[str, ...]
    disagreements: tuple[str, ...]

    @property
    def word(self) -> Literal["agrees", "does not agree", "not comparable"]:
        if self.incomparable:
            return "not comparable"
        return "does not agree" if self.disagreements else "agrees"


def seen(ledger: Path) -> Seen:
    """Raises ValueError where the ledger measures no recovery of its one stream of clients."""
    measured = measure(ledger)
    records = list(read(ledger))
    header = records[0]
    if header["kind"] != "header" or not measured.recovery_times or measured.late_ns is None:
        raise ValueError(f"{ledger} measures no recovery")
    (time,) = measured.recovery_times
    s, b, b_sent = time.last_bad_sent_ns, time.first_acknowledged_ns, time.first_acknowledged_sent_ns
    if time.upper_seconds is None or s is None or b is None or b_sent is None:
        raise ValueError(f"{ledger} has no outage with an end")
    (clients,) = [stream for stream in header["streams"] if stream["role"] == "clients"]
    operations = [r for r in records if r["kind"] == "operation" and r["stream"] == clients["name"]]
    upper, lower = round(time.upper_seconds * 1e9), round(time.lower_seconds * 1e9)
    killed = header["drill"]["fault"]["kind"] != "none"
    late = measured.late_ns
    # the lower bound allows the first bad operation to have been late: it was sent that much earlier
    gone = s - lower - (0 if killed else late)
    return Seen(
        interval=clients["interval_ns"],
        late=late,
        serving=b - upper,
        gone=gone,
        s=s,
        s_answered=next(each["completed_ns"] for each in operations if each["sent_ns"] == s),
        b_sent=b_sent,
        b=b,
        lower=lower,
        upper=upper,
        flapped=any(
            gone <= each["sent_ns"] < s
            and each["outcome"] == "acknowledged"
            and each["completed_ns"] - each["sent_ns"] <= late
            for each in operations
        ),
        killed=killed,
    )


def agreement(found: Seen, reading: Reading) -> Agreement:
    """Hold the two against each other."""
    offs = {
        "serving": _off(Stretch(found.serving, found.serving), reading.stopped),
        "gone": _off(Stretch(found.gone, found.gone), reading.stopped),
        "s": _off(Stretch(found.s, found.s), reading.back),
        "b": _off(Stretch(found.b, found.b), reading.back),
    }
    near = offs | {
        "s": _off(Stretch(found.s, found.s_answered), reading.back),
        "b": _off(Stretch(found.b_sent, found.b), reading.back),
    }
    said = [
        f"{name} is {_ms(off)} off what the reading has there"
        for name, off in near.items()
        if abs(off) > found.interval and not (found.killed and name == "gone" and off > 0)
    ]
    gap, slack = reading.gap_ns, reading.width_ns
    if gap > found.upper + slack:
        said.append(f"the reading, {gap / 1e9:.3f} s, is beyond the upper bound, {found.upper / 1e9:.3f} s")
    if gap < found.lower - slack:
        said.append(f"the reading, {gap / 1e9:.3f} s, is below the lower bound, {found.lower / 1e9:.3f} s")
    return Agreement(offs, found.upper - gap, tuple(_incomparable(found, reading)), tuple(said))


def _incomparable(found: Seen, reading: Reading) -> list[str]:
    """What keeps the two from being held against each other at all."""
    wide = [
        f"the reading's own {end} is {_ms(stretch.width_ns)} wide, more than an interval"
        for end, stretch in (("begin", reading.stopped), ("end", reading.back))
        if stretch.width_ns > found.interval
    ]
    wide += [
        f"operation {name} took {_ms(took)}, more than an interval"
        for name, took in (("s", found.s_answered - found.s), ("b", found.b - found.b_sent))
        if took > found.interval
    ]
    if found.flapped:
        wide.append("to blackstart the service was back for a moment before it was stable")
    return wide


def _off(ours: Stretch, theirs: Stretch) -> int:
    """How long after `theirs` ours begins; negative: how long before it ours ends; 0: they meet."""
    return min(ours.end_ns - theirs.begin_ns, 0) + max(ours.begin_ns - theirs.end_ns, 0)


def _ms(ns: int) -> str:
    return f"{ns / 1e6:+.1f} ms"
