"""That nothing of the old primary runs: then a closed port is a refusal, and no broken server."""

from __future__ import annotations

from drills.clients import primary_site
from drills.recording import Recording
from sites.capability import SiteDriver
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan import Drill, KillSite
from sites.plan.faults import SiteFault


def tell_of_primary(estate: Estate, drill: Drill, recording: Recording, *, at_last: bool) -> None:
    """Record whether the primary's site is gone, where the drill struck it. Raises RecorderError.

    One that was killed is right away; one that stood still, was cut off or lost a process may have been
    fenced `at_last`.
    """
    fault = drill.fault
    lost = at_last or isinstance(fault, KillSite)
    if lost and isinstance(fault, SiteFault) and fault.site == primary_site(estate, drill):
        tell_if_gone(estate.site(fault.site), recording)


def tell_if_gone(site: SiteDriver, recording: Recording) -> bool:
    """Whether nothing runs at the site; if so that is recorded. Raises RecorderError."""
    try:
        proof = site.proven_gone()
    except BlackstartError:
        return False  # who cannot be asked is not proven to be gone
    if proof.holds:
        recording.event("old_primary_gone", detail={"site": site.name, "how": proof.how})
    return proof.holds
