"""Which versions of what a drill is about to try: each from whoever knows it best, or why it is not known.

Asked while everything is well. Nothing here raises, and each answer has a time limit: a drill that cannot
learn a version goes on, and says so.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from functools import partial

from sites.capability import Version, Versioned
from sites.drivers import command
from sites.drivers.asked import asked, operating_system, package
from sites.drivers.haproxy import RuntimeSocket
from sites.drivers.masking import mask
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan.redirects import HAProxyRedirect
from sites.plan.version_command import VersionCommand

_HERE = "where blackstart runs"
_PACKAGE = "the installed package itself"


def versions(estate: Estate) -> list[Version]:
    """Of all that the plan declares, and of what runs the drill, in a settled order."""
    return [
        *_databases(estate),
        *_repositories(estate),
        *_redirects(estate),
        *_told_by_the_plan(estate),
        *_services(estate),
        *_sites(estate),
        *_here(estate),
    ]


def _databases(estate: Estate) -> Iterator[Version]:
    by = "the server itself (SHOW server_version)"
    for name in (name for name, noun in estate.plan.datasets.items() if noun.kind == "postgres"):
        for site in sorted(estate.sites_of(name)):
            ask = partial(_server, estate, name, site)
            yield asked(f"PostgreSQL server of {name}", f"site {site}", by, ask)


def _server(estate: Estate, name: str, site: str) -> str:
    return estate.postgres(name).version(site)


def _repositories(estate: Estate) -> Iterator[Version]:
    names = list(estate.plan.repositories)
    if names:
        by = "the program itself (restic version)"
        yield asked("restic", _HERE, by, lambda: str(estate.repository(names[0]).able))


def _redirects(estate: Estate) -> Iterator[Version]:
    places = {
        str(one.redirect.place()): one.redirect.place()
        for one in estate.plan.services.values()
        if isinstance(one.redirect, HAProxyRedirect)
    }
    for place in places.values():
        proxy = RuntimeSocket(place)
        yield asked("HAProxy", str(proxy).strip('"'), "its runtime socket (show info)", proxy.version)


def _told_by_the_plan(estate: Estate) -> Iterator[Version]:
    for name, declared in estate.plan.versions.items():
        by = f"the plan's own command ({declared.command[0]})"
        for site in declared.sites or (None,):
            ask = partial(_said, estate, declared, site)
            yield asked(name, f"site {site}" if site else _HERE, by, ask)


def _said(estate: Estate, declared: VersionCommand, site: str | None) -> str:
    env, secret_env = estate.environment(declared.env)
    done = command.run(
        declared.command,
        env=env | ({"BLACKSTART_SITE": site} if site else {}),
        secret_env=secret_env,
        limit_seconds=declared.limit.seconds,
        cwd=estate.plan.folder,
    )
    return mask(done.stdout or done.stderr, secret_env.values())


def _services(estate: Estate) -> Iterator[Version]:
    """Those that nobody asks: that they are not known is said, too."""
    for name in (name for name in estate.plan.services if name not in estate.plan.versions):
        why = f"the plan names no command that tells it (versions.{name})"
        yield Version(name, "every site", None, "nobody", why)


def _sites(estate: Estate) -> Iterator[Version]:
    here = [name for name, noun in estate.plan.sites.items() if noun.kind == "processes"]
    if here:
        where = f"{'sites' if len(here) > 1 else 'site'} {', '.join(here)}"
        yield asked("operating system", where, "the system itself (uname, os-release)", operating_system)
    for name in (name for name in estate.plan.sites if name not in here):
        yield from _site(estate, name)


def _site(estate: Estate, name: str) -> list[Version]:
    try:
        driver = estate.site(name)
    except BlackstartError as error:
        why = str(error)
    else:
        if isinstance(driver, Versioned):
            return driver.versions()
        why = "a site of this kind has nobody to ask; a command in `versions` of the plan can tell it"
    return [Version("operating system", f"site {name}", None, "nobody", why)]


def _here(estate: Estate) -> Iterator[Version]:
    yield asked("operating system", _HERE, "the system itself (uname, os-release)", operating_system)
    yield asked("Python", _HERE, "the interpreter itself", platform.python_version)
    yield asked("Prefect", _HERE, _PACKAGE, lambda: package("prefect"))
    if any(drill.window is not None for drill in estate.plan.drills.values()):
        calendars = "exchange_calendars"
        yield asked(calendars, _HERE, _PACKAGE, lambda: package(calendars))
