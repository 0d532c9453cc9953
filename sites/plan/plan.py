"""The plan: one file that declares the sites, the data, the objectives and the drills."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pydantic import Field, PrivateAttr

from rto_rpo.objective import Duration
from sites.plan.dataset import Dataset
from sites.plan.evidence import Evidence, Roles, Tabletop
from sites.plan.exercise import Drill, ObjectiveKind
from sites.plan.failover import Failover
from sites.plan.notify import Notify
from sites.plan.noun import Noun
from sites.plan.places import Repository, Site
from sites.plan.scalars import Location, Name
from sites.plan.service import Service
from sites.plan.version_command import VersionCommand


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a plan was read from, byte for byte, and the variables that it used."""

    path: Path = Path("plan.yaml")
    raw: bytes = b""
    variables: Mapping[str, str] = field(default_factory=dict)


class Plan(Noun):
    name: Name = Field(description="name of the plan, in reports and evidence")
    environment: Name = Field(description="such as demo, staging, production; a live drill must name it")
    sites: dict[Name, Site] = Field(min_length=1, description="the places that can be lost")
    repositories: dict[Name, Repository] = Field({}, description="where backups are kept")
    datasets: dict[Name, Dataset] = Field({}, description="what is protected")
    services: dict[Name, Service] = Field({}, description="what clients use")
    failover: Failover | None = Field(None, description="which site takes over from which, and how")
    drills: dict[Name, Drill] = Field({}, description="the rehearsals")
    tabletops: dict[Name, Tabletop] = Field({}, description="drills that are only talked through")
    versions: dict[Name, VersionCommand] = Field(
        {}, description="what tells the version of something that blackstart cannot ask itself"
    )
    notify: Notify | None = Field(None, description="who is told when something is not as it should be")
    roles: Roles = Field(default_factory=Roles, description="who answers for what")
    # a mapping, not an Evidence: its path is then read against the plan's folder, as a declared one is
    evidence: Evidence = Field(
        cast(Evidence, {}), validate_default=True, description="where the proof is kept"
    )
    state: Location = Field(
        Path(".blackstart"), validate_default=True, description="locks, journals, undo intents and histories"
    )
    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def path(self) -> Path:
        """The plan file, absolute."""
        return Path(os.path.abspath(self._origin.path))  # noqa: PTH100 - resolve() would follow links

    @property
    def folder(self) -> Path:
        """What relative paths are relative to."""
        return self.path.parent

    @property
    def raw(self) -> bytes:
        """The plan file as it stood when it was read."""
        return self._origin.raw

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def variables(self) -> Mapping[str, str]:
        """Every variable that the plan names, with the value used. Never a secret."""
        return self._origin.variables

    def resolve(self, path: str | Path) -> Path:
        """An absolute path, from one relative to the plan. The plan's own paths are absolute already."""
        return Path(os.path.normpath(self.folder / path))

    def schedules(self) -> dict[str, str]:
        """Every drill that has a schedule, talked through or not."""
        declared: dict[str, Drill | Tabletop] = {**self.drills, **self.tabletops}
        return {name: drill.schedule for name, drill in declared.items() if drill.schedule is not None}

    def objectives(self, *, cold: bool = False) -> dict[tuple[str, ObjectiveKind], Duration]:
        """All that is declared: (service, "rto") and (dataset, "rpo") to the length allowed.

        With `cold`, what is promised of a recovery from backup alone.
        """
        declared: dict[tuple[str, ObjectiveKind], Duration] = {}
        for name, service in self.services.items():
            rto = service.cold_rto if cold else service.rto
            if rto is not None:
                declared[name, "rto"] = rto
        for name, dataset in self.datasets.items():
            rpo = dataset.cold_rpo if cold and dataset.kind == "postgres" else dataset.rpo
            if rpo is not None:
                declared[name, "rpo"] = rpo
        return declared
