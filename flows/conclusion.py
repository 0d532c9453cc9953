"""How a flow ends in Prefect: logged, with an artifact, in a state that says why. Our records come first."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import heartbeat
from flows.protection.outcomes import DONE, UNKNOWN, Row, exit_code
from sites.drivers.masking import mask
from sites.errors import BlackstartError

heartbeat.leave()


def concluded(rows: Sequence[Row], key: str) -> State[None]:
    """Completed when every row is done; else Failed, or Inconclusive, with the rows that are not."""
    logger = get_run_logger()
    for row in rows:
        (logger.info if row.exit_code == DONE else logger.error)(mask(str(row)))
    table = [{"what": row.subject, "state": row.state, "detail": mask(row.what)} for row in rows]
    create_table_artifact(table=table, key=key, description=f"{key}: what became of each")
    left = "; ".join(mask(str(row)) for row in rows if row.exit_code != DONE)
    return ended(exit_code(rows), left or f"all {len(rows)} done")


def ended(code: int, message: str) -> State[None]:
    """The state that says what a command says by its exit code."""
    if code == DONE:
        return Completed(message=message)
    return Failed(message=message, name="Inconclusive") if code == UNKNOWN else Failed(message=message)


def refused(error: BlackstartError, *, name: str = "Failed") -> State[None]:
    """An error that explains itself: no traceback helps. `name` is the state's, for people."""
    message = mask(f"{error}; {error.hint}" if error.hint else str(error))
    get_run_logger().error(message)
    return Failed(message=message, name=name)
