"""Whether the other site could take over: looked at before anything is done about the one that serves."""

from __future__ import annotations

from sites.errors import BlackstartError, GateRefused
from sites.estate import Estate
from sites.recovery.direction import Direction, promotion_begun
from sites.recovery.standing import Standing
from sites.recovery.ways_out import ways_out

_ANSWER_SECONDS = 30.0


class NotPromotable(GateRefused):
    """The other site could not take over, so nothing was done."""


def require_promotable(estate: Estate, way: Direction) -> None:
    """Amid a change of sites that was cut off. Raises NotPromotable where the copy there is not whole."""
    act = Standing(estate.state).under_way
    if act is None or act == "failover":
        return
    for name, driver in estate.replicated().items():
        if driver.writable(way.new) is not None:
            continue
        why = "it does not answer"
        if promotion_begun(
            estate
        ):  # else nothing shows that it has all, and was stopped as part of the change
            why = why_not_woken(estate, name, way.new) or ""
        if why:
            raise NotPromotable(
                f'site "{way.new}" cannot take over dataset "{name}": {why}',
                hint=f"start again what is down there: {ways_out(estate.state, act)}",
            )


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
