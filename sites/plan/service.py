"""What clients use: services, how they are checked, and how clients are sent to the other site."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rto_rpo.answering import Word
from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.redirects import Redirect
from sites.plan.references import EnvValue, Need, ProcessName, SiteName
from sites.plan.scalars import (
    Command,
    EnvName,
    HttpAddress,
    PositiveSpan,
    Span,
    UrlPath,
)


class HttpCheck(Noun):
    """The service is well when this path answers with 2xx."""

    kind: Literal["http"]
    path: UrlPath = Field("/", description="asked with GET; well when it answers 2xx")


class Gate(Noun):
    """A command that must say yes (exit 0) before the service is started at the other site."""

    command: Command = Field(
        description="exits 0 to let the service start at site BLACKSTART_SITE; the JSON it prints is kept"
    )
    answers: tuple[Word, ...] = Field((), description="what its yes shows, in the words of controls.md")
    env: dict[EnvName, EnvValue] = Field({}, description="added to its environment; secrets by reference")
    limit: PositiveSpan = Field(
        parse_duration("30s"), description="an answer within this time, or it is a no"
    )


class Service(Noun):
    needs: tuple[Need, ...] = Field((), description="datasets and services that must be there first")
    process: ProcessName | None = Field(None, description="the process of this name at each site")
    endpoint: HttpAddress | None = Field(None, description="where clients go")
    addresses: dict[SiteName, HttpAddress] = Field({}, description="each site's own address")
    check: HttpCheck | None = Field(None, description="how to see that it is well")
    redirect: Redirect | None = Field(
        None, description="how clients are sent to the other site; default: they find it themselves"
    )
    gate: Gate | None = Field(None, description="what must be so before it is started at the other site")
    rto: Span | None = Field(None, description="objective: served again within this time")
    cold_rto: Span | None = Field(
        None, description="objective: served again within this time, all of it recovered from backup"
    )
