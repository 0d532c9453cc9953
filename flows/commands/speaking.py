"""What every command that adds people's words takes besides: whose they are, signed or only claimed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, plan_of

if TYPE_CHECKING:
    from drills.records import Added, Speaker
    from sites.plan import Plan as ThePlan

As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Whose words; default: the key's.")]
Role = Annotated[str | None, typer.Option("--role", metavar="ROLE", help="In which role.")]
SignedBy = Annotated[
    Path | None,
    typer.Option("--signed-by", metavar="FILE", help="That person's own private key; without: claimed."),
]


@dataclass(frozen=True, slots=True)
class Speaking:
    """Who speaks, under which plan, and how the answer is wanted."""

    plan: ThePlan
    who: Speaker
    json: bool

    def tell(self, added: Added, what: str) -> None:
        """Answer with what was added and the chain's new head; what could not be done goes beside it."""
        from flows.terminal.answer import answer
        from flows.terminal.console import Console

        for problem in added.not_done:
            Console().error(problem)
        name, signed = self.who.by.name, self.who.key is not None
        standing = "signed" if signed else "claimed: not signed"
        lines = [f"{what} by {name} ({standing})", f"chain head   {added.head}"]
        data = {"what": what, "by": name, "signed": signed, "head": added.head, "not_done": added.not_done}
        answer(lines, data, as_json=self.json)


def spoken(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who speaks; it gets them made into one, as `by`."""

    def run(
        *,
        name: As = None,
        role: Role = None,
        signed_by: SignedBy = None,
        plan: Plan = DEFAULT_PLAN,
        json: Json = False,
        **own: object,
    ) -> None:
        from drills.records import speaker

        loaded = plan_of(plan)
        command(**own, by=Speaking(loaded, speaker(loaded, name, role, signed_by), json))

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = _joined(command, run)  # type: ignore[attr-defined]  # what typer reads the options from
    return run


def _joined(command: Callable[..., None], shared: Callable[..., None]) -> Signature:
    """The parameters of both, without `by` and `**own`, which are between the two alone."""
    own = signature(command, eval_str=True).parameters.values()
    besides = signature(shared, eval_str=True).parameters.values()
    joined = [p for p in (*own, *besides) if p.name != "by" and p.kind is not Parameter.VAR_KEYWORD]
    return Signature([p.replace(kind=Parameter.KEYWORD_ONLY) for p in joined])
