"""Whether a database server is proven gone: only then is its closed port a proof that it takes no writes."""

from __future__ import annotations

from collections.abc import Callable

from sites.capability import KnowingOne, Proof, SiteDriver
from sites.errors import BlackstartError
from sites.plan import PostgresServer


def server_gone(server: PostgresServer, site: Callable[[str], SiteDriver]) -> Proof:
    """By the site that runs it, down to the last process that it started. What nobody can ask is no proof."""
    if server.process is None:
        return Proof(False, f'no process of site "{server.site}" is that server, so nothing proves it gone')
    try:
        place = site(server.site)
        whole = place.proven_gone()
        if whole.holds:
            return whole
        if isinstance(place, KnowingOne):
            return place.process_gone(server.process)
        runs = server.process in place.running()
    except BlackstartError as error:
        return Proof(False, str(error))
    said = f'process "{server.process}" at site "{server.site}"'
    return Proof(not runs, f"{said} {'runs' if runs else 'does not run, as its site says'}")
