"""The user's own fault: three commands, of which the middle one says whether the damage is in force."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.site_fault import SiteFault
from sites.capability import Proof, Target
from sites.drivers import command
from sites.drivers.command import Completed
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan.faults import ShellFault as Noun

_IN_FORCE, _NOT_IN_FORCE = 0, 1


class ShellFault(SiteFault):
    """`effective` answers by its exit code: 0 in force, 1 not. Anything else is no answer."""

    def __init__(self, estate: Estate, noun: Noun) -> None:
        super().__init__(estate, noun.site)
        self._noun = noun

    def ready(self) -> list[Target]:
        """What is in force already, or says so whatever is, would tell nothing of what is injected."""
        if self.effective(Left((), Path())).holds:
            raise GuardError(
                f'cannot strike site "{self.name}": "{self._noun.name}" is in force before it was injected',
                hint=f"{' '.join(self._noun.effective)} must exit 1 while all is well",
            )
        return [Target(self._noun.site, "shell", self._noun.name)]

    def inject(self, left: Left) -> Proof:
        self._run(self._noun.inject)
        return self.effective(left)

    def effective(self, left: Left) -> Proof:
        """A command that gives no answer raises: then nothing is known."""
        del left
        done = self._run(self._noun.effective, ok_codes=(_IN_FORCE, _NOT_IN_FORCE))
        in_force = done.exit_code == _IN_FORCE
        said = done.stdout.strip()[:200]
        return Proof(in_force, said or f'"{self._noun.name}" is {"" if in_force else "not "}in force')

    def heal(self, left: Left) -> Healing:
        return self.lift_even_fenced(left, self._heal)

    def _heal(self) -> Healing:
        try:
            self._run(self._noun.heal)
        except BlackstartError as error:
            return Healing("stuck", str(error))
        return Healing("reverted", f'"{self._noun.name}" was taken away')

    def healed(self, left: Left) -> Proof:
        try:
            proof = self.effective(left)
        except BlackstartError as error:
            return Proof(False, str(error))
        return Proof(not proof.holds, proof.how)

    def expected(self) -> str:
        return f'"{self._noun.name}" strikes site "{self._noun.site}"'

    def undo(self) -> str:
        return f"run {' '.join(self._noun.heal)}"

    def _run(self, argv: Sequence[str], ok_codes: tuple[int, ...] = (0,)) -> Completed:
        env, secret_env = self.estate.environment(self._noun.env)
        return command.run(
            argv,
            env=env | {"BLACKSTART_SITE": self._noun.site},
            secret_env=secret_env,
            limit_seconds=self._noun.limit.seconds,
            cwd=self.estate.plan.folder,
            ok_codes=ok_codes,
        )
