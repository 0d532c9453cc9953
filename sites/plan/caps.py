"""How much one drill may hit."""

from __future__ import annotations

from pydantic import Field

from sites.plan.noun import Noun
from sites.plan.scalars import Count


class Caps(Noun):
    """The most that one drill may hit, counted on what was resolved."""

    targets: Count = Field(50, description="so many targets at most, as `drill --preview` shows them")
    sites: Count = Field(1, description="at so many sites at most")
