"""The promotion of a dataset: by PostgreSQL's own means, or by the user's own commands."""

from __future__ import annotations

from sites.drivers.shell_dataset import ShellDataset
from sites.errors import GuardError
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import Plan
from sites.recovery import by_hand, by_hand_data
from sites.recovery.promotable import wake
from sites.recovery.runbook import Detail, Step
from sites.recovery.standing import Standing
from sites.unprotected import Unprotected


def promote_step(estate: Estate, name: str, site: str, needs: tuple[str, ...], limit_seconds: float) -> Step:
    """After a change of sites that was cut off its server may have to be started first, behind no fence."""
    driver, fences, standing = estate.postgres(name), Fences(estate.state), Standing(estate.state)

    def do(limit_seconds: float) -> Detail:
        alone: Detail = {}
        if driver.synchronous:  # its standby was the lost site: from now on commits wait for nobody
            noted = Unprotected(estate.state).note(name, site, "failed over")
            alone = {"unprotected": str(noted)}
        if after_change := standing.replaced is not None:
            fences.lift(site)  # that change raised it; the other one is fenced now
            wake(estate, name, site)
        driver.promote(site, limit_seconds=limit_seconds)
        if after_change and driver.synchronous:
            driver.wait_for_nobody(site)  # it may wait for the one that is lost
        return {"dataset": name, "site": site, **alone}

    def done() -> bool:
        """Promoted by a change that was cut off, it may be fenced all the same, or wait for the lost site."""
        return standing.replaced is None and driver.writable(site) is True

    return Step(
        name=f"promote {name}",
        says=f'make the copy of dataset "{name}" at site "{site}" the writable one'
        + ("; from then on commits wait for nobody" if driver.synchronous else ""),
        do=do,
        done=done,
        limit_seconds=limit_seconds,
        by_hand=by_hand_data.promote(estate, name, site),
        needs=needs,
        milestone="promoted",
    )


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
