"""The failover, as one table. A drill and a real disaster both run this one.

step                 after                                        milestone
fence SITE           -                                            fenced
promote DATASET      fence                                        promoted
start SERVICE        what it needs; its gate; attest if gated     started
redirect SERVICE     its start                                    redirected
restore DATASET      fence, and the services that need nothing    restored
                     restored: clients are waiting for those
gate SERVICE         the services and databases it needs          (a check)
attest one writer    every promotion, and every gate but those    safe
                     of services that need a gated one
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter

from sites.errors import RunbookError, SiteDown
from sites.estate import Estate
from sites.plan import Gate, Service
from sites.recovery import by_hand, by_hand_data
from sites.recovery.asking import asker
from sites.recovery.attesting import require_writable
from sites.recovery.direction import declared_failover, direction
from sites.recovery.fence import Fence, Fences, Refusing
from sites.recovery.gate import GateCommand, pass_gate
from sites.recovery.promoting import promote_by_command, promote_step
from sites.recovery.redirect import redirect_of
from sites.recovery.restoring import as_left_step, restore_step
from sites.recovery.runbook import Detail, Observer, Step
from sites.recovery.running_again import run_again
from sites.recovery.standing import Standing
from sites.recovery.whole_site import fence_limit_seconds, wholes_of
from sites.restore import RestoreSource
from sites.standby_signal import signals_of

PROMOTE_SECONDS = 60.0
START_SECONDS = 60.0
ATTEST_SECONDS = 10.0
ATTEST = "attest one writer"


class Failover:
    """Makes the steps of the failover that an estate's plan declares.

    Raises GuardError when the plan declares none.
    """

    def __init__(self, estate: Estate, observe: Observer) -> None:
        declared, way = declared_failover(estate), direction(estate)
        self._home = way.home
        self._estate = estate
        self._plan = estate.plan
        self._observe = observe
        self._fences = Fences(estate.state)
        self._old, self._new = way.old, way.new
        self._power_off = declared.power_off
        self._ask_seconds = declared.decide_by.seconds
        self._fence = f"fence {self._old}"
        self._promoted = [n for n, d in self._plan.datasets.items() if d.kind == "postgres" and d.standby]
        self._by_command = estate.promotable(self._new)
        # Whether something runs at the new site, or has to, before anything is started there.
        self._in_use = bool(self._promoted or self._by_command)
        self._restored = [n for n, d in self._plan.datasets.items() if d.kind != "postgres" and d.restore]
        self._gated = [n for n, s in self._plan.services.items() if s.gate is not None]

    def steps(self) -> list[Step]:
        """All steps. `runbook.in_order` sorts them; the engine runs independent ones side by side."""
        steps = [self._fence_step()]
        steps += [
            promote_step(self._estate, name, self._new, (self._fence,), PROMOTE_SECONDS)
            for name in self._promoted
        ]
        steps += [
            promote_by_command(self._plan, name, self._new, driver, (self._fence,), PROMOTE_SECONDS)
            for name, driver in self._by_command.items()
        ]
        steps += map(self._restore_step, self._restored)
        steps += [self._attest_step()] if self._gated else []
        for name, service in self._plan.services.items():
            steps += self._service_steps(name, service)
        return steps

    def _fence_step(self) -> Step:
        around, standing = self._around_old(), Standing(self._estate.state)

        def do(_limit_seconds: float) -> Detail:
            proof = around.raise_(standing.begun.run)
            return {"site": self._old, "how": proof.how, **proof.detail}

        def undo(_limit_seconds: float) -> Detail:
            if around.lift(standing.begun.run):
                return {"site": self._old, **run_again(self._estate, self._old, ours=standing.begun.stopped)}
            left = f'the fence of site "{self._old}" stands: a {self._fences.why(self._old)} raised it'
            return {"site": self._old, "left": left}

        return Step(
            name=self._fence,
            says=f'keep site "{self._old}" from taking any more writes, and prove it',
            do=do,
            done=around.raised_whole,
            limit_seconds=fence_limit_seconds(declared_failover(self._estate), self._old),
            by_hand=by_hand.fence(self._plan, self._old, self._power_off),
            milestone="fenced",
            undo=undo,
        )

    def _around_old(self) -> Fence:
        """The fence around the old site, with every proof that the plan allows."""
        elsewhere = self._not_of_the_site()
        runs = self._plan.sites[self._old].processes or not elsewhere
        ask = asker(self._estate.state, self._ask_seconds, self._observe)
        return Fence(
            self._fences,
            self._old,
            self._estate.site(self._old) if runs else None,
            elsewhere,
            wholes_of(self._estate, self._old, self._fences, ask),
            stopping=lambda: Standing(self._estate.state).note(stopped=True),
            signals=lambda: signals_of(self._plan, self._estate.site(self._old)),
        )

    def _not_of_the_site(self) -> dict[str, Refusing]:
        """The databases at the old site that do not end with its processes.

        Of one that is run by commands nobody knows whether it does; a site's own fence answers for all.
        """
        found: dict[str, Refusing] = {
            name: self._estate.postgres(name)
            for name in self._promoted
            if self._old in self._estate.sites_of(name)
            and self._estate.server(name, self._old).process is None
        }
        if self._plan.sites[self._old].kind != "shell":
            found |= {n: d for n, d in self._by_command.items() if self._old in d.sites}
        return found

    def _restore_step(self, name: str) -> Step:
        noun = self._plan.datasets[name]
        if self._home:
            place = noun.path if noun.kind in ("files", "sqlite") else None
            return as_left_step(name, self._new, place, (self._fence,))
        needs = (self._fence, *self._ends_of(self._first_services()))
        return restore_step(self._plan, name, self._source(name), needs)

    def _source(self, name: str) -> RestoreSource:
        return self._estate.restore_source(name)

    def _attest_step(self) -> Step:
        around = self._around_old()
        drivers = {name: self._estate.postgres(name) for name in self._promoted}

        def do(_limit_seconds: float) -> Detail:
            proof = around.holds()
            if not proof.holds:
                raise RunbookError(f'site "{self._old}" is fenced no longer: {proof.how}')
            require_writable(self._new, {**drivers, **self._by_command})
            return {"writer": self._new, "old_site": proof.how}

        gates = [f"gate {name}" for name in self._first_gated()]
        return Step(
            name=ATTEST,
            says=f'see that site "{self._new}" takes writes and that site "{self._old}" is gone',
            do=do,
            done=lambda: False,  # an attestation holds for the moment at which it was made
            limit_seconds=ATTEST_SECONDS,
            by_hand="\n".join(map(self._ask_by_hand, self._promoted)) or "blackstart status",
            needs=(self._fence, *(f"promote {n}" for n in (*self._promoted, *self._by_command)), *gates),
            milestone="safe",
        )

    def _ask_by_hand(self, name: str) -> str:
        return by_hand_data.ask_writer(self._estate, name, self._new)

    def _service_steps(self, name: str, service: Service) -> list[Step]:
        steps = []
        if service.gate is not None:
            steps.append(self._gate_step(name, service, service.gate))
        if service.process is not None:
            steps.append(self._start_step(name, service, service.process))
        if service.redirect is not None:
            steps.append(self._redirect_step(name, service))
        return steps

    def _gate_step(self, name: str, service: Service, gate: Gate) -> Step:
        def do(limit_seconds: float) -> Detail:
            env, secret_env = self._estate.environment(gate.env)
            env |= {"BLACKSTART_SITE": self._new}
            asked = GateCommand(gate.command, env, secret_env, self._plan.folder, gate.answers)
            return pass_gate(name, asked, limit_seconds, self._observe)

        return Step(
            name=f"gate {name}",
            says=f'ask whether service "{name}" may start at site "{self._new}"',
            do=do,
            done=lambda: False,  # a gate that was open once may be shut now
            limit_seconds=gate.limit.seconds,
            by_hand=by_hand.told(self._plan.folder, {**gate.env, "BLACKSTART_SITE": self._new}, gate.command),
            needs=(self._fence, *self._ends_of(service.needs, restored=False)),
            undo=lambda _limit_seconds: {},  # it only asked
        )

    def _start_step(self, name: str, service: Service, process: str) -> Step:
        site = self._estate.site(self._new)

        def do(_limit_seconds: float) -> Detail:
            try:
                site.start(process)
            except SiteDown:
                if self._in_use:  # it was lost meanwhile: what was promoted or started there is gone
                    raise
                site.up(only=())
                site.start(process)
            self._in_use = True
            return {"service": name, "site": self._new}

        gate = (f"gate {name}", ATTEST) if service.gate is not None else ()
        return Step(
            name=f"start {name}",
            says=f'start service "{name}" at site "{self._new}"',
            do=do,
            done=lambda: process in site.running(),
            limit_seconds=START_SECONDS,
            by_hand=by_hand.start(self._plan, self._new, process),
            needs=(self._fence, *self._ends_of(service.needs), *gate),
            milestone="started",
        )

    def _redirect_step(self, name: str, service: Service) -> Step:
        redirect = redirect_of(service, self._plan.folder)

        def do(limit_seconds: float) -> Detail:
            redirect.point_to(self._new, limit_seconds)
            return {"service": name, "site": self._new}

        start = (f"start {name}",) if service.process is not None else self._ends_of(service.needs)
        return Step(
            name=f"redirect {name}",
            says=f'send the clients of service "{name}" to site "{self._new}"',
            do=do,
            done=lambda: redirect.current() == self._new,
            limit_seconds=redirect.limit_seconds,
            by_hand=redirect.by_hand(self._new),
            needs=(self._fence, *start),
            milestone="redirected",
        )

    def _ends_of(self, needs: tuple[str, ...], *, restored: bool = True) -> tuple[str, ...]:
        """The last step of each thing needed. `restored=False` leaves out what comes from a backup."""
        ends: list[str] = []
        for need in needs:
            if need in self._promoted or need in self._by_command:
                ends.append(f"promote {need}")
            elif need in self._restored:
                ends += [f"restore {need}"] if restored else []
            elif need in self._plan.services:
                ends += self._service_end(need)
        return tuple(ends)

    def _service_end(self, name: str) -> list[str]:
        service = self._plan.services[name]
        if service.redirect is not None:
            return [f"redirect {name}"]
        if service.process is not None:
            return [f"start {name}"]
        return list(self._ends_of(service.needs))

    def _first_gated(self) -> list[str]:
        """The gated services that need no other one: its gate is passed before the others' are asked."""
        behind = self._needing(self._gated)
        return [name for name in self._gated if name not in behind]

    def _first_services(self) -> tuple[str, ...]:
        """The services that wait for no restore: a restore that ran beside them would slow them down."""
        waiting = self._needing(self._restored)
        return tuple(name for name in self._plan.services if name not in waiting)

    def _needing(self, things: Iterable[str]) -> set[str]:
        """The services that need one of those things, directly or not."""
        services, reached = self._plan.services, set(things)
        needs = {name: [n for n in s.needs if n in services] for name, s in services.items()}
        found = set()
        for name in TopologicalSorter(needs).static_order():
            if reached.intersection(services[name].needs):
                found.add(name)
                reached.add(name)
        return found
