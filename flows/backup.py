"""Flow: back up datasets, at the site where they are."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conclusion import concluded, refused
from flows.options import estate_of
from flows.protection.outcomes import backed_up
from flows.protection.protect import back_up
from sites.errors import BlackstartError


@flow(name="backup", persist_result=False)
def backup(plan: str, datasets: list[str] | None = None) -> State[None]:
    """What `blackstart backup` does. `plan` is the path of the plan file at this worker."""
    try:
        return concluded([backed_up(one) for one in back_up(estate_of(Path(plan)), datasets)], "backup")
    except BlackstartError as error:
        return refused(error)
