"""Proofs that cover a whole site: the provider's power-off, and a person's word."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sites.capability import Proof
from sites.drivers import command
from sites.errors import FenceError
from sites.estate import Estate
from sites.fences import Fences
from sites.lease import term
from sites.lease.declared import witness_of
from sites.plan import Failover, Lease, PowerOff
from sites.recovery.asking import Ask
from sites.recovery.direction import direction
from sites.recovery.fence import ACCEPTED, Whole

PARTS_SECONDS = 30.0  # for what the site and its databases show themselves
_POLL_SECONDS = 0.2
_CONFIRM_SECONDS = 20.0
_NOT_OFF = 1
_TAKER = "failover"
_PROOFS = {each.name: each.proof for each in ACCEPTED}


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider's commands, with what they find in their environment."""

    site: str
    off: tuple[str, ...]
    confirm: tuple[str, ...]
    env: Mapping[str, str]
    secret_env: Mapping[str, str] = field(repr=False)
    folder: Path
    limit_seconds: float

    def turn_off(self) -> Proof:
        """Turn the site off and wait for the confirmation. Raises CommandError: then nothing is proven."""
        deadline = time.monotonic() + self.limit_seconds
        self._run(self.off, self.limit_seconds, ok_codes=(0,))
        while not (proof := self.is_off()).holds and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return proof

    def is_off(self) -> Proof:
        """What the provider says. Raises CommandError when it gives no answer."""
        exit_code = self._run(self.confirm, _CONFIRM_SECONDS, ok_codes=(0, _NOT_OFF))
        if exit_code == _NOT_OFF:
            return Proof(False, f'the provider says that site "{self.site}" is not off')
        return Proof(True, f'the provider confirms that site "{self.site}" is off')

    def _run(self, argv: tuple[str, ...], limit_seconds: float, ok_codes: tuple[int, ...]) -> int:
        return command.run(
            argv,
            env=self.env,
            secret_env=self.secret_env,
            limit_seconds=limit_seconds,
            cwd=self.folder,
            ok_codes=ok_codes,
        ).exit_code


def wholes_of(estate: Estate, site: str, fences: Fences, ask: Ask) -> tuple[Whole, ...]:
    """What the plan declares beside the proofs that the site and its databases give themselves."""
    failover = estate.plan.failover
    wholes = []
    if failover is not None and failover.power_off is not None:
        made = partial(_provider, estate, site, failover.power_off)  # a preview needs no secrets
        wholes.append(Whole("power off", lambda: made().turn_off(), lambda: made().is_off()))
    if failover is not None and failover.lease is not None and site in failover.lease.doors:
        wholes.append(_leased(failover.lease, site, fences))
    if failover is not None and failover.fence == "operator":
        wholes.append(_operator(site, fences, ask))
    return tuple(wholes)


def fence_proofs(estate: Estate) -> list[str]:
    """Which accepted proofs this plan's failover can have, in words."""
    failover = estate.plan.failover
    if failover is None:
        return []
    site, found = direction(estate).old, []
    if estate.plan.sites[site].processes:
        found.append(_PROOFS["gone"])
    asked = (name for name in estate.replicated() if site in estate.sites_of(name))
    elsewhere = [name for name in asked if estate.server(name, site).process is None]
    found += [
        f'dataset "{name}" answers that it takes no writes; its silence or closed port proves nothing'
        for name in elsewhere
    ]
    if failover.lease is not None and site in failover.lease.doors:
        found.append(_PROOFS["lease"])
    if failover.power_off is not None:
        found.append(_PROOFS["power off"])
    if failover.fence == "operator":
        found.append(_PROOFS["operator"])
    return found


def fence_limit_seconds(failover: Failover, site: str) -> float:
    """How long a fence may take: every proof that the plan declares, one after the other."""
    limit = PARTS_SECONDS
    if failover.power_off is not None:
        limit += failover.power_off.limit.seconds + _CONFIRM_SECONDS
    if failover.lease is not None and site in failover.lease.doors:
        limit += failover.lease.term.seconds + failover.lease.margin.seconds
    if failover.fence == "operator":
        limit += failover.decide_by.seconds
    return limit


def typed_for(site: str) -> str:
    """What a person types who takes it upon himself that the site is off."""
    return f"site {site} is off"


def _provider(estate: Estate, site: str, declared: PowerOff) -> Provider:
    env, secret_env = estate.environment(declared.env)
    return Provider(
        site,
        declared.command,
        declared.confirm,
        {**env, "BLACKSTART_SITE": site},
        secret_env,
        estate.plan.folder,
        declared.limit.seconds,
    )


def _leased(lease: Lease, site: str, fences: Fences) -> Whole:
    """That it was waited for is noted with the fence; whether it is still taken is asked each time."""

    def raise_() -> Proof:
        record = term.take(witness_of(lease, site), _TAKER, lease.margin.seconds)
        waited = f"{record.seconds:g} s and a margin of {lease.margin.seconds:g} s have passed"
        how = f'the lease of site "{site}" was taken at its witness, and {waited}'
        return Proof(True, how, {"lease": {"number": record.number, "seconds": record.seconds}})

    def holds() -> Proof:
        if "lease" not in fences.noted(site):
            return Proof(False, "its lease was not taken")
        taken = term.taken(witness_of(lease, site))
        how = f'the lease of site "{site}" is {"still" if taken else "no longer"} taken'
        return Proof(taken, how, dict(fences.noted(site)))

    return Whole("lease", raise_, holds, lambda: give_back(lease, site, fences))


def give_back(lease: Lease, site: str, fences: Fences) -> None:
    """The door of the site may open again, where its lease was what fenced it. No effect otherwise."""
    if "lease" in fences.noted(site):
        term.give_back(witness_of(lease, site), _TAKER)


def _operator(site: str, fences: Fences, ask: Ask) -> Whole:
    def raise_() -> Proof:
        answer = ask(f"fence {site}", f'Is site "{site}" off? Nothing here can prove it.', typed_for(site))
        if answer.decision != "approved":
            raise FenceError(f'{answer.by} did not confirm that site "{site}" is off')
        detail: dict[str, object] = {"by": answer.by, "account": answer.account, "typed": answer.typed}
        return Proof(True, f'{answer.by} typed: "{answer.typed}"', {"operator": detail})

    def holds() -> Proof:
        noted = fences.noted(site)
        said = "operator" in noted
        return Proof(said, str(noted.get("how")) if said else "nobody said that it is off", dict(noted))

    return Whole("operator", raise_, holds)
