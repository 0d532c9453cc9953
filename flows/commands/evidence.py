"""report, verify: from the evidence alone, with no plan and no site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, estate_of

if TYPE_CHECKING:
    from flows.evidence.report import Format
    from flows.evidence.which_run import NothingLeft
    from rto_rpo.controls.profile import Profile

DEFAULT_EVIDENCE = Path("evidence")


def report(
    path: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A run's folder; or that of all, for the newest.")
    ] = DEFAULT_EVIDENCE,
    form: Annotated[
        Literal["html", "pdf", "md", "json", "csv", "junit"] | None,
        typer.Option("--format", help="Write the whole report so; default: as the name of --to says."),
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write it there.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="What all runs in the folder show together; html or json.")
    ] = False,
    site: Annotated[
        Path | None,
        typer.Option("--site", metavar="DIR", help="Build or renew a web site over all the evidence there."),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile", metavar="NAME|FILE", help="A control profile; default: all that are shipped."
        ),
    ] = None,
    runbook: Annotated[
        bool,
        typer.Option("--runbook", help="The plan's runbook for people, each step by hand; md or html."),
    ] = False,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Tell of a run again, computed anew from its plan and its ledger; or of all of them together."""
    from flows.evidence.report import profiles
    from sites.errors import GuardError

    if runbook:
        _runbook(plan, form, to, as_json=json)
        return
    if history:
        raise typer.Exit(_history(path, form, to, as_json=json))
    chosen = profiles(profile)
    if site is None:
        raise typer.Exit(_one(path, form, to, chosen, as_json=json))
    if form is not None or to is not None:
        raise GuardError("--site writes pages of its own", hint="leave --format and --to out")
    raise typer.Exit(_site(path, site, chosen, as_json=json))


def _one(
    path: Path, form: Format | None, to: Path | None, chosen: Sequence[Profile], *, as_json: bool
) -> int:
    from flows.evidence.report import form_of, read, rendered, require_new, write
    from flows.evidence.results import not_intact, report_lines
    from flows.evidence.which_run import NothingLeft, belief, run_folder
    from flows.terminal.answer import answer
    from sites.errors import GuardError

    if to is not None:
        form = form or form_of(to)
        require_new(to)
    try:
        run = run_folder(path)
    except NothingLeft as error:
        if form == "junit":
            _gate(error, to)
        raise
    believed = belief(run)
    content = read(run, believed.doubt)
    for line in not_intact(believed.findings):
        typer.echo(line, err=True)
    if form is None:
        answer(report_lines(run, content), {"folder": run, "report": content}, as_json=as_json)
    elif to is not None:
        write(to, rendered(content, form, run, chosen))
        answer([str(to)], {"folder": run, "written": to}, as_json=as_json)
    elif form == "pdf":
        raise GuardError("a PDF is not for a terminal", hint="--to FILE says where to write it")
    else:
        typer.echo(rendered(content, form, run, chosen).decode(), nl=False)
    return 1 if believed.findings else 0


def _gate(error: NothingLeft, to: Path | None) -> None:
    """A pipeline that reads the file and not the exit code must not go green either."""
    from flows.evidence.report import write
    from rto_rpo.report.forms.junit import junit_of_nothing

    opened = error.opened
    made = junit_of_nothing(opened.plan, opened.drill, opened.run, opened.utc, str(error))
    if to is not None:
        write(to, made.encode())
    else:
        typer.echo(made, nl=False)


def _site(path: Path, site: Path, chosen: Sequence[Profile], *, as_json: bool) -> int:
    from flows.evidence.report import site_of
    from flows.evidence.results import not_intact
    from flows.terminal.answer import answer

    built = site_of(path, site, chosen)
    told = f"{built.written} pages written, {built.kept} kept, {built.removed} removed"
    lines = [*not_intact(built.findings), str(site / "index.html"), told]
    answer(lines, {"site": site, "pages": built}, as_json=as_json)
    return 1 if built.findings else 0


def _runbook(plan: Path, form: str | None, to: Path | None, *, as_json: bool) -> None:
    from flows.evidence.report import form_of, require_new, write
    from flows.recovery.runbook import document, rendered
    from flows.terminal.answer import answer
    from sites.errors import GuardError

    if to is not None:
        form = form or form_of(to)
        require_new(to)
    if form not in (None, "html", "md"):
        raise GuardError(f"a runbook is not written as {form}", hint="--format html|md")
    made = document(estate_of(plan))
    content = rendered(made, "html" if form == "html" else "md")
    if to is None:
        answer([content.decode().rstrip("\n")], {"runbook": made}, as_json=as_json)
    else:
        write(to, content)
        answer([str(to)], {"written": to, "sha256": made.sha256}, as_json=as_json)


def _history(path: Path, form: str | None, to: Path | None, *, as_json: bool) -> int:
    from flows.evidence.history import lines, rendered
    from flows.evidence.report import form_of, require_new, write
    from flows.terminal.answer import answer
    from rto_rpo.series.gather import gather

    if to is not None:
        form = form or form_of(to)
        require_new(to)
    found = gather(path)
    if form is None:
        answer(lines(found), found, as_json=as_json)
    elif to is None:
        typer.echo(rendered(found, form).decode(), nl=False)
    else:
        write(to, rendered(found, form))
        answer([str(to)], {"folder": path, "written": to}, as_json=as_json)
    return 1 if found.findings else 0


def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="All the evidence.")] = DEFAULT_EVIDENCE,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The signer's public key, from elsewhere.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH|FILE", help="A head kept elsewhere, or a file of heads."),
    ] = None,
    json: Json = False,
) -> None:
    """Check every hash and signature and compute every verdict again. Exits 0 when all is intact.

    Exits 3 when it is, but a verdict was found by other rules than these, which find otherwise.
    """
    from flows.evidence.results import verification_lines
    from flows.terminal.answer import answer
    from rto_rpo.evidence import EvidenceError
    from rto_rpo.evidence.checking.verify import verify as verified
    from rto_rpo.evidence.lines.heads import given_heads

    if not folder.is_dir():
        hint = "name the folder of all runs: `evidence.path` of the plan, which the first drill makes"
        raise EvidenceError(f'cannot verify "{folder}": there is no such folder', hint=hint)
    try:
        public_key = key.read_bytes() if key is not None else None
    except OSError as error:
        hint = "name a file with the signer's public key: PEM, or its 32 bytes"
        raise EvidenceError(f'cannot read public key "{key}": {error.strerror}', hint=hint) from error
    torn: list[str] = []
    heads = given_heads(head, torn.append) if head is not None else None
    found = verified(folder, public_key=public_key, head=heads)
    found = replace(found, notes=(*found.notes, *torn))
    answer(verification_lines(folder, found), found, as_json=json)
    raise typer.Exit(1 if not found.intact else 3 if found.unproven else 0)
