"""Start the Prefect run that puts an open question to people. A process of its own: importing Prefect takes a
second of both processors, and whoever stands watch has none to give.

    python -m flows.recovery.approval_run DEPLOYMENT
"""

from __future__ import annotations

import sys

from sites.drivers import command
from sites.errors import BlackstartError, CommandError

FLOW = "approval"
_LIMIT_SECONDS = 60.0


def start(deployment: str) -> None:
    """Start one run of `approval/DEPLOYMENT`; it is not waited for. Raises BlackstartError."""
    try:
        command.run(
            [sys.executable, "-m", "flows.recovery.approval_run", deployment], limit_seconds=_LIMIT_SECONDS
        )
    except CommandError as error:
        why = (error.stderr.strip() or str(error)).splitlines()[-1]
        raise BlackstartError(
            f"cannot start a run of {FLOW}/{deployment}: {why}",
            hint="`prefect deploy --all` makes the deployment; blackstart approve answers without it",
        ) from None


def _main(deployment: str) -> None:
    from prefect.deployments import run_deployment

    run_deployment(f"{FLOW}/{deployment}", timeout=0, as_subflow=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])
