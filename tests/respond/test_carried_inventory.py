"""The inventory that goes with the function tells which instances may read a bucket as the whole one does."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lambda_service import by_hand, service

import estates as es
import told_events as told
from sakimori.assess.access.estate import estate
from sakimori.assess.access.instances import instances_that_can
from sakimori.model.asset import Asset, Inventory, NotEvaluated
from sakimori.respond.carried_inventory import FILE, LARGEST, TYPES, opened, packed
from sakimori.simulate.aws import SimulatedAws

READ, AT = "s3:GetObject", "2026-11-20T00:00:00Z"
EC2 = {"Service": "ec2.amazonaws.com"}
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def readers(inventory: Inventory, bucket: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    found = instances_that_can(estate(inventory), READ, f"arn:aws:s3:::{bucket}/*")
    return [(each.instance, each.role, each.row.outcome.value, each.row.path) for each in found]


def some(chance: random.Random) -> Inventory:
    """An account of an organisation, with roles that may and may not, boundaries, keys, and much else."""

    def statement() -> dict[str, Any]:
        kind = chance.choice([es.allow, es.allow, es.deny])
        where = chance.choice(["*", "arn:aws:s3:::a/*", "arn:aws:s3:::b/*", "arn:aws:s3:::*"])
        return kind(chance.choice([READ, "s3:*", "sts:AssumeRole", "kms:Decrypt", "ec2:*", "*"]), where)

    names = [f"r{number}" for number in range(4)]
    policies = [es.managed(f"m{number}", statement(), statement()) for number in range(2)]
    limits = [es.bounded(policies[0].uid), es.attached(policies[1].uid), {}]
    roles = [
        es.role(name, statement(), statement(), trusts={**EC2, "AWS": es.ACCOUNT}, **chance.choice(limits))
        for name in names
    ]
    denied = es.deny(READ, "arn:aws:s3:::a/*", Principal={"AWS": f"arn:aws:iam::{es.ACCOUNT}:role/r1"})
    resources: list[Any] = [es.bucket("a", *[denied] * chance.randrange(2)), es.bucket("b"), es.key("k")]
    instances = [es.instance(f"i-{number}", chance.choice([*names, ""])) for number in range(6)]
    for each in instances:
        each.config["BlockDeviceMappings"] = [{"Ebs": {"VolumeId": "vol-1"}}] * 20
    scps = {"own": [es.allow("*"), statement()]}
    noise = [Asset(f"arn:aws:ec2:x:{es.ACCOUNT}:vpc/v{number}", "AWS::EC2::VPC", es.ACCOUNT, "x") for number in "123"]
    organization = es.organization(es.ACCOUNT, scps=scps) if chance.random() < 0.5 else []
    return es.inventory(
        *policies, *roles, *resources, *instances, *(es.profile(n, n) for n in names), noise, organization
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_part_answers_as_the_whole(seed: int) -> None:
    whole = some(random.Random(seed))
    body = packed(whole, AT)
    assert body is not None
    part = opened(body, NOW)
    assert {asset.type for asset in part} <= set(TYPES)
    assert "BlockDeviceMappings" not in str([asset.config for asset in part])
    for bucket in ("a", "b", "not-known"):
        assert readers(part, bucket) == readers(whole, bucket)


def test_what_discovery_could_not_see_goes_along_and_an_old_inventory_says_so() -> None:
    refused = NotEvaluated("s3:GetBucketPolicy", es.ACCOUNT, "x", "arn:aws:s3:::a", "AccessDenied", "no")
    body = packed(Inventory([es.bucket("a")], not_evaluated=[refused]), AT)
    assert body is not None
    assert opened(body, NOW).not_evaluated == [refused]
    old, same = opened(body, NOW + timedelta(days=9)).not_evaluated
    assert old.message == "the inventory is 10 days old: run `sakimori discover` and `sakimori deploy apply`"
    assert same == refused


def test_an_inventory_that_is_too_much_does_not_go() -> None:
    assert packed(Inventory([es.role(str(number), *[es.allow("s3:*")] * 2_000) for number in range(200)]), AT) is None


def large() -> bytes:
    """Nearly as much as goes."""
    names = [f"role-{number}" for number in range(7_000)]
    reading = es.allow(READ, "arn:aws:s3:::data/*")
    found: list[Any] = [es.bucket("data")]
    for number, name in enumerate(names):
        own = [reading] if number % 100 == 0 else [es.allow(f"dynamodb:Get{number}", "arn:aws:dynamodb:*:*:table/t")]
        found += [es.role(name, *own, *[es.allow("logs:PutLogEvents")] * 9, trusts=EC2), es.profile(name, name)]
        found.append(es.instance(f"i-{number:017x}", name))
    body = packed(es.inventory(*found), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert body is not None
    return body


def test_the_function_knows_the_readers_of_a_bucket_within_its_memory(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path)
    (tmp_path / "settings" / FILE).write_bytes(large())
    aws.client("s3").create_bucket(Bucket="data")
    with found.running() as running:
        done = running.invoke(by_hand(json.dumps(told.macie("data"))))
    assert done["answer"] == {"batchItemFailures": []}
    print(f"{done['seconds']:.1f} s of CPU, {done['memory'] / 1e6:.0f} MB, limit of the inventory {LARGEST:,}")
    assert done["memory"] < 256 << 20
    (run,) = found.book.runs(workflow="macie")
    assert run.why == "70 instances may read the bucket"
    assert sum("no workload protection manager is set up" in each for each in run.not_evaluated) == 70
