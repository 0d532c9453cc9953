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
from sites.plan import PowerOff
from sites.recovery.asking import Ask
from sites.recovery.direction import direction
from sites.recovery.fence import ACCEPTED, Whole

_POLL_SECONDS = 0.2
_CONFIRM_SECONDS = 20.0
_NOT_OFF = 1
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
    found += [f'dataset "{name}" refuses a write; its silence proves nothing' for name in elsewhere]
    if failover.power_off is not None:
        found.append(_PROOFS["power off"])
    if failover.fence == "operator":
        found.append(_PROOFS["operator"])
    return found


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
