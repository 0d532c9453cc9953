"""A record of a zone of moto's Route 53 is changed, read, and left alone where it is not ours to change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from sites.drivers.route53 import Route53
from sites.errors import RunbookError
from sites.plan.redirects import Route53Redirect
from sites.secret import Secret
from tests.sites.drivers.stores import moto_store

RECORD = "orders.desk.example"
KEYS = {"aws_access_key_id": "access", "aws_secret_access_key": "planted", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_store() as address:
        yield address


@pytest.fixture
def client(endpoint: str) -> Any:
    return boto3.client("route53", endpoint_url=endpoint, **KEYS)  # type: ignore[call-overload]


@pytest.fixture
def redirect(client: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Route53:
    monkeypatch.setenv("TEST_ACCESS", "access")
    monkeypatch.setenv("TEST_SECRET", "planted")
    zone = client.create_hosted_zone(Name="desk.example", CallerReference="one")["HostedZone"]["Id"]
    return Route53(noun(endpoint, zone.removeprefix("/hostedzone/")))


def noun(endpoint: str, zone: str) -> Route53Redirect:
    return Route53Redirect(
        kind="route53",
        zone=zone,
        record=RECORD,
        type="A",
        values={"primary": ("192.0.2.1",), "dr": ("192.0.2.2", "192.0.2.3")},
        endpoint=endpoint,
        access_key=Secret(env="TEST_ACCESS"),
        secret_key=Secret(env="TEST_SECRET"),
    )


def test_the_record_says_the_site_that_it_was_pointed_to(redirect: Route53) -> None:
    assert redirect.current() is None
    for site in ("primary", "dr", "dr", "primary"):
        redirect.point_to(site, 10.0)
        assert redirect.current() == site


def test_values_that_are_no_sites_are_nobodys(redirect: Route53, client: Any) -> None:
    redirect.point_to("dr", 10.0)
    batch = redirect._batch("dr")
    batch["Changes"][0]["ResourceRecordSet"]["ResourceRecords"] = [{"Value": "192.0.2.2"}]
    client.change_resource_record_sets(HostedZoneId=redirect._noun.zone, ChangeBatch=batch)
    assert redirect.current() is None, "one of two addresses is not the site"


def test_a_weighted_record_is_left_alone(redirect: Route53, client: Any) -> None:
    batch = redirect._batch("dr")
    batch["Changes"][0]["ResourceRecordSet"] |= {"SetIdentifier": "half", "Weight": 50}
    client.change_resource_record_sets(HostedZoneId=redirect._noun.zone, ChangeBatch=batch)
    with pytest.raises(RunbookError, match="weighted"):
        redirect.point_to("primary", 10.0)
    (left,) = [
        each
        for each in client.list_resource_record_sets(HostedZoneId=redirect._noun.zone)["ResourceRecordSets"]
        if each["Type"] == "A"
    ]
    assert left["SetIdentifier"] == "half"


def test_a_change_that_does_not_arrive_is_told(redirect: Route53, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = redirect._ask

    def slow(act: str, **about: object) -> dict[str, Any]:
        answer = ask(act, **about)
        if "ChangeInfo" in answer:
            answer["ChangeInfo"]["Status"] = "PENDING"
        return answer

    monkeypatch.setattr(redirect, "_ask", slow)
    with pytest.raises(RunbookError, match="not all name servers had it within 0 s: PENDING"):
        redirect.point_to("dr", 0.0)


@pytest.mark.usefixtures("redirect")
def test_a_zone_that_is_not_there_is_told(endpoint: str) -> None:
    with pytest.raises(RunbookError, match="NoSuchHostedZone") as told:
        Route53(noun(endpoint, "Z0000000000000")).current()
    assert "planted" not in str(told.value)
