"""A site that is made of containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.ready import HttpReady, TcpReady
from sites.plan.scalars import Name, PositiveSpan, Text
from sites.secret import Secret


class ContainedProcess(Noun):
    """One container of a site, made by somebody else; its label blackstart.process names it."""

    ready: Annotated[HttpReady | TcpReady, Field(discriminator="kind")] | None = Field(
        None, description="how to see that it is ready; default: when it has started"
    )
    autostart: bool = Field(True, description="start it with its site; false: only a runbook starts it")
    stop_limit: PositiveSpan = Field(parse_duration("10s"), description="after its stop signal, it is killed")


class ContainersSite(Noun):
    """All containers with its label on one Docker daemon, killed as one."""

    kind: Literal["containers"]
    label: Text | None = Field(
        None, description="value of their label blackstart.site; default: PLAN/SITE, by their names"
    )
    daemon: Text | None = Field(
        None, description="address of the Docker daemon; default: DOCKER_HOST, else the local one"
    )
    drills: bool = Field(False, description="true: drills may damage this site")
    fault_domain: dict[Name, Text] = Field(
        {}, description="what fails together: region, power, provider, account"
    )
    processes: dict[Name, ContainedProcess] = Field({}, description="its containers, in the order they start")

    def environments(self) -> Iterator[tuple[str, Mapping[str, str | Secret]]]:
        """None: what a container finds in its environment is for those to say who make it."""
        yield from ()
