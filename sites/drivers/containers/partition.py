"""Cut a container off: a table of packet rules in its own network namespace, which drops what passes.

The table is put there by the `nft` of the container's own image, through the daemon, so nothing of the
machine's own network is touched. It ends with the container.
"""

from __future__ import annotations

from sites.drivers.containers.daemon import Container, Daemon
from sites.drivers.packets import TABLE, has_table, rules
from sites.errors import SiteError
from sites.strikable import Direction


def why_not(daemon: Daemon, container: Container) -> str | None:
    """Why this container cannot be cut off; None if it can. Changes nothing."""
    if container.network_mode == "host":
        return f'container "{container.name}" has the machine\'s own network; cutting that off hits everybody'
    try:
        code, said = daemon.beside(container, ["nft", "list", "tables"])
    except SiteError as error:
        return str(error)
    if code != 0:
        return f'nft of image {container.image} does not work beside "{container.name}": {said.strip()}'
    return None


def cut(daemon: Daemon, container: Container, direction: Direction) -> None:
    """Raises SiteError when it could not be done: then nothing of this container is cut off."""
    code, said = daemon.beside(container, ["nft", rules(direction)])
    if code != 0:
        raise SiteError(f'cannot cut off container "{container.name}": {said.strip()}')


def mend(daemon: Daemon, container: Container) -> None:
    """Drop nothing any more. No effect if nothing is cut off."""
    code, said = daemon.beside(container, ["nft", f"delete table {TABLE}"])
    if has_table(code, said) is None:
        raise SiteError(f'cannot reconnect container "{container.name}": {said.strip()}')


def is_cut(daemon: Daemon, container: Container) -> bool:
    code, said = daemon.beside(container, ["nft", f"list table {TABLE}"])
    if (there := has_table(code, said)) is None:
        raise SiteError(f'cannot ask container "{container.name}" whether it is cut off: {said.strip()}')
    return there
