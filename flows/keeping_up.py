"""Flow: keep every repository of a plan sound, at a worker that has all of them within reach."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conclusion import concluded, refused
from flows.options import estate_of
from flows.protection.outcomes import kept_up
from flows.protection.upkeep import keep_up
from sites.errors import BlackstartError


@flow(name="upkeep", persist_result=False)
def upkeep(plan: str) -> State[None]:
    """What `blackstart upkeep` does. `plan` is the path of the plan file at this worker."""
    try:
        return concluded([kept_up(one) for one in keep_up(estate_of(Path(plan)))], "upkeep")
    except BlackstartError as error:
        return refused(error)
