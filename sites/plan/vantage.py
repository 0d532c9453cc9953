"""From where the service is looked at, so that one broken network is not taken for a lost site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sites.plan.noun import Noun
from sites.plan.references import EnvValue
from sites.plan.scalars import Command, EnvName


class ProcessVantage(Noun):
    """A process of its own that looks, on this machine or where `via` leads."""

    kind: Literal["process"]
    via: Command | None = Field(
        None,
        description="starts the same program elsewhere, such as "
        "[ssh, office, /opt/blackstart/bin/python, -m, sites.drivers.http.looking]; default: on this machine",
    )


class CommandVantage(Noun):
    """A command of the user's own that looks once; it finds the address in BLACKSTART_URL."""

    kind: Literal["command"]
    command: Command = Field(
        description="exits 0 when the service answers well, 1 when it is refused, 2 when nothing is heard; "
        "anything else says that it could not look"
    )
    env: dict[EnvName, EnvValue] = Field({}, description="added to its environment; secrets by reference")


Vantage = Annotated[ProcessVantage | CommandVantage, Field(discriminator="kind")]
