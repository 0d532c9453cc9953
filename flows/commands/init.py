"""init: look around, change nothing, and write a first plan."""

from __future__ import annotations

from flows.options import DEFAULT_PLAN, Json, Plan


def init(plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Look around on this machine, read-only, and write a commented plan that passes `check`."""
    from flows.readiness.checks import told
    from flows.readiness.first_plan import first_plan
    from flows.terminal.answer import answer
    from rto_rpo.report.words import count
    from sites.discovery import look_around
    from sites.errors import PlanError

    if plan.exists():
        raise PlanError(f"{plan} is there already", hint="name another file with --plan FILE")
    found = look_around()
    text, checked = first_plan(found, plan)
    try:
        with plan.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise PlanError(f"cannot write {plan}: {error.strerror}") from None
    servers = f"{count(len(found.servers), 'PostgreSQL server')}, {count(len(found.databases), 'database')}"
    lines = [f"written: {plan}", f"found {servers}"]
    if found.unasked is not None and not found.servers:
        way = "PGHOST, PGPORT, PGUSER and PGPASSWORD say how to ask one, then init again with another --plan"
        lines[1:] = [f"no PostgreSQL server could be asked: {found.unasked}", f"  {way}"]
    lines += told(checked)
    lines.append(
        f"next: say in {plan} what is to be protected and where to (docs/plan.md), then `blackstart check`"
    )
    answer(lines, {"plan": plan, "found": found, "checks": checked}, as_json=json)
