"""Flow: restore the newest copies at the other site, apart from everything, and compare them."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conclusion import concluded, refused
from flows.options import estate_of
from flows.protection.outcomes import tested
from flows.protection.protect import restore_tests
from sites.errors import BlackstartError


@flow(name="restore-test", persist_result=False)
def restore_test(plan: str, datasets: list[str] | None = None) -> State[None]:
    """What `blackstart restore-test` does. `plan` is the path of the plan file at this worker."""
    try:
        outcomes = restore_tests(estate_of(Path(plan)), datasets)
        return concluded([tested(one) for one in outcomes], "restore-test")
    except BlackstartError as error:
        return refused(error)
