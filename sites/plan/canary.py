"""Canaries: the numbered writes that a drill is measured by. One noun for each kind."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import DatasetName, ServiceName
from sites.plan.scalars import Frequency, PositiveSpan, Text, UrlPath


class CanaryNoun(Noun):
    """What every canary of a service declares; each kind narrows `kind` and adds its own."""

    kind: str
    service: ServiceName = Field(description="written through its endpoint")
    dataset: DatasetName = Field(description="where the writes end up")
    rate: Frequency = Field(description="how often, whatever the answers")
    limit: PositiveSpan = Field(parse_duration("2s"), description="an answer later than this is none")


class HttpCanary(CanaryNoun):
    """Numbered writes through a service's endpoint: POST to write, GET to read back."""

    kind: Literal["http"]
    write_path: UrlPath = Field("/orders", description="takes POST with a JSON object for each write")
    list_path: UrlPath = Field("/orders", description="answers GET with what was written")
    id_field: Text = Field("client_order_id", description="field of a write that holds its number")
    payload_field: Text = Field("payload", description="field of a write that holds its payload")
    list_field: Text = Field("orders", description="field of the answer that holds the list")


# With a second kind: Annotated[HttpCanary | ..., Field(discriminator="kind")].
Canary = HttpCanary
