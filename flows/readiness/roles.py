"""The start-of-day check: one site takes writes, the roles are as the plan stands, the standby is in sync.

Quick, and looks only at who serves; `blackstart check` looks at everything else.
"""

from __future__ import annotations

from collections.abc import Iterator

from drills.copies import copies
from flows.readiness.checks import Check
from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.shell_dataset import ShellDataset
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan import Service
from sites.recovery.direction import serving
from sites.recovery.fence import Fences
from sites.recovery.redirect import redirect_of
from sites.recovery.standing import Standing


def roles(estate: Estate) -> Iterator[Check]:
    """One line a thing; what cannot be asked is unknown. Raises GuardError where nothing has a role."""
    stands, sites = Standing(estate.state).now, serving(estate)
    if sites is None:
        why = f'"{stands}": who serves is being changed, or that was cut off; blackstart status'
        yield Check("standing", "failed", why)
        return
    yield Check("standing", "ok", f'"{stands}": site "{sites[0]}" serves')
    yield _unfenced(estate, sites[0])
    found = {name: copy.driver for name, copy in copies(estate).items() if copy.sites.issuperset(sites)}
    if not found and not estate.plan.services:
        raise GuardError("nothing has a role: no dataset has a standby, and there is no service")
    for name, driver in found.items():
        if isinstance(driver, PostgresDataset | ShellDataset):
            yield _one_writer(name, driver, *sites)
            yield _standby(name, driver, sites[1])
    for name, service in estate.plan.services.items():
        yield from _service(estate, name, service, *sites)


def _unfenced(estate: Estate, site: str) -> Check:
    fences = Fences(estate.state)
    if fences.raised(site):
        why = f"the site that serves is fenced ({fences.file(site)}); blackstart status"
        return Check(f"fence of {site}", "failed", why)
    return Check(f"fence of {site}", "ok", "none stands")


def _one_writer(name: str, driver: PostgresDataset | ShellDataset, site: str, other: str) -> Check:
    """Silence of either side says nothing: it may take writes from others."""
    about = f"writer of {name}"
    takes, refuses = driver.writable(site), driver.refuses_write(other)
    if takes is False:
        return Check(about, "failed", f'site "{site}" should take its writes, and does not')
    if driver.writable(other) is True:
        both = "both sites take" if takes else f'site "{other}" takes'
        return Check(about, "failed", f'{both} writes; only site "{site}" should')
    if takes is None or not refuses.holds:
        asked = f'site "{site}" does not answer' if takes is None else f'site "{other}": {refuses.how}'
        return Check(about, "unknown", asked)
    return Check(about, "ok", f'site "{site}" takes writes, and site "{other}" does not: {refuses.how}')


def _standby(name: str, driver: PostgresDataset | ShellDataset, other: str) -> Check:
    """A command `in_sync` speaks of the standby that is declared, and of no other."""
    about = f"standby of {name}"
    if isinstance(driver, PostgresDataset):
        proof = driver.in_sync(standby=other)
    elif driver.commands.in_sync is None or driver.standby != other:
        return Check(about, "unknown", f'no command `in_sync` speaks of the copy at site "{other}"')
    else:
        proof = driver.in_sync()
    return Check(about, "ok" if proof.holds else "failed", proof.how)


def _service(estate: Estate, name: str, service: Service, site: str, other: str) -> Iterator[Check]:
    if service.redirect is not None:
        try:
            current = redirect_of(service, estate.plan.folder).current()
        except BlackstartError as error:
            yield Check(f"clients of {name}", "unknown", str(error))
        else:
            said = f'sent to site "{current}"' if current else "sent to no site, or to several"
            yield Check(f"clients of {name}", "ok" if current == site else "failed", said)
    if service.process is not None:
        yield _process(estate, name, service.process, site, other)


def _process(estate: Estate, name: str, process: str, site: str, other: str) -> Check:
    """A site that was lost need not be asked: nothing of it can be running where it is proven gone."""
    about = f"service {name}"
    try:
        here, there = process in estate.site(site).running(), process in estate.site(other).running()
    except BlackstartError as error:
        return Check(about, "unknown", str(error))
    if here and not there:
        return Check(about, "ok", f'runs at site "{site}" alone')
    where = "at both sites" if here and there else f'at site "{other}"' if there else "nowhere"
    return Check(about, "failed", f'runs {where}; it should at site "{site}" alone')
