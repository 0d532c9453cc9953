"""Keep the lease of a site, and its door, until told to end: what runs beside the database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from sites.errors import BlackstartError, SiteError
from sites.lease.door import Door, Place
from sites.lease.term import Term

_RENEWALS_A_TERM = 4


def keep(
    term: Term,
    listen: Place,
    server: Place,
    seconds: float,
    tell: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Renew, and let pass what may pass, until `stop`. Raises SiteError where the door cannot be opened."""
    renewing = threading.Thread(target=_renew_on, args=(term, seconds, tell, stop), daemon=True)
    renewing.start()
    try:
        asyncio.run(_serve(Door(listen, server, lambda: term.open), stop))
    except OSError as error:
        raise SiteError(f"the door cannot listen at {listen.host}:{listen.port}: {error.strerror}") from None
    finally:
        stop.set()


async def _serve(door: Door, stop: threading.Event) -> None:
    serving = asyncio.ensure_future(door.serve())
    stopped = asyncio.ensure_future(asyncio.to_thread(stop.wait))
    await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    if serving.done():
        serving.result()
    serving.cancel()
    await stopped


def _renew_on(term: Term, seconds: float, tell: Callable[[str], None], stop: threading.Event) -> None:
    """Every change of what was said last is told; the door does not ask this thread."""
    last: str | None = "not yet"
    while not stop.is_set():
        try:
            why = term.renew()
        except BlackstartError as error:
            why = str(error)
        if why != last:
            tell("the lease is held, and the door is open" if why is None else f"no lease: {why}")
            last = why
        stop.wait(seconds / _RENEWALS_A_TERM)
