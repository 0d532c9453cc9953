"""The promotion of a dataset by the user's own commands."""

from __future__ import annotations

from sites.drivers.shell_dataset import ShellDataset
from sites.errors import GuardError
from sites.plan import Plan
from sites.recovery import by_hand
from sites.recovery.runbook import Detail, Step


def promote_by_command(
    plan: Plan, name: str, site: str, driver: ShellDataset, needs: tuple[str, ...], limit_seconds: float
) -> Step:
    """`promote` is run once, and the copy is writable when `writable` says so."""

    def do(limit_seconds: float) -> Detail:
        driver.promote(site, limit_seconds=limit_seconds)
        return {"dataset": name, "site": site}

    said, noun = " ".join(driver.commands.promote or ()), plan.datasets[name]
    env: by_hand.Env = {"BLACKSTART_DATASET": name, "BLACKSTART_SITE": site}
    env = {**env, **(noun.env if noun.kind == "shell" else {})}
    return Step(
        name=f"promote {name}",
        says=f'make the copy of dataset "{name}" at site "{site}" the writable one, by `{said}`',
        do=do,
        done=lambda: driver.writable(site) is True,
        limit_seconds=limit_seconds,
        by_hand=by_hand.told(plan.folder, env, driver.commands.promote or ()),
        needs=needs,
        milestone="promoted",
    )


def refuse_commands(drivers: dict[str, ShellDataset]) -> None:
    """Raises GuardError: no command says how such a standby is drained, or made a standby again."""
    if drivers:
        raise GuardError(
            f'cannot change sites as planned: dataset "{next(iter(drivers))}" has a standby of kind shell',
            hint="switch it over by what runs it; a failover promotes it by its own command",
        )
