"""note, attend, sign, finding, hold: what people add to the evidence, signed or only claimed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, plan_of

if TYPE_CHECKING:
    from drills.records import Added, Speaker
    from sites.plan import Plan as ThePlan

Run = Annotated[str, typer.Option("--run", metavar="RUN", help="A run's folder, its beginning, or `last`.")]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Whose words; default: the key's.")]
Role = Annotated[str | None, typer.Option("--role", metavar="ROLE", help="In which role.")]
SignedBy = Annotated[
    Path | None,
    typer.Option("--signed-by", metavar="FILE", help="That person's own private key; without: claimed."),
]
Text = Annotated[str, typer.Option("--text", help="The reason, or what it is about.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]


def note(
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    run: Run = "last",
    deviation: Annotated[
        bool, typer.Option("--deviation", help="It went another way than planned, or was not done.")
    ] = False,
    name: As = None,
    role: Role = None,
    signed_by: SignedBy = None,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Add words to a run. They are chained like all evidence, and never taken back."""
    from drills import records

    loaded, who = _who(plan, name, role, signed_by)
    what = "deviation" if deviation else "note"
    record = records.run_of(loaded, run)
    added = records.add(loaded, records.made(what, who, text=text), who, run=record)
    _tell(added, who, f"{what} added to {record.opened.folder}", as_json=json)


def attend(
    person: Annotated[str, typer.Argument(help="Who.")],
    state: Annotated[
        Literal["called", "acknowledged", "joined", "left", "absent"], typer.Argument(help="What they did.")
    ],
    run: Run = "last",
    at: Annotated[str | None, typer.Option("--at", metavar="UTC", help="When, if not now.")] = None,
    name: As = None,
    role: Role = None,
    signed_by: SignedBy = None,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Record when somebody was called, acknowledged, joined or left a drill, or was absent."""
    from drills import records

    loaded, who = _who(plan, name, role, signed_by)
    record = records.run_of(loaded, run)
    when = records.instant(at) if at else None
    entry = records.made("presence", who, text="", person=person, state=state, at=when)
    added = records.add(loaded, entry, who, run=record)
    _tell(added, who, f"{person} {state}, in {record.opened.folder}", as_json=json)


def sign(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The run to sign off, or `last`.")
    ] = None,
    drill: Annotated[
        str | None, typer.Option("--drill", metavar="NAME", help="Approve a drill that is to come instead.")
    ] = None,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="HASH", help="With --drill: the preview's hash.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="UTC", help="With --drill: not after that.")
    ] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", help="With --drill: its change ticket.")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Say no.")] = False,
    text: Text = "",
    name: As = None,
    role: Role = None,
    signed_by: SignedBy = None,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Put a name under a run that has been, or under a drill that is to come."""
    from drills import signing

    loaded, who = _who(plan, name, role, signed_by)
    decision: Literal["accepted", "refused"] = "refused" if refuse else "accepted"
    if drill is not None:
        added = signing.approve(loaded, drill, confirm, who, decision, text, ticket=ticket, until=until)
        _tell(added, who, f'drill "{drill}" {decision}', as_json=json)
        return
    folder, added = signing.sign_off(loaded, run or "last", who, decision, text)
    _tell(added, who, f"{folder} {decision}", as_json=json)


def finding(
    act: Annotated[Literal["open", "close", "reopen", "accept"], typer.Argument(help="What to do.")],
    finding_id: Annotated[str, typer.Argument(metavar="ID", help="The firm's own name for it, used once.")],
    text: Text = "",
    severity: Annotated[
        Literal["low", "medium", "high", "critical"], typer.Option("--severity", help="With open.")
    ] = "medium",
    owner: Annotated[str | None, typer.Option("--owner", metavar="NAME", help="With open.")] = None,
    due: Annotated[
        str | None, typer.Option("--due", metavar="DAY", help="With open; with accept: until then.")
    ] = None,
    retest: Annotated[
        str | None,
        typer.Option("--retest", metavar="DRILL[:SUBJECT:OBJECTIVE]", help="What closes it when met."),
    ] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Where it was found.")] = None,
    name: As = None,
    role: Role = None,
    signed_by: SignedBy = None,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Enter what has to be mended, close it, open it again, or accept the risk."""
    from drills import signing

    loaded, who = _who(plan, name, role, signed_by)
    entry = signing.finding_entry(
        loaded, act, finding_id, who, text=text, severity=severity, owner=owner, due=due, retest=retest
    )
    added = signing.enter_finding(loaded, entry, who, run)
    _tell(added, who, f'finding "{finding_id}": {act}', as_json=json)


def hold(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, `last`, or `all`.")],
    reason: Reason,
    lift: Annotated[bool, typer.Option("--lift", help="Lift it.")] = False,
    name: As = None,
    role: Role = None,
    signed_by: SignedBy = None,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Place a legal hold: what is held is never pruned."""
    from drills import records

    loaded, who = _who(plan, name, role, signed_by)
    record = None if run == "all" else records.run_of(loaded, run)
    added = records.add(loaded, records.made("hold", who, text=reason, placed=not lift), who, run=record)
    what = record.opened.folder if record is not None else "all runs"
    _tell(added, who, f"hold {'lifted from' if lift else 'placed on'} {what}", as_json=json)


def _who(plan: Path, name: str | None, role: str | None, key: Path | None) -> tuple[ThePlan, Speaker]:
    from drills.records import speaker

    loaded = plan_of(plan)
    return loaded, speaker(loaded, name, role, key)


def _tell(added: Added, who: Speaker, what: str, *, as_json: bool) -> None:
    from flows.answer import answer
    from flows.console import Console

    for problem in added.not_done:
        Console().error(problem)
    standing = "signed" if who.key is not None else "claimed: not signed"
    lines = [f"{what} by {who.by.name} ({standing})", f"chain head   {added.head}"]
    answer(
        lines,
        {"what": what, "by": who.by.name, "signed": who.key is not None, **_data(added)},
        as_json=as_json,
    )


def _data(added: Added) -> dict[str, object]:
    return {"head": added.head, "not_done": added.not_done}
