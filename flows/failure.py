"""How an error reaches the person at the terminal: what, why and the way out; never a traceback."""

from __future__ import annotations

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from flows.answer import answer
from flows.console import Console

EXIT_FAILED = 1
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


def _kept(error: BaseException) -> str:
    """Put the details where a bug report can take them from."""
    from sites.drivers.masking import mask

    lines = mask("".join(traceback.format_exception(error)))
    name = f"blackstart-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-"
    with tempfile.NamedTemporaryFile("w", prefix=name, suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(lines)
    return f"this is a bug in blackstart; please report it with {Path(file.name)}"
