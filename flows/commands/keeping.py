"""key, rotate-key, upload, prune, tabletop: keeping the evidence, and what is only talked through."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, plan_of


def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A private Ed25519 key in PEM.")],
    new: Annotated[bool, typer.Option("--new", help="Make it first; the file must not exist.")] = False,
    json: Json = False,
) -> None:
    """Print the public half of a key, as `roles` in a plan take it, and its identity in the evidence."""
    from flows.terminal.answer import answer
    from rto_rpo.evidence.lines.signature import load_key, new_key

    public = (new_key(file) if new else load_key(file)).public
    found = {"public": public.raw.hex(), "identity": public.identity, "pem": public.pem.decode()}
    answer([f"public key   {found['public']}", f"identity     {found['identity']}"], found, as_json=json)


def rotate_key(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The new private key.")],
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Let a new key sign the evidence from now on. The plan names the old one; change it afterwards."""
    from drills.keys import rotate
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    done = rotate(plan_of(plan), to)
    for problem in done.not_done:
        Console().error(problem)
    lines = [
        f"key {done.old} was changed for key {done.new}",
        f"now let `evidence.key` in {plan} name {to}; keep the old public key for those who have only that",
        f"chain head   {done.head}",
    ]
    answer(lines, done, as_json=json)


def upload(plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Probe the store's lock, then upload every closed run that is not there yet.

    Exits 1 when one was not, because its files are not those of the chain.
    """
    from drills import keeping
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    done = keeping.upload(plan_of(plan))
    for refused in done.refused:
        Console().error(f"not uploaded: {refused}")
    answer(list(done.said), done, as_json=json)
    raise typer.Exit(1 if done.refused else 0)


def prune(
    plan: Plan = DEFAULT_PLAN,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, it is only shown.")] = False,
    json: Json = False,
) -> None:
    """Show which runs are older than the retention and under no hold; with --yes delete their files."""
    from drills import pruning
    from flows.evidence.results import prunable_lines
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    loaded = plan_of(plan)
    found = pruning.look(loaded)
    taken = pruning.take(loaded) if yes else pruning.Taken((), ())
    for problem in taken.not_done:
        Console().error(problem)
    data = {"runs": found, "deleted": taken.folders, "not_done": taken.not_done}
    answer(prunable_lines(found, taken.folders, done=yes), data, as_json=json)


def tabletop(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which tabletop of the plan.")],
    moderator: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who writes it down.")] = None,
    signed_by: Annotated[
        Path | None, typer.Option("--signed-by", metavar="FILE", help="The moderator's own private key.")
    ] = None,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Talk a disaster through: every line of standard input is entered with its time, until it ends."""
    from drills import tabletop as tabletops
    from drills.records import speaker
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    loaded = plan_of(plan)
    console = Console(timed=True)
    done = tabletops.hold(
        loaded, name, speaker(loaded, moderator, None, signed_by), sys.stdin, console.passed
    )
    for problem in done.not_done:
        console.error(problem)
    lines = [f"{done.folder.name}: {done.entries} entries; inconclusive, for nothing was measured"]
    answer(lines, done, as_json=json)
