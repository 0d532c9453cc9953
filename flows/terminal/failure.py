"""How an error reaches the person at the terminal: what, why and the way out; never a traceback."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from flows.terminal.answer import answer
from flows.terminal.console import Console

EXIT_FAILED = 1
EXIT_USAGE = 2
# Of click, or of the one that typer brings along: what every error of a command line is made from.
USAGE_ERROR: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
EXIT_INTERRUPTED = 130
# What a machine refuses without a file to name.
_REFUSED = (
    errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE,
)  # fmt: skip
_WAYS_OUT = {
    errno.ENOENT: "make it, or correct where the plan or the command says that it is",
    errno.ENOTDIR: "make it, or correct where the plan or the command says that it is",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EROFS: "it lies on a file system that takes no writes",
}
DEBUG = "BLACKSTART_DEBUG"


def expected(error: BaseException) -> bool:
    """Whether the error explains itself, so that nobody needs to see where it was raised."""
    from rto_rpo.evidence import EvidenceError
    from rto_rpo.ledger.errors import LedgerError
    from rto_rpo.report.document import DocumentError
    from sites.errors import BlackstartError

    return isinstance(error, BlackstartError | EvidenceError | LedgerError | DocumentError)


def tell(error: BaseException, console: Console, *, as_json: bool) -> int:
    """Say what went wrong, on standard error and, for programs, as JSON on standard output. The exit code."""
    from sites.drivers.masking import mask

    if refused(error):
        message, hint, code = mask(_of_the_machine(error)), _way_in(error), EXIT_USAGE
    else:
        known = expected(error)
        message = mask(str(error) if known else f"unexpected {type(error).__name__}: {error}")
        hint = getattr(error, "hint", None) if known else _kept(error)
        code = int(getattr(error, "exit_code", EXIT_FAILED)) if known else EXIT_FAILED
    console.error(message)
    if hint:
        console.hint(mask(hint))
    if as_json:
        answer([], {"error": message, "hint": hint, "exit_code": code}, as_json=True)
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    return code


def tell_usage(error: Any, *, as_json: bool) -> int:  # noqa: ANN401 - click's, or typer's own
    """A command line that makes no sense, as click says it; for programs as any other error."""
    error.show()
    code = int(error.exit_code)
    if as_json:
        hint = f"blackstart {' '.join(sys.argv[1:2])} --help"
        answer([], {"error": error.format_message(), "hint": hint, "exit_code": code}, as_json=True)
    return code


def tell_interrupted(console: Console, *, as_json: bool) -> int:
    """Ctrl-C, or SIGTERM: what was begun has been stopped by those who began it."""
    message = "interrupted: what was begun was stopped"
    console.error(message)
    if as_json:
        answer([], {"error": message, "hint": None, "exit_code": EXIT_INTERRUPTED}, as_json=True)
    return EXIT_INTERRUPTED


def refused(error: BaseException) -> bool:
    """Whether the machine and not blackstart is at fault: a file that we may not use, a disk that is full."""
    return isinstance(error, OSError) and (error.filename is not None or error.errno in _REFUSED)


def _of_the_machine(error: BaseException) -> str:
    name, reason = getattr(error, "filename", None), getattr(error, "strerror", None) or str(error)
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "it")
    return f'cannot {command}: "{name}": {reason}' if name is not None else f"cannot {command}: {reason}"


def _way_in(error: BaseException) -> str | None:
    number, name = getattr(error, "errno", None), getattr(error, "filename", None)
    if number in (errno.EACCES, errno.EPERM):
        return f"run it as the account that may use that{_owned_by(name)}, or as root"
    return _WAYS_OUT.get(number or 0)


def _owned_by(name: object) -> str:
    """Whose the nearest thing is that we can see on the way there."""
    places = [Path(str(name)), *Path(str(name)).parents] if isinstance(name, str | os.PathLike) else []
    for place in places:
        try:
            return f" (it is {place.owner()}'s)"
        except (OSError, KeyError):
            continue
    return ""


def _kept(error: BaseException) -> str:
    """Put the details where a bug report can take them from."""
    from sites.drivers.masking import mask

    lines = mask("".join(traceback.format_exception(error)))
    name = f"blackstart-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-"
    with tempfile.NamedTemporaryFile("w", prefix=name, suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(lines)
    return f"this is a bug in blackstart; please report it with {Path(file.name)}"
