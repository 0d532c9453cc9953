"""Flow: bring the other site's repositories up to date, at that site."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conclusion import concluded, refused
from flows.options import estate_of
from flows.protection.outcomes import replicated
from flows.protection.protect import replicate_all
from sites.errors import BlackstartError


@flow(name="replicate", persist_result=False)
def replicate(plan: str) -> State[None]:
    """What `blackstart replicate` does. `plan` is the path of the plan file at this worker."""
    try:
        return concluded([replicated(one) for one in replicate_all(estate_of(Path(plan)))], "replicate")
    except BlackstartError as error:
        return refused(error)
