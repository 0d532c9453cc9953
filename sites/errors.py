"""Everything that can go wrong in this room, as one tree.

    BlackstartError
    ├── PlanError            the plan is wrong (exit 2)
    ├── GuardError           a guard refused the act; nothing was changed (exit 2)
    ├── MissingProgram       a program that a driver needs is not installed (exit 2)
    ├── CommandError         a command failed, with its output
    │   └── CommandTimeout   a command did not end within its time limit
    ├── SiteError            a site could not do what was asked
    │   ├── SiteDown             it was never brought up, or was lost whole since
    │   └── HostError            one of its machines could not be asked, or answered with an error
    │       └── HostUnreachable  HostUntrusted  HostDenied  HostSilent
    ├── DatasetError         a dataset could not do what was asked
    │   └── BucketError          a bucket of objects could not do what was asked
    │       └── NoBucket  BucketDenied  BucketUnreachable  BrakeHeld
    ├── RepositoryError      a backup repository could not do what was asked
    │   ├── NoRepository  WrongPassword  RepositoryLocked  RepositoryDamaged
    │   ├── PartialBackup    a snapshot was made, but something could not be read
    │   └── MissingSource    a path to back up does not exist
    ├── ArchiveError         the store that evidence is uploaded to does not take or keep it
    └── RunbookError         a runbook step failed, or may not run from here
        ├── FenceError       the old primary could not be fenced, so nothing may be promoted
        └── GateRefused      a gate (reconciliation, approval) said no

A message names the object, the act and the reason; `hint` says the way out where one is known.
"""

from __future__ import annotations


class BlackstartError(Exception):
    """Base of all expected errors. `exit_code` is what the command line answers with."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class PlanError(BlackstartError):
    exit_code = 2


class GuardError(BlackstartError):
    exit_code = 2


class MissingProgram(BlackstartError):
    exit_code = 2


class CommandError(BlackstartError):
    """A command failed. `argv` holds no secrets: those travel by environment or file."""

    def __init__(
        self,
        argv: tuple[str, ...],
        exit_code_of_command: int | None,
        stdout: str,
        stderr: str,
        *,
        reason: str | None = None,
        hint: str | None = None,
    ) -> None:
        said = (stderr.strip() or stdout.strip()).splitlines()
        what = reason or f"exit {exit_code_of_command}"
        tail = f": {said[-1]}" if said else ""
        super().__init__(f"command {argv[0]!r} failed ({what}){tail}", hint=hint)
        self.argv = argv
        self.exit_code_of_command = exit_code_of_command
        self.stdout = stdout
        self.stderr = stderr


class CommandTimeout(CommandError):
    pass


class SiteError(BlackstartError):
    pass


class SiteDown(SiteError):
    """The site is not up: there is nothing to start a process in."""


class HostError(SiteError):
    pass


class HostUnreachable(HostError):
    """Nobody answers at its address."""


class HostUntrusted(HostError):
    """Whoever answers does not show the key that is known for it."""


class HostDenied(HostError):
    """It does not let us in, or not do what is needed."""


class HostSilent(HostError):
    """It let us in and then did not answer in time: what was asked may have been done or not."""


class DatasetError(BlackstartError):
    pass


class BucketError(DatasetError):
    pass


class NoBucket(BucketError):
    pass


class BucketDenied(BucketError):
    """The store knows neither us nor our right to do it."""


class BucketUnreachable(BucketError):
    """No answer, or one that broke off."""


class BrakeHeld(BucketError):
    """More would have been deleted at the replica than the plan allows; nothing was changed."""


class RepositoryError(BlackstartError):
    pass


class NoRepository(RepositoryError):
    pass


class WrongPassword(RepositoryError):
    pass


class RepositoryLocked(RepositoryError):
    pass


class RepositoryDamaged(RepositoryError):
    pass


class PartialBackup(RepositoryError):
    pass


class MissingSource(RepositoryError):
    pass


class ArchiveError(BlackstartError):
    pass


class RunbookError(BlackstartError):
    pass


class FenceError(RunbookError):
    pass


class GateRefused(RunbookError):
    pass
