"""Prefect's heartbeats of a run: sent as ever, and not waited for at its end.

The thread that sends them sleeps a second at a time, and a flow waits for it to wake. Prefect itself does
without that in its async flows, by a switch of its own. Ours cannot be async: a signal has to end restic
at once.
"""

from __future__ import annotations

import inspect
from functools import partial

from prefect import flow_engine

_SENDER, _SWITCH = "_send_heartbeats", "join_on_exit"


def leave() -> bool:
    """Turn the switch for every flow of this process. False where a Prefect has none: its flows wait."""
    send = getattr(flow_engine, _SENDER, None)
    if send is None or _SWITCH not in inspect.signature(send).parameters:
        return False
    setattr(flow_engine, _SENDER, partial(send, **{_SWITCH: False}))
    return True
