"""The steps that give a dataset its protection back: a standby again, and commits that wait for it."""

from __future__ import annotations

from sites.errors import DatasetError, RunbookError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery import by_hand_rejoin
from sites.recovery.left_off import begun_steps
from sites.recovery.runbook import Detail, Step
from sites.recovery.standing import Standing
from sites.recovery.whole_site import give_back
from sites.unprotected import Unprotected

REJOIN_SECONDS = 24 * 3600.0
PROTECT_SECONDS = 600.0
HOST_SECONDS = 300.0
_BACK_SECONDS = 5.0


def slot_of(site: str) -> str:
    """The slot through which the standby at a site follows. Slots are named with less than sites may be."""
    return site.replace("-", "_")


def taken_over(estate: Estate, name: str, old: str, new: str) -> bool:
    """Whether the copy at `new` is the writable one of the two, and not because it came back blindly.

    Each promotion starts a timeline, so the right writer is on a later one than who was it before.
    """
    driver = estate.postgres(name)
    if driver.writable(new) is not True:
        return False
    if f"promote {name}" in begun_steps(estate.state):
        return True  # by us; the other one need not be whole, nor there; the fence asks whether it refuses
    if not driver.refuses_write(old).holds:
        return False
    try:
        return driver.timeline(old) <= driver.timeline(new)
    except DatasetError:  # it is not running: then it says what it was when it stopped
        return estate.rejoining(name, old).control().timeline < driver.timeline(new)


def rejoin_step(estate: Estate, name: str, site: str, primary: str, needs: tuple[str, ...] = ()) -> Step:
    """The server at `site`, which must not take writes any more, becomes the standby of that at `primary`."""
    driver, process = estate.postgres(name), estate.server(name, site).process or ""

    def do(limit_seconds: float) -> Detail:
        place, rejoining = estate.site(site), estate.rejoining(name, site)
        if driver.writable(primary) is not True:
            raise RunbookError(
                f'dataset "{name}" takes no writes at site "{primary}": nothing to follow there'
            )
        place.stop(process)
        source = driver.host_standby(primary, slot_of(site), limit_seconds=HOST_SECONDS)
        done = rejoining.prepare(source, limit_seconds=limit_seconds)
        place.up(only=())
        place.start(process)
        _open_door(estate, site)
        return {"dataset": name, "site": site, "how": done.how, **({"why": done.why} if done.why else {})}

    return Step(
        name=f"rejoin {name} at {site}",
        says=f'make the server of dataset "{name}" at site "{site}" the standby of that at "{primary}"',
        do=do,
        done=lambda: driver.in_sync(standby=site, synchronous=False).holds,
        limit_seconds=REJOIN_SECONDS,
        by_hand=by_hand_rejoin.rejoin(estate, name, site, primary, slot_of(site)),
        needs=needs,
        undo=lambda _limit_seconds: {"left": f'the server at site "{site}" is what it has become of it'},
    )


def _open_door(estate: Estate, site: str) -> None:
    """A server that is a standby may be reached again: what it takes no writes, its door need not refuse."""
    failover = estate.plan.failover
    lease = failover.lease if failover is not None else None
    if lease is None or site not in lease.doors:
        return
    give_back(lease, site, Fences(estate.state))
    if (process := lease.doors[site].process) is not None:
        estate.site(site).start(process)


def protect_step(estate: Estate, name: str, site: str, primary: str) -> Step:
    """Nothing is left of the standby's time as a primary, and commits wait for it, if the plan says so."""
    driver, waited = estate.postgres(name), estate.postgres(name).synchronous

    def do(limit_seconds: float) -> Detail:
        proof = driver.wait_until_in_sync(limit_seconds=limit_seconds, standby=site, synchronous=False)
        if not proof.holds:
            raise DatasetError(f'dataset "{name}" is not protected again: {proof.how}')
        driver.drop_slot(site, slot_of(primary))
        if waited:
            driver.wait_for_standby(primary, site)
            proof = driver.wait_until_in_sync(limit_seconds=limit_seconds, standby=site)
        if not proof.holds:
            raise DatasetError(f'dataset "{name}" is not protected again: {proof.how}')
        Unprotected(estate.state).lift(name)
        return {"dataset": name, "how": proof.how, **proof.detail}

    return Step(
        name=f"protect {name} at {site}",
        says=f'wait until site "{site}" has all of dataset "{name}"'
        + (", then make commits wait for it" if waited else ""),
        do=do,
        done=lambda: False,  # slots and settings are looked at each time; doing it twice is harmless
        limit_seconds=PROTECT_SECONDS,
        by_hand=by_hand_rejoin.protect(estate, name, site, primary, slot_of(primary), waited=waited),
        needs=(f"rejoin {name} at {site}",),
        milestone="protected",
        undo=lambda _limit_seconds: give_up_waiting(estate, name, site, primary),
    )


def give_up_waiting(estate: Estate, name: str, site: str, primary: str) -> Detail:
    """Commits wait no more for a standby that was lost again, where nobody was waited for before."""
    driver = estate.postgres(name)
    if not driver.synchronous or Standing(estate.state).before not in ("failed over", "failed over home"):
        return {}
    if driver.wait_until_in_sync(limit_seconds=_BACK_SECONDS, standby=site).holds:
        return {}
    entry = Unprotected(estate.state).note(name, primary, "failed over")
    driver.wait_for_nobody(primary)
    return {"left": str(entry)}
