"""Kill a failover at a boundary or at any moment, while a recorder writes; what the world then has to be."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from drills import recording
from drills.gone import tell_if_gone
from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recording import Recording
from rto_rpo import JUDGE
from rto_rpo.ledger.reader import read
from rto_rpo.measure import measure
from sites.capability import Proof, SiteDriver
from sites.drivers.postgres.canary import PostgresCanary
from sites.estate import Estate
from sites.recovery.injection import KilledAt, nothing
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Run
from sites.recovery.standing import Standing
from sites.secret import Secret
from tests.drills.recorder.running import freeze_once_steady
from tests.rto_rpo.ledgers import calibration
from tests.sites.drivers.pairs import Pair

LIMIT_SECONDS = 1.0
STEPS = 5
POINTS = STEPS * 4
MOMENT_SECONDS_MAX = 0.35  # a failover of this estate takes about so long
OWN_STEPS = {
    name: {"after": [after], "do": ["touch", name], "done": ["test", "-e", name]}
    for name, after in (("tell", "fence primary"), ("count", "promote orders"), ("open", "run count"))
}


def quiet(*_: object) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Kill:
    """At a boundary, numbered from 1; or, with 0, so long after it began."""

    point: int
    seconds: float = 0.0


def kills_of(seed: int, count: int) -> list[Kill]:
    """Every boundary in turn, each followed by a random moment; the same each time for a seed.

    Where four of them make a round, its first one falls on every other boundary: seeds take turns.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    first = 3 * seed
    found = []
    for number in range(count // 2):
        found += [Kill((first + number) % POINTS + 1), Kill(0, chance.uniform(0, MOMENT_SECONDS_MAX))]
    return found


def killed(estate: Estate, kill: Kill) -> bool:
    """Fail over, or go on with it, in a process that is killed. False if it came to its end first."""
    child = os.fork()
    if child == 0:
        try:
            run = go_on(estate, kill.point)
        except BaseException:  # noqa: BLE001 - a copy of the test must not go on
            traceback.print_exc()
            os._exit(2)
        os._exit(0 if run is None or run.complete else 1)
    if not kill.point:
        time.sleep(kill.seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def go_on(estate: Estate, point: int = 0) -> Run | None:
    """What `blackstart failover`, and after a kill `--resume`, does. None where it had come to its end."""
    stands = Standing(estate.state).now
    if stands == "failed over":
        return None
    at = KilledAt(point) if point else nothing
    return fail_over(estate, runbook_of(estate, quiet), quiet, resume=stands == "failing over", at=at)


@dataclass(frozen=True, slots=True)
class Watched:
    """A recorder that writes to the pair as its clients do, and to the old primary's own address."""

    recording: Recording
    ledger: Path
    stable_seconds: float

    def lose(self, estate: Estate, how: Callable[[], Proof] | None = None) -> None:
        """The whole site is killed, or it is lost in another way."""
        self.recording.event("fault_begin", sync=True)
        proof = (how or estate.site("primary").kill)()
        self.recording.event("fault_end", detail={"how": proof.how})
        self.recording.event(
            "fault_effective", detail={**proof.detail, "holds": proof.holds, "how": proof.how}
        )
        if how is None:
            assert tell_if_gone(estate.site("primary"), self.recording)

    def hear(self, line: str) -> None:
        """What `blackstart watch` says of the fence, as it says it."""
        if "Fenced" in line:
            self.recording.event("fenced", detail={"proof": "gone", "how": line})

    def end(self, gone: SiteDriver | None = None, *, taken_over: bool = True) -> int:
        """Wait for steady service, read everything back; how many writes were acknowledged.

        Nothing runs at the site that is `gone`.
        Where nobody has `taken_over` there is no new side that a second writer could be told by.
        """
        assert self.recording.wait_until(lambda state: state.stable, 30).stable
        if gone is not None:  # once all has settled that was sent until the service was stable
            settled_seconds = self.stable_seconds + LIMIT_SECONDS + 0.1
            self.recording.wait_until(lambda state: state.served_seconds >= settled_seconds, 30)
            assert tell_if_gone(gone, self.recording)
        self.recording.verify()
        self.recording.finish("stable")
        records = list(read(self.ledger))  # raises where the chain of hashes is broken
        assert records[-1]["kind"] == "end"
        found = measure(self.ledger)
        assert found.void is None, found.void
        (point,) = found.recovery_points
        assert point.reading_complete
        assert (point.lost, point.corrupt, point.duplicated, point.unexpected) == ((), (), (), ())
        (split,) = found.split_brain
        assert split.verdict == ("met" if taken_over else "inconclusive"), split
        assert taken_over == ("nothing shows that a new side served" not in split.reason), split
        return point.acknowledged_count


def watch(pair: Pair, folder: Path, stable_ns: int = 300_000_000) -> Watched:
    """Where writes are left without an answer for a while, `stable_ns` has to be longer than they may take.

    Else the service is stable, by what was sent, before the new side's first answer has arrived.
    """
    folder.mkdir()
    recording_ = recording.start(_config(pair, folder, stable_ns))
    freeze_once_steady(recording_)
    return Watched(recording_, folder / "ledger.jsonl", stable_ns / 1e9)


def _config(pair: Pair, folder: Path, stable_ns: int) -> RecorderConfig:
    ours = [pair.servers[name].settings for name in ("primary", "dr")]
    own = [f"{each.host}:{each.port}" for each in ours]
    streams = (_stream(pair, "orders", "clients", *own), _stream(pair, "OLD-PRIMARY", "old_primary", own[0]))
    header: dict[str, Any] = {
        "judge": JUDGE,
        "run": str(uuid4()),
        "plan": {"name": "light", "sha256": "0" * 64, "variables": {}},
        "drill": {
            "name": "killed",
            "kind": "live",
            "environment": "test",
            "fault": {"kind": "kill_site", "site": "primary"},
            "respond": "observe",
        },
        "judged": [{"subject": "orders", "objective": "rpo", "seconds": 0.0, "stream": "orders"}],
        "not_tested": [],
        "machine": "this machine",
        "calibration": calibration(),
    }
    return RecorderConfig(
        folder=folder,
        header=header,
        streams=streams,
        late_ns=2_000_000_000,  # a machine that others use is no reason to call it an outage
        stable_ns=stable_ns,
        deadline_ns=600_000_000_000,
        seed=7,
        steady_ns=300_000_000,
    )


def _stream(pair: Pair, name: str, role: Any, *addresses: str) -> StreamConfig:
    password = Secret(file=pair.folder / "owner")
    return StreamConfig(
        name=name,
        role=role,
        address=",".join(addresses),
        dataset="orders",
        interval_ns=20_000_000,
        limit_ns=int(LIMIT_SECONDS * 1e9),
        client=PostgresCanary(addresses, "desk", "blackstart", password, pooled=True),
    )
