"""What the user wants to know of restored data, besides that it is what was backed up."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import EnvValue
from sites.plan.scalars import Command, EnvName, Name, PositiveSpan, Text


class CommandCheck(Noun):
    """A program of the user's own looks at what was restored."""

    kind: Literal["command"]
    name: Name = Field(description="what it is called in results")
    command: Command = Field(
        description="looks at BLACKSTART_RESTORED; exit 0: good, 75: it could not tell, others: bad"
    )
    env: dict[EnvName, EnvValue] = Field({}, description="added to its environment; secrets by reference")
    limit: PositiveSpan = Field(parse_duration("10m"), description="no answer within this time is none")


class QueryCheck(Noun):
    """A query to the restored database."""

    kind: Literal["query"]
    name: Name = Field(description="what it is called in results")
    sql: Text = Field(description="asked of the restored database, apart from everything")
    expect: Text = Field(description="what the first value of its first row is, as text, when all is well")


RestoreCheck = Annotated[CommandCheck | QueryCheck, Field(discriminator="kind")]
