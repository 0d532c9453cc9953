"""That nothing of the old primary runs: then a closed port is a refusal, and no broken server."""

from __future__ import annotations

import time
from collections.abc import Callable

from drills.clients import primary_site
from drills.faults.struck import struck_sites
from drills.recording import RecorderState, Recording
from sites.capability import SiteDriver
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import Drill, KillSite

_GRACE_SECONDS = 1.0  # on top of a write's own limit, for the recorder to settle it


def tell_of_primary(estate: Estate, drill: Drill, recording: Recording) -> None:
    """Record whether the primary's site is gone, where it was killed. Raises RecorderError.

    One that stands still, is cut off or lost a process may be fenced later: see `tell_at_last`.
    """
    if isinstance(drill.fault, KillSite):
        _tell(estate, drill, recording)


def tell_at_last(estate: Estate, drill: Drill, recording: Recording, leave: Callable[[], None]) -> None:
    """Record whether the primary's site is gone, where it was struck by anything, or was fenced.

    What failed counts only where it failed before that is proven, and silence lasts as long as a write's
    limit: so it is looked at once all has settled that was sent until now. Who refuses is not waited for.
    Raises RecorderError, and what `leave` raises, which is asked meanwhile.
    """
    name = primary_site(estate, drill)
    if name not in struck_sites(estate, drill.fault) and not Fences(estate.state).raised(name):
        return
    now_ns = time.monotonic_ns()  # the recorder's clock too: all processes of a machine share it

    def settled(state: RecorderState) -> bool:
        leave()
        return state.old_primary_oldest_ns is None or state.old_primary_oldest_ns > now_ns

    recording.wait_until(settled, drill.canary.limit.seconds + _GRACE_SECONDS)
    _tell(estate, drill, recording)


def _tell(estate: Estate, drill: Drill, recording: Recording) -> None:
    tell_if_gone(estate.site(primary_site(estate, drill)), recording)


def tell_if_gone(site: SiteDriver, recording: Recording) -> bool:
    """Whether nothing runs at the site; if so that is recorded. Raises RecorderError."""
    try:
        proof = site.proven_gone()
    except BlackstartError:
        return False  # who cannot be asked is not proven to be gone
    if proof.holds:
        recording.event("old_primary_gone", detail={"site": site.name, "how": proof.how})
    return proof.holds
