"""The end of the process, at once."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def failover_left() -> bool:
    """Whether a drill's failover goes on in this process, which nobody wants to wait for."""
    if "drills.response" not in sys.modules:
        return False  # no drill ran, and to look would cost every command its imports
    from drills.response import still_running

    return still_running()


def leave(code: int) -> NoReturn:
    """Exit. A failover that was left is cut off here and now, as by a crash, which its journal is made for.

    Python by itself would wait for the step under way, be it for hours, and then refuse the next one.
    """
    if failover_left():
        from flows.terminal.console import Console

        Console().error("the failover was left as it is; `blackstart failover --resume` goes on with it")
        Console().hint("then `blackstart recover` undoes and closes what the drill could not")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
