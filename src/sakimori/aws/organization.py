"""Which accounts and regions there are, and the keys for each account.

One account is reached with the ordinary credential chain. The others of an organisation are listed by Organizations
(from the management account or a delegated administrator) and reached by assuming a role in each.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.credentials import ReadOnlyCredentials

from sakimori.aws.clients import Clients, Keys

IAM_ACTIONS = ("sts:GetCallerIdentity", "sts:AssumeRole", "organizations:ListAccounts", "ec2:DescribeRegions")
"""What this file calls; `sts:AssumeRole` and `organizations:ListAccounts` for an organisation only."""

SESSION = "sakimori-discover"
EARLY = 300
"""Seconds before the end of an assumed role's session at which it is assumed anew."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the organisation. `status` is Organizations' own: ACTIVE, SUSPENDED, PENDING_CLOSURE."""

    id: str
    name: str = ""
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who we are."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]


def caller(clients: Clients) -> Caller:
    """The identity behind our own credentials. Raises AwsError."""
    answer = _one(clients, "sts", clients.region, "", clients.base_keys, "GetCallerIdentity", "sts:GetCallerIdentity")
    return Caller(answer["Account"], answer["Arn"])


def accounts(clients: Clients, home: Caller) -> list[Account]:
    """Every account of the organisation, also the suspended ones. Raises AwsError."""
    pages = clients.pages(
        *("organizations", _home_region(home.partition), home.account, clients.base_keys),
        *("ListAccounts", "organizations:ListAccounts", {}),
    )
    return [
        Account(found["Id"], found.get("Name", ""), found.get("Status") or found.get("State") or "ACTIVE")
        for page in pages
        for found in page["Accounts"]
    ]


def enabled_regions(clients: Clients, account: str, keys: Keys, region: str) -> list[str]:
    """The regions that are enabled in the account. Raises AwsError."""
    answer = _one(clients, "ec2", region, account, keys, "DescribeRegions", "ec2:DescribeRegions")
    return sorted(found["RegionName"] for found in answer["Regions"])


@dataclass(slots=True)
class AssumedRole:
    """The keys of a role in another account, assumed when first needed and again before they expire."""

    clients: Clients
    home: Caller
    account: str
    role: str
    external_id: str = ""
    _keys: ReadOnlyCredentials | None = None
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> ReadOnlyCredentials:
        with self._lock:
            if self._keys is None or time.time() > self._until - EARLY:
                self._assume()
            return self._keys

    def _assume(self) -> None:
        parameters = {
            "RoleArn": f"arn:{self.home.partition}:iam::{self.account}:role/{self.role}",
            "RoleSessionName": SESSION,
        }
        if self.external_id:
            parameters["ExternalId"] = self.external_id
        answer = _one(
            *(self.clients, "sts", self.clients.region, self.home.account, self.clients.base_keys),
            *("AssumeRole", "sts:AssumeRole", parameters),
        )
        keys = answer["Credentials"]
        self._keys = ReadOnlyCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], None)
        self._until = datetime.fromisoformat(keys["Expiration"]).replace(tzinfo=UTC).timestamp()


def _home_region(partition: str) -> str:
    return {"aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}.get(partition, "us-east-1")


def _one(
    clients: Clients,
    service: str,
    region: str,
    account: str,
    keys: Keys,
    operation: str,
    action: str,
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The only page of an answer."""
    return next(iter(clients.pages(service, region, account, keys, operation, action, parameters or {})))
