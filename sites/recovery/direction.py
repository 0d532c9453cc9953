"""Which site serves now and which would take over: after a switchover, the other way round.

Amid a planned change that was cut off it is worked out from what was recorded and what is observed. Before
the change began to promote anything, the site that served before it is the one that is lost. After that the
new side may have served: where it answers, the failover finishes there what the change left undone; where it
does not, that one is lost, and the site that served before takes over again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import Failover
from sites.recovery.left_off import begun_steps
from sites.recovery.standing import Standing, State

_HOMEWARD: tuple[State, ...] = ("switched over", "failing over home", "failed over home")
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
    away = Direction(declared.from_site, declared.to_site, home=False)
    home = Direction(declared.to_site, declared.from_site, home=True)
    if stands in _HOMEWARD:
        return home
    if stands == "switching over" and new_side_lost(estate, away.new):
        return home
    if stands == "failing back" and not new_side_lost(estate, home.new):
        return home
    return away


def promotion_begun(estate: Estate) -> bool:
    """Whether the change of sites that was cut off may have made the other site the writable one."""
    return any(step.startswith("promote ") for step in begun_steps(estate.state))


def new_side_lost(estate: Estate, site: str) -> bool:
    """Whether a cut-off change of sites may have promoted something at the site, which does not answer."""
    copies = estate.replicated().values()
    return promotion_begun(estate) and any(driver.writable(site) is None for driver in copies)


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
