"""What must not be started now, such as the database of a fenced site."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sites.errors import SiteError

Barred = Callable[[str], str | None]
"""Why the process of that name must not be started, or None."""


def nothing_barred(process: str) -> str | None:
    del process
    return None


def refuse_barred(site: str, processes: Iterable[str], barred: Barred) -> None:
    """Raises SiteError for the first process that must not be started; nothing was changed."""
    for process in processes:
        if (why := barred(process)) is not None:
            raise SiteError(
                f'cannot start process "{process}" at site "{site}": {why}',
                hint="`blackstart failback` makes it a standby, and lifts the fence in the end",
            )
