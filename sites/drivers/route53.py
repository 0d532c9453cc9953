"""A record of a hosted zone of Amazon Route 53: what it says, and how it is made to say something else."""

from __future__ import annotations

import json
import shlex
import threading
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sites.errors import RunbookError
from sites.plan.redirects import Route53Redirect

_LOOK_SECONDS = 1.0  # AWS answers five questions a second and account


class Route53:
    """One record. Every method raises RunbookError."""

    def __init__(self, noun: Route53Redirect) -> None:
        self._noun = noun
        self.limit_seconds = noun.limit.seconds
        self._client: Any = None

    def current(self) -> str | None:
        """The site whose values the record has, all of them and no others."""
        found = self._record()
        values = frozenset(each["Value"] for each in (found or {}).get("ResourceRecords", ()))
        return next((site for site, said in self._noun.values.items() if frozenset(said) == values), None)

    def point_to(self, site: str, limit_seconds: float) -> None:
        """Change the record and wait until every name server of the zone has it."""
        self._record()  # it raises where the record is not ours to change
        deadline = time.monotonic() + limit_seconds
        change = self._ask(
            "change_resource_record_sets", HostedZoneId=self._noun.zone, ChangeBatch=self._batch(site)
        )["ChangeInfo"]
        while change["Status"] != "INSYNC":
            if time.monotonic() >= deadline:
                raise RunbookError(
                    f'record "{self._noun.record}" was changed, but not all name servers had it '
                    f"within {limit_seconds:.0f} s: {change['Status']}"
                )
            threading.Event().wait(_LOOK_SECONDS)
            change = self._ask("get_change", Id=change["Id"])["ChangeInfo"]

    def by_hand(self, site: str) -> str:
        words = ["aws", "route53", "change-resource-record-sets", "--hosted-zone-id", self._noun.zone]
        return shlex.join([*words, "--change-batch", json.dumps(self._batch(site))])

    def _record(self) -> dict[str, Any] | None:
        """As the zone has it. One of several with this name and type is not ours to change."""
        name, kind = self._noun.record.rstrip(".") + ".", self._noun.type
        answer = self._ask(
            "list_resource_record_sets",
            HostedZoneId=self._noun.zone, StartRecordName=name, StartRecordType=kind, MaxItems="2",
        )  # fmt: skip
        found = [
            each
            for each in answer["ResourceRecordSets"]
            if each["Name"].lower() == name.lower() and each["Type"] == kind
        ]
        if any("SetIdentifier" in each or "AliasTarget" in each for each in found):
            raise RunbookError(
                f'record "{self._noun.record}" is weighted, or an alias: it is not replaced by a plain one',
                hint="name a plain record, or redirect by a command of your own",
            )
        return found[0] if found else None

    def _batch(self, site: str) -> dict[str, Any]:
        values = [{"Value": value} for value in self._noun.values[site]]
        record = {
            "Name": self._noun.record,
            "Type": self._noun.type,
            "TTL": round(self._noun.ttl.seconds),
            "ResourceRecords": values,
        }
        return {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}

    def _ask(self, act: str, **about: object) -> dict[str, Any]:
        try:
            return dict(getattr(self._connected(), act)(**about))
        except ClientError as error:
            said = error.response["Error"]
            reason = f"{said.get('Code')}: {said.get('Message')}"
        except BotoCoreError as error:
            reason = str(error)
        raise RunbookError(
            f'Route 53 refused {act} on zone "{self._noun.zone}": {reason}',
            hint="the key needs route53:ListResourceRecordSets, ChangeResourceRecordSets and GetChange",
        )

    def _connected(self) -> object:
        if self._client is None:
            noun = self._noun
            keys = {
                "aws_access_key_id": noun.access_key.resolve() if noun.access_key else None,
                "aws_secret_access_key": noun.secret_key.resolve() if noun.secret_key else None,
            }
            retries = {"max_attempts": 3, "mode": "standard"}
            self._client = boto3.client(
                "route53", endpoint_url=noun.endpoint, region_name="us-east-1", **keys,
                config=Config(connect_timeout=5, read_timeout=10, retries=retries),
            )  # fmt: skip
        return self._client
