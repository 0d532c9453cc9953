"""Which site serves now and which would take over: after a switchover, the other way round."""

from __future__ import annotations

from dataclasses import dataclass

from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import Failover
from sites.recovery.standing import Standing, State

_AWAY_SERVES: tuple[State, ...] = ("switched over", "failing over home")
_HOME_ALONE: tuple[State, ...] = ("failed over home", "failing back home")


@dataclass(frozen=True, slots=True)
class Direction:
    """A failover goes from `old` to `new`. `home`: to the site that serves in normal times."""

    old: str
    new: str
    home: bool


def declared_failover(estate: Estate) -> Failover:
    """Raises GuardError when the plan declares none."""
    if estate.plan.failover is None:
        raise GuardError(
            f'plan "{estate.plan.name}" declares no failover',
            hint="add the section `failover` to the plan",
        )
    return estate.plan.failover


def direction(estate: Estate) -> Direction:
    """Where a failover that begins now, or is resumed, goes. Raises GuardError, RunbookError."""
    declared, stands = declared_failover(estate), Standing(estate.state).now
    if stands in (*_AWAY_SERVES, *_HOME_ALONE):
        return Direction(declared.to_site, declared.from_site, home=True)
    return Direction(declared.from_site, declared.to_site, home=False)


def home_alone(estate: Estate) -> bool:
    """Whether home serves after the other site was lost: a failback only protects it again."""
    return Standing(estate.state).now in _HOME_ALONE


def serving(estate: Estate) -> tuple[str, str] | None:
    """The site that should serve and the other one; None amid an act that changes it."""
    declared, stands = declared_failover(estate), Standing(estate.state).now
    home, away = declared.from_site, declared.to_site
    if stands in ("serving at home", "failed over home"):
        return home, away
    return (away, home) if stands in ("failed over", "switched over") else None
