"""When a drill may run."""

from __future__ import annotations

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.scalars import Span, Text


class Window(Noun):
    """The hours in which a market does not trade."""

    calendar: Text = Field(description="code of an exchange's calendar, such as XNYS")
    margin: Span = Field(parse_duration("1h"), description="kept from the close before and the open after")
