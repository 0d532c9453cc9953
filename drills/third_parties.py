"""Outside a demo, a canary that writes through a service's endpoint could reach people who know of no drill.

That it does not has to be proven, by trying to, right before each drill.
"""

from __future__ import annotations

from sites.drivers import command
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan import Drill

HARMLESS = "demo"


def check_third_parties(estate: Estate, drill: Drill, name: str) -> None:
    """Raises GuardError where the plan does not say how they are spared, or its check does not prove it."""
    if estate.plan.environment == HARMLESS or drill.canary.kind != "http":
        return
    spared = drill.third_parties
    if spared is None:
        raise GuardError(
            f'cannot run drill "{name}" in environment "{estate.plan.environment}": '
            "nothing says how the writes of its canary stay away from third parties",
            hint="`third_parties` of the drill says how, and checks it",
        )
    env, secret_env = estate.environment(spared.env)
    try:
        command.run(
            spared.check,
            env=env,
            secret_env=secret_env,
            limit_seconds=spared.limit.seconds,
            cwd=estate.plan.folder,
        )
    except BlackstartError as error:
        raise GuardError(
            f'cannot run drill "{name}": it is not proven that third parties are spared '
            f"({spared.spared_by}): {error}",
            hint="nothing was changed",
        ) from error
