"""A repository is made on its first use, and never again: one that was there and is gone is a loss."""

from __future__ import annotations

from sites.drivers.restic.repository import Restic
from sites.errors import NoRepository, RepositoryError
from sites.protection.history import History


def make_if_new(repository: Restic, history: History | None, *, copy_of: Restic | None = None) -> None:
    """Make `repository` unless the history knows it. Raises NoRepository for one that was used before."""
    used = history.last_use(repository.name) if history else None
    if used is not None:
        raise NoRepository(
            f'repository "{repository.name}" is gone: it was in use at {used:%Y-%m-%dT%H:%M:%SZ}',
            hint="mount or bring back what held it; to begin anew, point the plan at another place and name",
        )
    try:
        repository.init(copy_of=copy_of)
    except RepositoryError:
        # Another backup may have made it at the same moment; whatever else is wrong shows again here.
        if not repository.exists():
            raise
