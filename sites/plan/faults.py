"""The damage that a drill does. One noun for each kind; what each does is in drills/faults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import DatasetName, EnvValue, ProcessName, RepositoryName, SiteName
from sites.plan.scalars import (
    BitRate,
    Command,
    Count,
    EnvName,
    InnerPath,
    PositiveSpan,
    Share,
    Span,
    Text,
)


class NoFault(Noun):
    """No fault of ours: blackstart only watches and measures."""

    kind: Literal["none"]


class SiteFault(Noun):
    """A fault that strikes a site as a whole or one process of it."""

    kind: str
    site: SiteName = Field(description="the site that is struck")


class SiteLost(SiteFault):
    """A fault that begins with the loss of a whole site."""

    site: SiteName = Field(description="the site to lose")


class KillSite(SiteLost):
    """Every process of the site is killed at once."""

    kind: Literal["kill_site"]


class ProcessFault(SiteFault):
    """A fault that strikes one process of a site, or what it keeps."""

    process: ProcessName = Field(description="the process that is struck, or whose data is")


class KillService(ProcessFault):
    """One process of the site, with whatever it started, is killed (SIGKILL)."""

    kind: Literal["kill_service"]


class StopService(ProcessFault):
    """One process of the site is asked to end, as for maintenance."""

    kind: Literal["stop_service"]


class PauseSite(SiteFault):
    """Every process of the site stands still: it accepts connections and never answers."""

    kind: Literal["pause_site"]


class Partition(SiteFault):
    """The site's packets are dropped: silence, and no refusal."""

    kind: Literal["partition"]
    direction: Literal["both", "inbound", "outbound"] = Field(
        "both", description="inbound: what others send to the site; outbound: what it sends to them"
    )


class SlowNetwork(SiteFault):
    """What goes to and from the site is late, lost in part, or only so much a second."""

    kind: Literal["slow_network"]
    latency: Span = Field(
        parse_duration("0s"), description="added to each round trip of TCP connections made to the site"
    )
    loss: Share = Field(0.0, description="percent of its packets that are lost, each way")
    rate: BitRate | None = Field(None, description="most that it sends, such as 1mbit; default: no limit")


class VolumeFault(ProcessFault):
    """A fault of what a process keeps."""

    path: InnerPath = Field(description="the folder on that volume, as the process sees it")


class FillDisk(VolumeFault):
    """A bounded volume of the site's own is full: every write to it is refused for want of room."""

    kind: Literal["fill_disk"]


class LoseVolume(VolumeFault):
    """What a process keeps is gone, and the process with it."""

    kind: Literal["lose_volume"]


REVIVABLE = (KillSite, PauseSite, Partition)
"""What a whole site comes back from: started again, going on, reconnected."""


class RepositoryFault(Noun):
    """A fault that strikes a backup repository in a folder of this machine."""

    kind: str
    repository: RepositoryName = Field(description="the repository that is struck")


class LoseNewestSnapshot(RepositoryFault):
    """The newest snapshot of a dataset is gone from the repository."""

    kind: Literal["lose_newest_snapshot"]
    dataset: DatasetName = Field(description="whose newest snapshot is lost")


class LockRepository(RepositoryFault):
    """The repository is locked exclusively, by somebody on another host who never comes back."""

    kind: Literal["lock_repository"]


class WrongKey(RepositoryFault):
    """No key of the repository opens with the password any more."""

    kind: Literal["wrong_key"]


class CorruptRepository(RepositoryFault):
    """Eight bytes in the middle of some packs are turned over."""

    kind: Literal["corrupt_repository"]
    packs: Count = Field(1, description="how many packs, the largest first")


class FreezeReplica(Noun):
    """The standby receives no changes any more, and its primary is not told."""

    kind: Literal["freeze_replica"]
    dataset: DatasetName = Field(description="whose standby stands still")


class ReplicatedDamage(Noun):
    """Damage done through the front door: the other site's copy has it too."""

    kind: Literal["damage_that_replicates"]
    dataset: DatasetName = Field(description="what is damaged")
    damage: Literal["rows_deleted", "table_dropped", "files_encrypted"] = Field(
        description="of a database the first two, of files the last"
    )
    table: Text | None = Field(None, description="SCHEMA.TABLE that is struck, of a database")


class DrNotReady(SiteLost):
    """The standby fails first, and then the site that it would have replaced is killed."""

    kind: Literal["dr_not_ready"]
    dataset: DatasetName = Field(description="whose standby fails first")
    standby: Literal["gone", "stale"] = Field(
        "gone", description="gone: its server is killed; stale: it receives no changes any more"
    )
    stale_for: PositiveSpan = Field(parse_duration("2s"), description="so long before the site is lost")


class KillOrchestrator(SiteLost):
    """The site is killed, and some time later the orchestrator of the drill, by SIGKILL."""

    kind: Literal["kill_orchestrator"]
    later: PositiveSpan = Field(
        parse_duration("1s"), description="so long after the site the orchestrator dies"
    )


Second = Annotated[
    KillService
    | StopService
    | PauseSite
    | Partition
    | LoseNewestSnapshot
    | LockRepository
    | WrongKey
    | CorruptRepository
    | FreezeReplica,
    Field(discriminator="kind"),
]


class SecondFault(SiteLost):
    """The site is killed, and when the runbook has come to a milestone another fault strikes."""

    kind: Literal["second_fault_during_recovery"]
    at: Literal["detected", "decided", "fenced", "promoted", "restored", "started", "redirected"] = Field(
        description="the milestone of the runbook"
    )
    second: Second = Field(description="what strikes then")


class ShellFault(Noun):
    """The user's own commands."""

    kind: Literal["shell"]
    site: SiteName = Field(description="the site that is struck: it must have opted in")
    name: Text = Field(description="what the damage is called, in reports")
    inject: Command = Field(description="does the damage, and returns once it is done; exit 0")
    effective: Command = Field(description="exit 0: the damage is in force, 1: it is not")
    heal: Command = Field(description="takes the damage away; run again and again until `effective` exits 1")
    env: dict[EnvName, EnvValue] = Field({}, description="added to their environment; secrets by reference")
    limit: PositiveSpan = Field(parse_duration("30s"), description="each command ends by then, or failed")


# To add a kind: its noun here, its class in drills/faults, a line in the table of drills/faults/__init__.py.
Fault = Annotated[
    NoFault
    | KillSite
    | KillService
    | StopService
    | PauseSite
    | Partition
    | SlowNetwork
    | FillDisk
    | LoseVolume
    | LoseNewestSnapshot
    | LockRepository
    | WrongKey
    | CorruptRepository
    | FreezeReplica
    | ReplicatedDamage
    | DrNotReady
    | KillOrchestrator
    | SecondFault
    | ShellFault,
    Field(discriminator="kind"),
]
