"""What no drill may hit: whoever runs it, its evidence and state, and the repositories. By what is resolved.

Names tell nothing here. A process is spared by its number (the orchestrator, and all that it descends from),
a machine by its address, a folder by where it lies, a repository's server by the port on which it listens. A
fault that is about a repository may strike it.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from drills.preview import Preview
from drills.spared_hosts import served_there
from sites.capability import Target
from sites.drivers.processes import table
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import Drill
from sites.plan.faults import RepositoryFault

_ROOT = Path(__file__).resolve().parents[1]
_LISTENS = "0A"
_PORTS = {"rest": 8000, "http": 80, "https": 443, "sftp": 22, "s3": 443}
_SSH = 22
_MOUNTS = Path("/proc/self/mountinfo")
_FROM_THE_DAEMON = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")


def check_spared(estate: Estate, drill: Drill, preview: Preview) -> None:
    """Raises GuardError, with every target that may not be hit. Nothing was changed."""
    found = [
        f'target {target.kind} "{target.name}" at site "{target.site}" {why}'
        for target in preview.targets
        for why in _why(estate, drill, target)
    ]
    if found:
        raise GuardError(
            f'cannot run drill "{preview.drill}": ' + "; ".join(found),
            hint="run it from outside what it strikes, and keep evidence, state and repositories outside too",
        )


def check_caps(drill: Drill, preview: Preview) -> None:
    """That it hits no more than its plan allows. Raises GuardError."""
    sites = sorted({target.site for target in preview.targets})
    for what, count, most in (
        (f"targets at {', '.join(sites)}", len(preview.targets), drill.caps.targets),
        (f"sites ({', '.join(sites)})", len(sites), drill.caps.sites),
    ):
        if count > most:
            raise GuardError(
                f'cannot run drill "{preview.drill}": it would hit {count} {what}, allowed are {most}',
                hint="`caps` of the drill says how many",
            )


def _why(estate: Estate, drill: Drill, target: Target) -> Iterator[str]:
    if target.kind.endswith("host"):
        yield from _this_machine(target.name.split()[-1])
    yield from served_there(estate, drill, target, _endpoint, _addresses)
    if target.kind.endswith(("folder", "volume")) and estate.plan.sites[target.site].kind == "processes":
        yield from _holds(estate, drill, Path(target.name.rpartition(":")[2]))
    if "container" in target.detail:
        yield from _of_container(estate, drill, target)
    pid = target.detail.get("pid")
    if not isinstance(pid, int) or "host" in target.detail:
        return
    if pid in lineage():
        yield f"is process {pid}, which runs this drill"
    if not isinstance(drill.fault, RepositoryFault):
        yield from _serves(estate, pid)


def _of_container(estate: Estate, drill: Drill, target: Target) -> Iterator[str]:
    """In one its processes have other numbers, and its server other ports than it has for us."""
    if f"/{target.detail['container']}/" in _our_own_container():
        yield "is the container that runs this drill"
    if isinstance(drill.fault, RepositoryFault):
        return
    addresses, published = _strings(target.detail, "addresses"), _strings(target.detail, "published")
    ports = {int(bound.rpartition(":")[2]) for bound in published}
    for name, noun in estate.plan.repositories.items():
        if noun.kind != "restic" or (at := _endpoint(str(noun.url))) is None:
            continue
        theirs = addresses & set(_addresses(at[0]))
        if theirs or (any(_is_ours(one) for one in _addresses(at[0])) and at[1] in ports):
            yield f'serves repository "{name}" ({noun.url})'


def _strings(detail: Mapping[str, object], key: str) -> set[str]:
    found = detail.get(key)
    return set(map(str, found.values())) if isinstance(found, Mapping) else set()


def _our_own_container() -> str:
    """Where our /etc/hostname is on the daemon's disk: its folder is named after the container we are in."""
    rows = [row.split() for row in _rows_of(_MOUNTS)]
    return " ".join(row[3] for row in rows if len(row) > 4 and row[4] in _FROM_THE_DAEMON)


def lineage() -> set[int]:
    """This process and all that it descends from, but the first of the machine."""
    found: set[int] = set()
    pid = os.getpid()
    while pid > 1 and pid not in found:
        found.add(pid)
        known = table.entry(pid)
        pid = known.parent if known is not None else 0
    return found


def _this_machine(address: str) -> Iterator[str]:
    """A loopback address with a port of its own is a way to somewhere else."""
    host, _, port = address.rpartition("@")[2].partition(":")
    addresses = _addresses(host)
    here = [one for one in addresses if _is_ours(one)]
    if here and not (all(one.startswith(("127.", "::1")) for one in here) and port not in ("", str(_SSH))):
        yield f"is the machine that runs this drill ({here[0]})"


def _addresses(host: str) -> list[str]:
    with suppress(OSError, UnicodeError):
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None)})
    return []


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            return False
    return True


def _holds(estate: Estate, drill: Drill, folder: Path) -> Iterator[str]:
    """Which of ours lie in a folder, or have it in them."""
    plan = estate.plan
    ours = {"the evidence": plan.evidence.path, "the state of drills": plan.state}
    if not isinstance(drill.fault, RepositoryFault):
        ours |= {
            f'repository "{name}"': Path(str(noun.url).removeprefix("local:"))
            for name, noun in plan.repositories.items()
            if noun.kind == "restic" and str(noun.url).removeprefix("local:").startswith("/")
        }
    struck = folder.resolve()
    if _ROOT.is_relative_to(struck):  # but what lies in its source, such as an example's site, may be struck
        yield f"has to do with blackstart itself ({_ROOT})"
    for what, path in ours.items():
        place = path.resolve()
        if place.is_relative_to(struck) or struck.is_relative_to(place):
            yield f"has to do with {what} ({path})"


def _serves(estate: Estate, pid: int) -> Iterator[str]:
    """Which repositories are served by that process, or by what it started."""
    wanted = {
        port: name
        for name, noun in estate.plan.repositories.items()
        if noun.kind == "restic" and (port := _local_port(str(noun.url))) is not None
    }
    if not wanted:
        return
    family = [pid, *(one.pid for one in table.descendants(pid))]
    for port in sorted(wanted.keys() & {port for one in family for port in listening(one)}):
        yield f'serves repository "{wanted[port]}" (port {port})'


def _local_port(url: str) -> int | None:
    """The port of this machine at which a repository is served; None where it is not."""
    at = _endpoint(url)
    return at[1] if at is not None and any(_is_ours(one) for one in _addresses(at[0])) else None


def _endpoint(url: str) -> tuple[str, int | None] | None:
    """Host and port at which a repository is served; None where no server is."""
    scheme, _, rest = url.partition(":")
    parts = urlsplit(rest if "://" in rest else f"//{rest.lstrip('/')}")
    if scheme not in _PORTS or not parts.hostname:
        return None
    return parts.hostname, parts.port or _PORTS.get(parts.scheme or scheme)


def listening(pid: int) -> set[int]:
    """The TCP ports on which a process listens, as far as it may be looked at."""
    folder = Path("/proc") / str(pid)
    with suppress(OSError):
        links = [os.readlink(each) for each in (folder / "fd").iterdir()]  # noqa: PTH115  they are no files
        sockets = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
        rows = [row.split() for name in ("tcp", "tcp6") for row in _rows_of(folder / "net" / name)[1:]]
        return {
            int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == _LISTENS and row[9] in sockets
        }
    return set()


def _rows_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
