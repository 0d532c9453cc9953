"""Who answers for the plan, what is only talked through, and where the proof is kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import KeyFile, SecretRef
from sites.plan.scalars import HttpAddress, Location, Name, PositiveSpan, Schedule, Text

_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _read_public_key(value: str) -> str:
    if not _PUBLIC_KEY.fullmatch(value):
        raise ValueError(
            "not a public key; write the 64 hex digits that `blackstart key FILE` prints of a person's key"
        )
    return value


def _read_bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value):
        raise ValueError(f'"{value}" is not the name of a bucket (3 to 63 of a-z, 0-9, . and -)')
    return value


PublicKeyHex = Annotated[str, AfterValidator(_read_public_key)]
Bucket = Annotated[str, AfterValidator(_read_bucket)]


class Role(Noun):
    name: Text = Field(description="who it is")
    key: PublicKeyHex | None = Field(
        None, description="that person's own public key (64 hex digits); default: the name is only claimed"
    )


class Roles(Noun):
    """Who answers for the plan. The report names them, planned and actual."""

    owner: Role | None = Field(None, description="answers for the plan")
    executor: Role | None = Field(None, description="runs each drill")
    reviewer: Role | None = Field(None, description="reviews each drill")
    approver: Role | None = Field(None, description="signs each drill off")
    others: dict[Name, Role] = Field({}, description="everybody else with a part in a drill, by role")

    def named(self) -> dict[str, Role]:
        """Every role that somebody is named for."""
        fixed = {name: getattr(self, name) for name in ("owner", "executor", "reviewer", "approver")}
        return {name: role for name, role in {**fixed, **self.others}.items() if role is not None}


class Tabletop(Noun):
    """A drill that is talked through. Nothing is touched, nothing measured: its verdict is inconclusive."""

    scenario: Text = Field(description="what is supposed to have happened")
    questions: tuple[Text, ...] = Field((), description="what those who take part have to answer")
    schedule: Schedule | None = Field(None, description="five cron fields, UTC; default: on demand")


class S3Upload(Noun):
    """A bucket of an S3 store whose object lock is probed by trying to break it, before every upload."""

    kind: Literal["s3"]
    endpoint: HttpAddress | None = Field(None, description="address of the store; default: AWS")
    region: Text = Field("us-east-1", description="region of the bucket")
    bucket: Bucket = Field(description="the bucket; it was made with object lock")
    prefix: Text = Field("evidence", description="the keys of all objects begin so")
    access_key: SecretRef = Field(description="access key id")
    secret_key: SecretRef = Field(description="secret access key")
    lock: Literal["compliance", "governance"] = Field(
        "compliance", description="compliance: nobody can delete it before its time, not even the owner"
    )


class Evidence(Noun):
    path: Location = Field(Path("evidence"), validate_default=True, description="where the evidence is kept")
    key: KeyFile | None = Field(None, description="the key that signs it; default: unsigned")
    retention: PositiveSpan = Field(
        parse_duration("6y"),
        description="nothing younger is ever pruned; what ran under a longer one is kept for that",
    )
    hold: Text | None = Field(
        None, description="a legal hold and its reason: while it stands here nothing is pruned"
    )
    heads: Location | None = Field(
        None, description="a file at the other site that each new head of the chain is added to"
    )
    upload: S3Upload | None = Field(None, description="where each closed run is copied to; default: nowhere")
