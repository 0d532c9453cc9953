"""What the faults that strike a site have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.second_writer import SecondWriter
from sites.capability import Proof, Target
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.fences import Fences


class SiteFault:
    """Resolves the site while it is up; healing goes by the rule of `second_writer`."""

    reversible = True
    revives = True
    act = "strike"

    def __init__(self, estate: Estate, site: str) -> None:
        self.estate = estate
        self.name = site
        self.site = estate.site(site)
        self.rule = SecondWriter(estate, site, self.site)
        self._guests: list[str] = []

    def ready(self) -> list[Target]:
        targets = self.site.targets()
        if not targets:
            raise GuardError(f'cannot {self.act} site "{self.name}": nothing runs there', hint=self._way_up())
        declared = self.estate.plan.sites[self.name].processes
        self._guests = [one.name for one in targets if one.kind == "process" and one.name not in declared]
        return targets

    def but_guests(self) -> str:
        """What an undo that starts what ran cannot start, for who confirms it; known once `ready`."""
        if not self._guests:
            return ""
        return f"; {', '.join(self._guests)} runs there too and is not in the plan, so it stays down"

    def _way_up(self) -> str:
        if Fences(self.estate.state).raised(self.name):
            return "it is fenced: `blackstart failback` makes it a standby again and lets it serve"
        return "start the site first"

    def arm(self, room: Path) -> dict[str, object]:
        del room
        return self.rule.writers()

    def unable(self) -> GuardError:
        """Why a site that lacks what is needed is refused."""
        kind = self.estate.plan.sites[self.name].kind
        return GuardError(
            f'cannot {self.act} site "{self.name}": sites of kind {kind} offer no way to',
            hint="`blackstart faults` says what each fault needs",
        )

    def lift_even_fenced(self, left: Left, lift: Callable[[], Healing]) -> Healing:
        """For a fault that is not the site's own processes: it is lifted too where those are kept down."""
        healing = self.rule.lift(left, lift)
        if healing.undone != "reverted, fenced":
            return healing
        lifted = lift()
        if lifted.undone == "stuck":
            return lifted
        return Healing("reverted, fenced", f"{healing.how}; {lifted.how}")

    def start(self, left: Left) -> Healing:
        """Bring the site up with what ran there, and nothing that did not: somebody may have stopped it."""
        try:
            self.site.up(only=left.targets)
        except BlackstartError as error:
            return Healing("stuck", str(error))
        return Healing("reverted", f'site "{self.name}" runs again: {", ".join(sorted(left.targets))}')

    def runs_again(self, left: Left) -> Proof:
        missing = sorted(set(left.targets) - set(self.site.running()))
        if missing:
            return Proof(False, f"not running again: {', '.join(missing)}")
        return Proof(True, f"running again: {', '.join(sorted(left.targets)) or 'nothing ran'}")
