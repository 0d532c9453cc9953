"""A repository is made on its first use, and never again: one that was there and is gone is a loss."""

from __future__ import annotations

from sites.drivers.restic.repository import Restic
from sites.errors import NoRepository, RepositoryError
from sites.protection.history import History


def require_new(repository: str, history: History | None) -> None:
    """Raises NoRepository for one that the history knows: what was used before and is not there is gone."""
    used = history.last_use(repository) if history else None
    if used is not None:
        raise NoRepository(
            f'repository "{repository}" is gone: it was in use at {used:%Y-%m-%dT%H:%M:%SZ}',
            hint="mount or bring back what held it; to begin anew, point the plan at another place and name",
        )


def make_if_new(repository: Restic, history: History | None, *, copy_of: Restic | None = None) -> None:
    """Make `repository` unless the history knows it. Raises NoRepository for one that was used before."""
    require_new(repository.name, history)
    try:
        repository.init(copy_of=copy_of)
    except RepositoryError:
        # Another backup may have made it at the same moment; whatever else is wrong shows again here.
        if not repository.exists():
            raise
