"""Whether the other site could take over: looked at before anything is done about the one that serves."""

from __future__ import annotations

from collections.abc import Iterable

from sites.errors import BlackstartError, GateRefused
from sites.estate import Estate
from sites.recovery.attesting import Asked
from sites.recovery.direction import Direction, promotion_begun
from sites.recovery.standing import Standing
from sites.recovery.ways_out import ways_out
from sites.unprotected import Unprotected

_ANSWER_SECONDS = 30.0


class NotPromotable(GateRefused):
    """The other site could not take over, so nothing was done."""


def require_promotable(estate: Estate, way: Direction, steps: Iterable[str] | None = None) -> None:
    """Raises NotPromotable where the other site could not take over: nothing is done to the one that serves.

    Its own copies are asked first, for they answer at once; the old site only where they do not, and only
    what certainly takes no writes may be fenced then. Amid a change of sites the copy has to be whole too.
    `steps` are those of the runbook: what it does not promote is not asked; default: all.
    """
    act = Standing(estate.state).under_way
    amid = act if act != "failover" else None
    wanted = None if steps is None else set(steps)
    for name, copy in _copies(estate, way.new).items():
        if (wanted is not None and f"promote {name}" not in wanted) or copy.writable(way.new) is not None:
            continue
        why = _why_not_amid(estate, name, way.new) if amid else _why_not(estate, copy, way)
        if why is not None:
            raise NotPromotable(
                f'site "{way.new}" cannot take over dataset "{name}": {why}',
                hint=f"start again what is down there: {ways_out(estate.state, amid)}"
                if amid
                else f'start the server of dataset "{name}" at site "{way.new}" again; `blackstart status`',
            )


def _copies(estate: Estate, site: str) -> dict[str, Asked]:
    copies: dict[str, Asked] = {n: d for n, d in estate.replicated().items() if site in estate.sites_of(n)}
    return copies | estate.promotable(site)


def _why_not(estate: Estate, copy: Asked, way: Direction) -> str | None:
    refuses = copy.refuses_write(way.old)
    if refuses.holds or _gone(estate, way.old):
        return None
    return f'it does not answer there, while site "{way.old}" may still take writes ({refuses.how})'


def _gone(estate: Estate, site: str) -> bool:
    try:
        return bool(estate.plan.sites[site].processes) and estate.site(site).proven_gone().holds
    except BlackstartError:  # nobody can tell: it may live
        return False


def _why_not_amid(estate: Estate, name: str, site: str) -> str | None:
    """Only of one that was stopped as part of the change is it known that it has all there was then."""
    return why_not_woken(estate, name, site) if promotion_begun(estate) else "it does not answer"


def lacking_amid(estate: Estate, way: Direction) -> str:
    """What the other site may lack, in words, since the one that is lost served alone amid a change of sites.

    No machine decides to lose that.
    """
    if Standing(estate.state).under_way in (None, "failover"):
        return ""
    alone = [entry for entry in Unprotected(estate.state).all() if entry.site == way.old]
    return "".join(f" It may lack writes: {entry}." for entry in alone)


def why_not_woken(estate: Estate, name: str, site: str) -> str | None:
    """Why a server that a change of sites has stopped may not be started to take writes; None if it may."""
    try:
        rejoining = estate.rejoining(name, site)
        if rejoining.half_made():
            return "making it a standby was cut off, so what is in its folder is worth nothing"
        control = rejoining.control()
    except BlackstartError as error:
        return f"it does not answer, and what it left cannot be looked at: {error}"
    if not control.was_a_primary_and_stopped_cleanly:
        return f'it does not answer, and was left "{control.state}": it may lack what makes it whole'
    return None


def wake(estate: Estate, name: str, site: str) -> None:
    """The server that a cut-off change of sites had stopped and fenced may take writes again, and runs.

    Only behind the fence of the other site. No effect on one that runs. Raises BlackstartError.
    """
    process = estate.server(name, site).process
    if process is None or process in estate.site(site).running():
        return
    if (why := why_not_woken(estate, name, site)) is not None:
        raise NotPromotable(f'site "{site}" cannot take over dataset "{name}": {why}')
    estate.site(site).up(only=())
    estate.site(site).start(process)
    estate.postgres(name).wait_until_answering(site, limit_seconds=_ANSWER_SECONDS)
