"""The steps of a planned change that end the old side's service, each of which can be taken back."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sites.errors import BlackstartError, DatasetError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery import by_hand, by_hand_data
from sites.recovery.failover import PROMOTE_SECONDS, START_SECONDS
from sites.recovery.rejoin import give_up_waiting, taken_over
from sites.recovery.runbook import Detail, Step

_POLL_SECONDS = 0.002


def drain_step(estate: Estate, name: str, old: str) -> Step:
    """The service takes nobody any more; those that need it were drained before."""
    site, services = estate.site(old), estate.plan.services
    process = services[name].process or name
    dependents = [other for other, service in services.items() if name in service.needs and service.process]

    def do(_limit_seconds: float) -> Detail:
        site.stop(process)
        return {"service": name, "site": old}

    def undo(_limit_seconds: float) -> Detail:
        site.start(process)
        return {"service": name, "site": old}

    return Step(
        name=f"drain {name}",
        says=f'stop service "{name}" at site "{old}"',
        do=do,
        done=lambda: process not in site.running(),
        limit_seconds=START_SECONDS,
        by_hand=by_hand.stop(estate.plan, old, process),
        needs=tuple(f"drain {other}" for other in dependents),
        undo=undo,
    )


def stop_step(estate: Estate, name: str, old: str, new: str, drains: Sequence[str]) -> Step:
    """The old primary ends, and its standby is seen to have all of it."""
    server = estate.server(name, old)

    def undo(limit_seconds: float) -> Detail:
        """The fence was lifted before this."""
        estate.site(old).up(only=())
        estate.site(old).start(server.process or "")
        estate.postgres(name).wait_until_answering(old, limit_seconds=limit_seconds)
        return {"dataset": name, "site": old, **give_up_waiting(estate, name, new, old)}

    return Step(
        name=f"stop {name}",
        says=f'stop the primary of dataset "{name}", and see that site "{new}" has all of it',
        do=lambda limit_seconds: _stop_and_prove(estate, name, old, new, limit_seconds),
        done=lambda: taken_over(estate, name, old, new),
        limit_seconds=PROMOTE_SECONDS,
        by_hand=f"{by_hand.stop(estate.plan, old, server.process or '')} &&\n"
        + by_hand_data.compare(estate, name, old, new),
        needs=tuple(f"drain {service}" for service in drains),
        undo=undo,
    )


def _stop_and_prove(estate: Estate, name: str, old: str, new: str, limit_seconds: float) -> Detail:
    """What cannot be proven is undone: the old side takes writes again, and nothing was promoted."""
    process = estate.server(name, old).process or ""
    site, driver = estate.site(old), estate.postgres(name)
    rejoining = estate.rejoining(name, old)
    if process in site.running():
        proof = driver.wait_until_in_sync(limit_seconds=limit_seconds, standby=new, synchronous=False)
        if not proof.holds:
            raise DatasetError(f'dataset "{name}" is not switched over: {proof.how}')
        driver.keep_line(new)  # from the next line on those who come to the database wait, too
        site.stop(process)
    control = rejoining.control()
    try:
        if not control.was_a_primary_and_stopped_cleanly:
            raise DatasetError(f'the primary of dataset "{name}" did not shut down: it is {control.state}')
        deadline = time.monotonic() + limit_seconds
        while (replayed := driver.replayed(new)) <= control.checkpoint:
            if time.monotonic() > deadline:
                raise DatasetError(f'site "{new}" lacks the end of dataset "{name}"')
            time.sleep(_POLL_SECONDS)
    except BlackstartError:
        if not Fences(estate.state).raised(
            old
        ):  # one that is stays down: `--abandon` lifts the fence and starts it again
            site.start(process)
        raise
    return {"dataset": name, "last_entry": control.checkpoint, "replayed": replayed}
