"""Every kind of dataset that a plan may declare."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sites.plan.data import FilesDataset, PostgresDataset
from sites.plan.sqlite import SqliteDataset

Dataset = Annotated[PostgresDataset | FilesDataset | SqliteDataset, Field(discriminator="kind")]
