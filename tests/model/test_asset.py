from __future__ import annotations

import pytest

from sakimori.model.asset import Asset, Inventory

INSTANCE = Asset(
    "arn:aws:ec2:us-east-1:123456789012:instance/i-0abc", "AWS::EC2::Instance", "123456789012", "us-east-1"
)


@pytest.mark.parametrize(
    ("uid", "id"),
    [
        (INSTANCE.uid, "i-0abc"),
        ("arn:aws:s3:::logs", "logs"),
        ("arn:aws:iam::123456789012:role/path/to/Admin", "Admin"),
        ("arn:aws:sns:us-east-1:123456789012:alerts", "alerts"),
    ],
)
def test_the_id_is_the_last_part_of_the_arn(uid: str, id: str) -> None:
    assert Asset(uid, "", "", "").id == id


def test_adding_an_asset_again_replaces_it() -> None:
    newer = Asset(INSTANCE.uid, INSTANCE.type, INSTANCE.account, INSTANCE.region, {"State": "stopped"})
    inventory = Inventory([INSTANCE, newer])
    assert list(inventory.of_type("AWS::EC2::Instance")) == [newer] == list(inventory)
    assert inventory.get(INSTANCE.uid) is newer
    assert list(inventory.of_type("AWS::S3::Bucket")) == []
