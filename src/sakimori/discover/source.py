"""Where answers come from: one question, asked the same way of AWS and of a snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from sakimori.aws.errors import AwsError
from sakimori.discover.declare import Place
from sakimori.discover.paths import find_all

Answer = dict[str, Any]
"""An API's answer as plain JSON values, without ResponseMetadata."""

NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class Question:
    """One API call: `service` is the service file's id, `client` boto3's name, `action` the IAM action, `region` where
    it is asked if not in the place's own, `page_size` that of its pages (0: the service's default); with `first_page`
    no further one is asked for. A `sparse` service need not have a host in the region."""

    place: Place
    service: str
    client: str
    operation: str
    action: str
    parameters: Mapping[str, Any]
    region: str = ""
    page_size: int = 0
    first_page: bool = False
    sparse: bool = False
    prepare: str = ""
    job: bool = False
    secrets: tuple[str, ...] = ()
    batch: bool = False

    @property
    def name(self) -> str:
        """What a snapshot's file is called: the operation and its text parameters, `GetBucketAcl.my-bucket`."""
        texts = [value for value in self.parameters.values() if isinstance(value, str)]
        if self.batch:
            texts = [str(value[0]) for value in self.parameters.values() if isinstance(value, list) and value]
        given = quote(",".join(texts), safe=" ,=@+~")
        if len(given) > NAME_LENGTH:
            given = f"{given[: NAME_LENGTH - 17]}~{hashlib.sha256(given.encode()).hexdigest()[:16]}"
        return f"{self.operation}.{given}" if given else self.operation


class Source(Protocol):
    """What the engine asks. Safe to use from many threads."""

    def pages(self, question: Question) -> Iterator[Answer]:
        """The answer, a page at a time. Raises AwsError."""

    def stop(self) -> None:
        """Nobody wants more answers: what is under way may fail, and soon."""


REDACTED = "(redacted)"


def without(answer: Answer, paths: Iterable[str]) -> Answer:
    """The answer, from which what the paths lead to has been taken out; of a map its keys stay."""
    for path in paths:
        above, _, name = path.rpartition(".")
        for holder in find_all(answer, above):
            if isinstance(holder, dict):
                taken = holder.pop(name, None)
                if isinstance(taken, dict):
                    holder[name] = dict.fromkeys(taken, REDACTED)
    return answer


def whole(pages: Iterable[Answer]) -> Answer:
    """Pages as one answer, as the AWS CLI shows them: lists joined, the rest as the last page has it, no tokens."""
    joined: Answer = {}
    count = 0
    for page in pages:
        joined = _joined(joined, page) if count else page
        count += 1
    if count > 1:
        return {key: value for key, value in joined.items() if key not in _PAGING}
    return joined


_PAGING = {"NextToken", "nextToken", "Marker", "NextMarker", "IsTruncated", "isTruncated", "position"}


def _joined(first: Answer, second: Answer) -> Answer:
    result = dict(first)
    for key, value in second.items():
        known = result.get(key)
        if isinstance(known, list) and isinstance(value, list):
            result[key] = known + value
        elif isinstance(known, dict) and isinstance(value, dict):
            result[key] = _joined(known, value)
        else:
            result[key] = value
    return result


class NotInSnapshot(AwsError):
    """The snapshot has no answer to this question."""

    remedy = "take the snapshot again, with this service and region"

    def __init__(self, action: str, resource: str, where: str) -> None:
        super().__init__(action, resource, "NotInSnapshot", f"there is no {where}")
        self.where = where

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.action, self.resource, self.where)
