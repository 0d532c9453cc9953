"""Every kind of dataset that a plan may declare."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sites.plan.data import FilesDataset, PostgresDataset
from sites.plan.objects import ObjectsDataset
from sites.plan.shell_dataset import ShellDataset
from sites.plan.sqlite import SqliteDataset

Dataset = Annotated[
    PostgresDataset | FilesDataset | SqliteDataset | ObjectsDataset | ShellDataset,
    Field(discriminator="kind"),
]
