"""Who is told when protection or recovery is not what the plan wants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import SecretRef
from sites.plan.scalars import PositiveSpan


class Notify(Noun):
    """Messages by `blackstart notify`, run every few minutes; each says object, reason and next command."""

    to: Annotated[tuple[SecretRef, ...], Field(min_length=1)] = Field(
        description="addresses in Apprise's form, each a secret: most hold a token"
    )
    ping: SecretRef | None = Field(
        None, description="asked with GET after each look, so that our own silence is noticed elsewhere"
    )
    again: PositiveSpan = Field(parse_duration("1d"), description="what still holds is told again after this")
