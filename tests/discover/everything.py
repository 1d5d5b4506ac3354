"""A source in which everything exists: each operation's answer is made up from botocore's model of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
import orjson

from sakimori.aws.errors import AccessDenied
from sakimori.discover.source import Answer, Question

ITEMS = 6
"""Members of the list in a listing of a whole place: enough to have one of each kind. Elsewhere there is one."""

DEPTH = 7

LEFT_OUT = {"ListBuckets": {"BucketRegion"}}
"""Members that make a further call needless: half of the items lack them."""

CHOSEN = {
    ("DescribeKey", "KeyManager"): "CUSTOMER",
    ("ListWorkGroups", "EffectiveEngineVersion"): "PySpark engine version 3",
    ("ListConstraintsForPortfolio", "Type"): "LAUNCH",
    ("GetService", "authType"): "AWS_IAM",
    ("GetServiceNetwork", "authType"): "AWS_IAM",
    ("ListApplications", "ApplicationId"): "arn:aws:serverlessrepo:us-east-1:123456789012:applications/a",
}
"""What decides whether further calls are made at all, where only one item is made up; and ids that are ARNs."""

CONTENT = {"GetCredentialReport": b"user,arn\n<root_account>,arn:aws:iam::123456789012:root\n"}


@cache
def _session() -> Any:
    return botocore.session.get_session()


class EverythingExists:
    """Answers every question; `denied` is the IAM action that is refused."""

    def __init__(self, denied: str = "") -> None:
        self.denied = denied
        self.asked: set[str] = set()

    def pages(self, question: Question) -> Iterator[Answer]:
        prepared = f"{question.action.partition(':')[0]}:{question.prepare}"
        for action in ([prepared] if question.prepare else []) + [question.action]:
            self.asked.add(action)
            if action == self.denied:
                raise AccessDenied(action, question.name, "AccessDenied", "not allowed")
        yield made_up(question.client, question.operation, 1 if question.parameters else ITEMS)

    def stop(self) -> None:
        pass


@cache
def _answer(client: str, operation: str, items: int) -> bytes:
    shape = _session().get_service_model(client).operation_model(operation).output_shape
    answer = _Answer(operation, items).value(shape, "", "", 0, 0) if shape else {}
    for token in ("NextToken", "nextToken", "NextMarker", "Marker", "AdditionalRoutesAvailable"):
        answer.pop(token, None)
    return orjson.dumps(answer)


def made_up(client: str, operation: str, items: int) -> Answer:
    """A whole answer; each is a new one, for items are changed."""
    answer: Answer = orjson.loads(_answer(client, operation, items))
    return answer


@dataclass(frozen=True, slots=True)
class _Answer:
    operation: str
    items: int

    def value(self, shape: Any, name: str, within: str, depth: int, index: int) -> Any:
        kind = shape.type_name
        if kind == "structure":
            left_out = LEFT_OUT.get(self.operation, set()) if index % 2 else set()
            return {
                key: self.value(member, key, within, depth + 1, index)
                for key, member in shape.members.items()
                if depth < DEPTH and key not in left_out
            }
        if kind == "list":
            count = self.items if depth < 3 else 1
            return [self.value(shape.member, name, name, depth + 1, each or index) for each in range(count)]
        if kind == "map":
            return {"Key": self.value(shape.value, name, within, depth + 1, index)}
        return self.scalar(shape, name, within, index)

    def scalar(self, shape: Any, name: str, within: str, index: int) -> Any:
        kind = shape.type_name
        if kind == "boolean":
            return index % 2 == 0
        if kind in ("integer", "long", "float", "double"):
            return 1
        if kind == "timestamp":
            return "2026-11-20T08:00:00+00:00"
        if kind == "blob":
            return base64.b64encode(CONTENT.get(self.operation, b"{}")).decode()
        if (self.operation, name) in CHOSEN:
            return CHOSEN[self.operation, name]
        if shape.enum:
            return shape.enum[index % len(shape.enum)]
        if name.lower().endswith(("arn", "arns", "stackid")):
            return f"arn:aws:some:us-east-1:123456789012:{self.operation}/{within}-{name}-{index}"
        return f"{name.lower()}-{index}"
