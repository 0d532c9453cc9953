"""Where things are: sites with their processes, and repositories of backups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from rto_rpo.objective import parse_duration
from sites.plan.containers_site import ContainersSite
from sites.plan.hosts import HostsSite
from sites.plan.noun import Noun
from sites.plan.policy import Reading
from sites.plan.ready import HttpReady, TcpReady
from sites.plan.references import EnvValue, RepositoryName, SecretRef, SiteName
from sites.plan.scalars import (
    Command,
    EnvName,
    Location,
    Name,
    PositiveSpan,
    RepositoryUrl,
    Text,
    WiredAddress,
)
from sites.plan.shell_site import ShellSite
from sites.plan.stanza import Stanza
from sites.secret import Secret

StopSignal = Literal["TERM", "INT", "QUIT", "HUP"]


class Process(Noun):
    """One program that a site runs."""

    command: Command = Field(description="the program and its arguments; no shell is involved")
    env: dict[EnvName, EnvValue] = Field({}, description="added to its environment; secrets by reference")
    user: Text | None = Field(None, description="run as this user; default: the user that runs blackstart")
    folder: Location | None = Field(None, description="run there; default: the site's own folder")
    ready: Annotated[HttpReady | TcpReady, Field(discriminator="kind")] | None = Field(
        None, description="how to see that it is ready; default: when it has started"
    )
    autostart: bool = Field(True, description="start it with its site; false: only a runbook starts it")
    stop_signal: StopSignal = Field("TERM", description="asks it to end")
    stop_limit: PositiveSpan = Field(parse_duration("10s"), description="then it is killed")
    pid_file: Location | None = Field(
        None, description="left behind when it is killed; removed before it starts again"
    )


class ProcessesSite(Noun):
    """A site made of plain processes on this machine, killed as one."""

    kind: Literal["processes"]
    path: Location = Field(description="the site's own folder")
    network: WiredAddress | None = Field(
        None,
        description="its address in a network of its own; default: none, and it cannot be cut off",
    )
    drills: bool = Field(False, description="true: drills may damage this site")
    fault_domain: dict[Name, Text] = Field(
        {}, description="what fails together: region, power, provider, account"
    )
    processes: dict[Name, Process] = Field({}, description="its programs, in the order they start")

    def environments(self) -> Iterator[tuple[str, Mapping[str, str | Secret]]]:
        """Every environment that it declares, with the process whose it is."""
        yield from ((name, process.env) for name, process in self.processes.items())


Site = Annotated[ProcessesSite | ContainersSite | HostsSite | ShellSite, Field(discriminator="kind")]


class ResticRepository(Noun):
    """A restic repository."""

    kind: Literal["restic"] = Field("restic", description="this")
    site: SiteName = Field(description="the site that is lost together with it")
    url: RepositoryUrl = Field(
        description="a folder, or anything restic takes: s3:, rest:, sftp:, rclone: ..."
    )
    password: SecretRef = Field(description="the repository's password")
    copy_of: RepositoryName | None = Field(None, description="filled by copying from this repository")
    env: dict[EnvName, EnvValue] = Field(
        {}, description="what restic needs in its environment, such as AWS_SECRET_ACCESS_KEY"
    )
    options: dict[Text, Text] = Field({}, description="restic's own -o, such as sftp.args")
    append_only: bool = Field(
        False, description="what is kept here cannot be deleted from here: upkeep neither forgets nor prunes"
    )
    prune: PositiveSpan = Field(
        parse_duration("7d"), description="how often the room of what was forgotten is freed"
    )
    read: Reading = Field(default_factory=Reading, description="how its packs are read again in turns")


def _kind_of(written: object) -> object:
    """restic's where nothing is said."""
    kind = written.get("kind", "restic") if isinstance(written, Mapping) else getattr(written, "kind", None)
    return kind or "restic"


Repository = Annotated[
    Annotated[ResticRepository, Tag("restic")] | Annotated[Stanza, Tag("pgbackrest")], Discriminator(_kind_of)
]
