"""How a drill's own orders stay away from people who know nothing of drills."""

from __future__ import annotations

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import EnvValue
from sites.plan.scalars import Command, EnvName, PositiveSpan, Text


class ThirdParties(Noun):
    """What keeps the canary's writes from exchanges, banks and customers, and the check that proves it."""

    spared_by: Text = Field(description="in words: what keeps the canary's writes from them")
    check: Command = Field(
        description="tries to reach one as a canary's write would; exit 0: it was refused, others: not proven"
    )
    env: dict[EnvName, EnvValue] = Field({}, description="added to its environment; secrets by reference")
    limit: PositiveSpan = Field(parse_duration("30s"), description="it ends by then, or nothing is proven")
