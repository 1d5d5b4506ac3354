"""Kinds that AWS Config describes as CloudFormation does, or wraps and nests, become what the describe calls tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from discover.config_kinds import ACCOUNT, KINDS, REGION, SECRET, arn, item
from discover.config_kinds_more import MORE
from discover.config_kinds_of_roles import OF_ROLES
from sakimori.discover.config_export import read_config_export
from sakimori.discover.config_names import IN_PART
from sakimori.discover.paths import find
from sakimori.discover.services import services
from sakimori.model.asset import Asset, Inventory

EVERY = [*KINDS, *MORE, *OF_ROLES]


def read(tmp_path: Path, *items: dict[str, Any]) -> Inventory:
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"configurationItems": items}))
    return read_config_export(file)


def one(inventory: Inventory) -> Asset:
    (asset,) = inventory
    return asset


@pytest.mark.parametrize(("given", "wanted"), EVERY, ids=[given["resourceType"] for given, _ in EVERY])
def test_a_kind_is_told_as_the_describe_calls_tell_it(
    given: dict[str, Any], wanted: dict[str, Any], tmp_path: Path
) -> None:
    inventory = read(tmp_path, given)
    asset = one(inventory)
    assert asset.uid == given["ARN"]
    assert {key: find(asset.config, key) for key in wanted} == wanted
    assert asset.tags == {"tier": "db"}
    assert not [each.message for each in inventory.not_evaluated if each.message.endswith(" Tags")]
    assert SECRET not in str(asset)
    in_part = {
        each.resource for each in inventory.not_evaluated if each.message == "AWS Config carries it only in part"
    }
    assert in_part == ({asset.type} & IN_PART)


def test_every_kind_that_is_named_is_one_that_is_discovered() -> None:
    assert {resource.type for service in services().values() for _, resource in service.resources()} >= IN_PART


def test_of_a_task_definition_the_newest_active_revision_counts(tmp_path: Path) -> None:
    def revision(number: int, status: str) -> dict[str, Any]:
        uid = arn("ecs", f"task-definition/shop:{number}")
        return item("AWS::ECS::TaskDefinition", uid, {"TaskDefinitionArn": uid, "Family": "shop", "Status": status})

    found = read(tmp_path, *(revision(*each) for each in ((9, "ACTIVE"), (10, "ACTIVE"), (11, "INACTIVE"))))
    assert one(found).uid == arn("ecs", "task-definition/shop:10")
    assert one(found).name == "shop"


@pytest.mark.parametrize("kind", ["AWS::SNS::Topic", "AWS::SQS::Queue"])
def test_a_policy_that_is_not_told_is_not_taken_for_none(kind: str, tmp_path: Path) -> None:
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/jobs"
    given = {"TopicArn": arn("sns", "jobs"), "QueueUrl": url, "KmsMasterKeyId": "k"}
    found = read(tmp_path, item(kind, "arn", given, resourceName=url))
    assert "Attributes" not in one(found).config
    missing = {each.action for each in found.not_evaluated if each.resource == one(found).uid}
    assert missing & {"sns:GetTopicAttributes", "sqs:GetQueueAttributes"}
