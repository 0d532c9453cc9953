"""What may be done about an act that was cut off or stopped: every error and every status says it alike."""

from __future__ import annotations

from pathlib import Path

from sites.recovery.left_off import begun_steps
from sites.recovery.standing import Act, Standing


def ways_out(state: Path, act: Act) -> str:
    """In words. Nobody is asked: it goes by what was recorded."""
    resume, abandon = f"`blackstart {act} --resume` goes on", f"`blackstart {act} --abandon` takes it back"
    if Standing(state).begun.taken_back:
        return f"{abandon}, as was begun"
    promoted = any(step.startswith("promote ") for step in begun_steps(state))
    if act == "failover":
        return resume if promoted else f"{resume}, {abandon}"
    if promoted:
        return (
            f"{resume} once both sites answer; where one is lost, `blackstart failover` lets the other serve"
        )
    return (
        f"{resume} once both sites answer, {abandon}; where the site that serves is lost, "
        "`blackstart failover` lets the other serve"
    )
