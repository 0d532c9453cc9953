"""Tell of a run again: the report is a function of its plan and its ledger."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from rto_rpo.controls.profile import Profile, ProfileError, profile, shipped
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.names import CHAIN_NAME
from rto_rpo.report.distrust import distrusted
from rto_rpo.report.document import to_json
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.junit import junit
from rto_rpo.report.forms.lost_writes import lost_writes
from rto_rpo.report.forms.markdown import markdown
from rto_rpo.report.publish import beside, of_run
from rto_rpo.website.build import Built, build
from rto_rpo.website.memory import SiteError
from sites.errors import BlackstartError, GuardError

Format = Literal["html", "pdf", "md", "json", "csv", "junit"]
_SUFFIXES: dict[str, Format] = {
    **{f".{form}": form for form in get_args(Format)},
    ".htm": "html",
    ".markdown": "md",
    ".xml": "junit",
}


def read(run: Path, doubt: str | None = None) -> dict[str, Any]:
    """The report, computed anew, and in `doubt` where the run is.

    Raises LedgerError, DocumentError, EvidenceError.
    """
    try:
        content = of_run(run)
        return distrusted(content, doubt) if doubt else content
    except OSError as error:
        raise EvidenceError(f'cannot read run "{run}": {error.strerror}') from error


def form_of(to: Path) -> Format:
    """The format that a file's name asks for. Raises GuardError."""
    if (form := _SUFFIXES.get(to.suffix.lower())) is None:
        raise GuardError(
            f'cannot tell from its name in which format to write "{to}"',
            hint=f"--format {'|'.join(get_args(Format))}",
        )
    return form


def rendered(
    content: dict[str, Any], form: Format, run: Path | None = None, chosen: Sequence[Profile] = ()
) -> bytes:
    """The whole report in one format, with what the evidence around `run` says where there is room for it.

    Raises BlackstartError when there is nothing to print a PDF with.
    """
    around = beside(run, content, chosen, whole=True) if run and form in {"html", "pdf", "md"} else None
    match form:
        case "html":
            return html(content, around).encode()
        case "pdf":
            from sites.drivers.browser import print_pdf

            return print_pdf(html(content, around).encode())
        case "md":
            return markdown(content, around).encode()
        case "json":
            return to_json(content)
        case "csv":
            return lost_writes(content).encode()
        case "junit":
            return junit(content).encode()


def profiles(named: Sequence[str] | None) -> list[Profile]:
    """The control profiles of these names or files; all that are shipped where none is named.

    Raises GuardError.
    """
    try:
        return [profile(name) for name in (named or shipped())]
    except ProfileError as error:
        raise GuardError(str(error), hint=error.hint) from None


def site_of(evidence: Path, to: Path, chosen: Sequence[Profile]) -> Built:
    """Build or renew the web site over all the evidence.

    Raises GuardError, EvidenceError, BlackstartError.
    """
    if not (evidence / CHAIN_NAME).is_file():
        raise EvidenceError(
            f'no evidence at "{evidence}": there is no {CHAIN_NAME}', hint="name the folder of all runs"
        )
    _require_outside(to, to.absolute())
    try:
        return build(evidence, to, now=datetime.now(UTC), profiles=chosen)
    except SiteError as error:
        raise GuardError(str(error), hint=error.hint) from None
    except OSError as error:
        raise BlackstartError(f'cannot build the site in "{to}": {error.strerror}') from error


def require_new(to: Path) -> None:
    """Raises GuardError when something is there, when it cannot be, or when it would spoil evidence."""
    if to.exists() or to.is_symlink():
        raise GuardError(f'"{to}" is there already', hint="reports are never written over; name another file")
    folder = to.absolute().parent
    if not folder.is_dir():
        raise GuardError(
            f'cannot write "{to}": there is no folder "{to.parent}"',
            hint=f'make it first: mkdir -p "{to.parent}"',
        )
    if not os.access(folder, os.W_OK):
        raise GuardError(f'cannot write "{to}": its folder may not be written to')
    _require_outside(to, folder)


def _require_outside(to: Path, folder: Path) -> None:
    """What is not in the chain and lies in its folder all the same makes the evidence not intact."""
    if any((above / CHAIN_NAME).is_file() for above in (folder, *folder.parents)):
        raise GuardError(
            f'cannot write "{to}": it would lie in the evidence and spoil it', hint="name a place elsewhere"
        )


def write(to: Path, content: bytes) -> None:
    """Write the new file. Raises BlackstartError."""
    try:
        with to.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise BlackstartError(f'cannot write "{to}": {error.strerror}') from error
