"""hold-lease: the door beside a database, which shuts by itself."""

from __future__ import annotations

import os
import signal
import socket
import threading
from types import FrameType
from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Plan, plan_of


def hold_lease(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Whose lease.")],
    plan: Plan = DEFAULT_PLAN,
) -> None:
    """Let clients through to the database of a site only while its lease is renewed."""
    from flows.terminal.console import Console
    from sites.errors import GuardError
    from sites.lease.declared import ends_of, witness_of
    from sites.lease.keeping import keep
    from sites.lease.term import Term

    declared, stop = plan_of(plan), threading.Event()
    lease = declared.failover.lease if declared.failover is not None else None
    if lease is None or site not in lease.doors:
        raise GuardError(
            f'plan "{declared.name}" declares no lease for site "{site}"', hint="give it `failover.lease`"
        )

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    holder, seconds = f"{socket.gethostname()} {os.getpid()}", lease.term.seconds
    term = Term(witness_of(lease, site), site, holder, seconds)
    keep(term, *ends_of(lease.doors[site]), seconds, Console(timed=True).passed, stop)
