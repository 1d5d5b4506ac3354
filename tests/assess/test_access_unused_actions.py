"""Services and actions that are not used, as IAM's own book tells of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from estates import ACCOUNT, allow, inventory, role, user
from sakimori.assess.access.checks.unused_actions import NOT_ASKED, NOT_IN_THE_INVENTORY, exposures
from sakimori.assess.access.estate import estate
from sakimori.assess.access.exposure import Exposure, Undecided
from sakimori.model.asset import Asset, NotEvaluated
from sakimori.model.severity import Severity

NOW = datetime.now(UTC)


def ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def service(namespace: str, used: int | None, **actions: int | None) -> dict[str, Any]:
    """What IAM tells of one: the days since it was used, and since each of its actions was; None for never."""
    tracked = [
        {"ActionName": name, **({} if days is None else {"LastAccessedTime": ago(days)})}
        for name, days in actions.items()
    ]
    told: dict[str, Any] = {"ServiceName": namespace, "ServiceNamespace": namespace, "TotalAuthenticatedEntities": 0}
    if used is not None:
        told |= {"LastAuthenticated": ago(used), "TotalAuthenticatedEntities": 1}
    return {**told, "TrackedActionsLastAccessed": tracked} if tracked else told


def found_by(*assets: Asset) -> list[Exposure | Undecided]:
    return [*exposures(estate(inventory(*assets)))]


def ann(*services: dict[str, Any], action: Any = ("s3:GetObject", "s3:PutObject", "sqs:*"), age: int = 400) -> Asset:
    return user("ann", allow([*action]), CreateDate=ago(age), ServicesLastAccessed=[*services])


def test_services_and_actions_that_are_not_used() -> None:
    (found,) = found_by(ann(service("s3", 1, GetObject=1, PutObject=None), service("sqs", None)))
    assert isinstance(found, Exposure)
    assert found.title == "user/ann does not use 1 services and 1 actions that it may use"
    assert (found.evidence["services"], found.evidence["actions"]) == (["sqs"], ["s3:PutObject"])
    assert found.severity is Severity.MEDIUM
    (step,) = found.evidence["chain"]
    assert step["request"]["principal"] == f"arn:aws:iam::{ACCOUNT}:user/ann"


def test_the_witness_is_about_what_is_not_used() -> None:
    (found,) = found_by(ann(service("s3", 1, GetObject=1, PutObject=100), action=["s3:GetObject", "s3:PutObject"]))
    assert isinstance(found, Exposure)
    assert found.evidence["chain"][0]["request"]["action"] == "s3:PutObject"


def test_what_is_used_or_not_tracked_or_not_allowed_is_none() -> None:
    assert found_by(ann(service("s3", 1, GetObject=1, PutObject=89), service("sqs", 2))) == []
    assert found_by(ann(service("s3", 1), service("sqs", 2))) == [], "its actions are not kept track of"
    assert found_by(ann(service("s3", 1, GetObject=1), service("ec2", None), action=["s3:GetObject"])) == []
    assert found_by(ann(service("s3", 1, DeleteObject=None), action=["s3:GetObject"])) == []


def test_who_is_new_or_uses_nothing_at_all_is_told_by_no_actions() -> None:
    assert found_by(ann(service("s3", 1), service("sqs", None), age=30)) == []
    assert found_by(ann(service("s3", None), service("sqs", 300))) == [], "unused_access tells of it"


def test_where_it_was_not_asked_nothing_is_decided() -> None:
    asked = role("asked", allow("s3:*"), CreateDate=ago(400), ServicesLastAccessed=[service("s3", 1)])
    others = role("r", allow("s3:*")), role("s", allow("s3:*"))
    assert found_by(*others) == [Undecided("", ACCOUNT, NOT_ASKED, unwanted=True)]
    assert found_by(asked, *others) == [Undecided(each.uid, ACCOUNT, NOT_IN_THE_INVENTORY) for each in others]
    refused = NotEvaluated(
        "iam:GenerateServiceLastAccessedDetails", ACCOUNT, "global", others[0].uid, "AccessDenied", ""
    )
    there = inventory(*others)
    there.not_evaluated.append(refused)
    assert [each.asset for each in exposures(estate(there))] == [each.uid for each in others]
    assert found_by(role("empty")) == []
