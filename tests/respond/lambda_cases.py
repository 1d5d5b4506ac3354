"""What the tests of the deployed function have in common: findings, buckets, and people who look on."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import told_events as told
from sakimori.cli import app
from sakimori.simulate.aws import Call, SimulatedAws
from sakimori.simulate.recognise import Operation

AUTO = {"modes": {"default": "auto"}}


def finding(bucket: str = "data", number: int = 1, **more: Any) -> dict[str, Any]:
    return told.guardduty(KIND, number, resource=told.bucket_resource(bucket), **more)


KIND = "Policy:S3/BucketPublicAccessGranted"
BLOCKED = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}


def make_bucket(aws: SimulatedAws, name: str = "data") -> None:
    aws.client("s3").create_bucket(Bucket=name)


def is_blocked(aws: SimulatedAws, name: str = "data") -> bool:
    s3 = aws.client("s3")
    try:
        found = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    except s3.exceptions.ClientError:
        return False
    return {key for key, on in found.items() if on} == BLOCKED


def count(aws: SimulatedAws, wanted: str) -> Counter[str]:
    """Counts calls of one operation from now on."""
    seen: Counter[str] = Counter()

    def watch(call: Call, operation: Operation | None) -> None:
        seen[str(operation)] += str(operation) == wanted

    aws.watchers.append(watch)
    return seen


def cli(monkeypatch: pytest.MonkeyPatch, home: Path, *words: str) -> Any:
    monkeypatch.setenv("SAKIMORI_DEPLOYMENT", "sakimori")
    monkeypatch.setenv("SAKIMORI_HOME", str(home))
    done = CliRunner().invoke(app, ["respond", *words])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


def topic_queue(aws: SimulatedAws, topic: str) -> Any:
    """Somebody who subscribes to the topic; gives what reads what they were told."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def read() -> list[str]:
        found = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(each["Body"])["Message"] for each in got]
        return found

    return read
