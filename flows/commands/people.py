"""note, attend, sign, finding, hold: what people add to the evidence, signed or only claimed."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from flows.commands.speaking import Speaking, spoken

Run = Annotated[str, typer.Option("--run", metavar="RUN", help="A run's folder, its beginning, or `last`.")]
Text = Annotated[str, typer.Option("--text", help="The reason, or what it is about.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]


@spoken
def note(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be remembered.")],
    run: Run = "last",
    deviation: Annotated[
        bool, typer.Option("--deviation", help="It went another way than planned, or was not done.")
    ] = False,
    *,
    by: Speaking,
) -> None:
    """Add words to a run. They are chained like all evidence, and never taken back."""
    from drills import records

    what = "deviation" if deviation else "note"
    entry = records.made(what, by.who, text=text)
    record = records.run_of(by.plan, run)
    added = records.add(by.plan, entry, by.who, run=record)
    by.tell(added, f"{what} added to {record.opened.folder}")


@spoken
def attend(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who.")],
    state: Annotated[
        Literal["called", "acknowledged", "joined", "left", "absent"], typer.Argument(help="What they did.")
    ],
    run: Run = "last",
    at: Annotated[str | None, typer.Option("--at", metavar="UTC", help="When, if not now.")] = None,
    *,
    by: Speaking,
) -> None:
    """Record when somebody was called, acknowledged, joined or left a drill, or was absent."""
    from drills import records

    record = records.run_of(by.plan, run)
    when = records.instant(at) if at else None
    entry = records.made("presence", by.who, text="", person=person, state=state, at=when)
    added = records.add(by.plan, entry, by.who, run=record)
    by.tell(added, f"{person} {state}, in {record.opened.folder}")


@spoken
def sign(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="The run to sign off, or `last`.")] = None,
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
    *,
    by: Speaking,
) -> None:
    """Put a name under a run that has been, or under a drill that is to come."""
    from drills import signing

    decision: Literal["accepted", "refused"] = "refused" if refuse else "accepted"
    if drill is not None:
        added = signing.approve(by.plan, drill, confirm, by.who, decision, text, ticket=ticket, until=until)
        by.tell(added, f'drill "{drill}" {decision}')
        return
    folder, added = signing.sign_off(by.plan, run or "last", by.who, decision, text)
    by.tell(added, f"{folder} {decision}")


@spoken
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
    *,
    by: Speaking,
) -> None:
    """Enter what has to be mended, close it, open it again, or accept the risk."""
    from drills import signing

    entry = signing.finding_entry(
        by.plan, act, finding_id, by.who, text=text, severity=severity, owner=owner, due=due, retest=retest
    )
    added = signing.enter_finding(by.plan, entry, by.who, run)
    by.tell(added, f'finding "{finding_id}": {act}')


@spoken
def hold(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, `last`, or `all`.")],
    reason: Reason,
    lift: Annotated[bool, typer.Option("--lift", help="Lift it.")] = False,
    *,
    by: Speaking,
) -> None:
    """Place a legal hold: what is held is never pruned."""
    from drills import records

    record = None if run == "all" else records.run_of(by.plan, run)
    added = records.add(
        by.plan, records.made("hold", by.who, text=reason, placed=not lift), by.who, run=record
    )
    what = record.opened.folder if record is not None else "all runs"
    by.tell(added, f"hold {'lifted from' if lift else 'placed on'} {what}")
