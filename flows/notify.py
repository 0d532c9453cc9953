"""Flow: tell people what is wrong, every few minutes, from the third machine."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conclusion import ended, refused
from flows.exposure.telling import tell
from flows.options import estate_of
from sites.drivers.masking import mask
from sites.errors import BlackstartError


@flow(name="notify", persist_result=False)
def notify(plan: str) -> State[None]:
    """What `blackstart notify` does. `plan` is the path of the plan file at this worker."""
    try:
        found = tell(estate_of(Path(plan)))
    except BlackstartError as error:
        return refused(error)
    if found.failed:
        return ended(1, mask("; ".join(found.failed)))
    return ended(0, f"{len(found.wrong)} wrong, {len(found.told)} told, {len(found.over)} over")
