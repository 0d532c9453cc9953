"""How protection is kept up: what is read again, what is forgotten, when a backup is odd."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from rto_rpo.objective import parse_duration
from sites.errors import PlanError
from sites.exclusion import Exclusion
from sites.plan.noun import Noun
from sites.plan.scalars import Count, PositiveSpan

PARTS_MAX = 256  # restic divides its packs by one byte of their names


def _read_tag(value: str) -> str:
    if "," in value or not value.strip() or value.partition(":")[0] in _OURS:
        raise ValueError(
            f"{value!r} is no tag; a tag has no comma and does not begin with {', '.join(_OURS)}:"
        )
    return value


def _read_pattern(value: str) -> str:
    try:
        Exclusion((value,))
    except PlanError as error:
        raise ValueError(str(error)) from None
    return value


_OURS = ("dataset", "plan", "point", "taken", "manifest-of", "sha256", "partial")
Tag = Annotated[str, AfterValidator(_read_tag), Field(min_length=1)]
Pattern = Annotated[str, AfterValidator(_read_pattern), Field(min_length=1)]
Factor = Annotated[float, Field(gt=1, le=1_000_000)]


class Keep(Noun):
    """How many points to keep of each kind; one that any rule wants is kept, the newest whole one always."""

    last: Count | None = Field(None, description="the newest so many")
    hourly: Count | None = Field(None, description="the last of each of so many hours")
    daily: Count | None = Field(None, description="the last of each of so many days")
    weekly: Count | None = Field(None, description="the last of each of so many weeks")
    monthly: Count | None = Field(None, description="the last of each of so many months")
    yearly: Count | None = Field(None, description="the last of each of so many years")
    minimum: PositiveSpan | None = Field(
        None, description="the audit minimum: nothing younger is ever forgotten, whatever the rules say"
    )


class Alarm(Noun):
    """A backup that is whole and yet odd, held against the median of the last ones. It fails the round."""

    factor: Factor = Field(5.0, description="so many times larger, or smaller, than the median is odd")
    runs: Annotated[int, Field(ge=3, le=1000)] = Field(
        10, description="of so many last backups; with fewer than half of them there is no alarm"
    )


class Reading(Noun):
    """All packs are read again in turns: a flipped bit shows in no other way before it is needed."""

    parts: Annotated[int, Field(ge=1, le=PARTS_MAX)] = Field(
        30, description="one part at each `blackstart upkeep`; after so many all packs were read"
    )
    whole: PositiveSpan = Field(
        parse_duration("90d"), description="`status` complains when some part was not read for so long"
    )
