"""A table of DynamoDB as a book needs it: transactions that are alone, and the audit log that they write.

Keys are texts (`pk`, `sk`). One item, the head of the audit log, is in every transaction: it is read first, and what is
written is written only if it has not changed since, and takes its next turn ("Optimistic locking with version number",
DynamoDB developer guide). So everything that a transaction has read still holds when it writes, whoever else is at the
table.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from sakimori.aws.errors import AwsError, asking
from sakimori.model.said import say
from sakimori.respond import chain
from sakimori.respond.errors import Passing

T = TypeVar("T")
Item = dict[str, Any]

IAM_ACTIONS = (
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:PutItem",
    "dynamodb:DeleteItem",
)

TRIES = 40
LONGEST_PAUSE = 1.0
HEAD = ("head", "head")
AUDIT = "audit"


def stamp() -> str:
    """The time as the book writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Page:
    """One transaction: what it reads is the newest, what it writes is kept when it is over, all or nothing."""

    def __init__(self, table: Table, key: bytes, before: Item | None) -> None:
        self._table, self._key, self.before = table, key, before
        self.head = head_of(before)
        self.puts: dict[tuple[str, str], Item | None] = {}
        self.entries: list[Item] = []

    def get(self, pk: str, sk: str) -> Item | None:
        """The item, also one that is written here."""
        if (pk, sk) not in self.puts:
            return self._table.get(pk, sk)
        values = self.puts[pk, sk]
        return None if values is None else {"pk": pk, "sk": sk, **values}

    def query(self, pk: str, **more: Any) -> Iterator[Item]:
        return self._table.query(pk, **more)

    def put(self, pk: str, sk: str, **values: Any) -> None:
        self.puts[pk, sk] = values

    def delete(self, pk: str, sk: str) -> None:
        self.puts[pk, sk] = None

    def note(self, by: str, what: str, run: str, body: Mapping[str, Any]) -> None:
        """Adds an entry to the audit log."""
        row = chain.sealed(self._key, self.head, stamp(), by, what, run, body)
        self.head = row["number"], row["hash"]
        self.entries.append(row)


class Table:
    """The table of this name. `dynamodb` is a boto3 client; safe to share between threads."""

    def __init__(self, dynamodb: Any, name: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self.name = name
        self._dynamodb, self._sleep = dynamodb, sleep

    def get(self, pk: str, sk: str) -> Item | None:
        """The item, or None."""
        with asking("dynamodb:GetItem", self.name):
            answer = self._dynamodb.get_item(TableName=self.name, Key=_written(pk=pk, sk=sk), ConsistentRead=True)
        return _read(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, *, since: str = "", newest_first: bool = False) -> Iterator[Item]:
        """The items under a key whose sort key is `since` or behind it, in the order of the sort keys."""
        asked: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk AND sk >= :sk" if since else "pk = :pk",
            "ExpressionAttributeValues": _written(**{":pk": pk}, **({":sk": since} if since else {})),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        while True:
            with asking("dynamodb:Query", self.name):
                answer = self._dynamodb.query(**asked)
            yield from map(_read, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put(self, pk: str, sk: str, **values: Any) -> None:
        """Writes one item by itself."""
        with asking("dynamodb:PutItem", self.name):
            self._dynamodb.put_item(TableName=self.name, Item=_written(pk=pk, sk=sk, **values))

    def swap(self, pk: str, sk: str, before: Item | None, **values: Any) -> bool:
        """Writes one item in the place of `before`, as it was read; False if somebody else has written since, or with
        None if there is one already."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before is not None:
            condition = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": _written(**{":version": before["version"]}),
            }
        item = _written(pk=pk, sk=sk, version=before["version"] + 1 if before else 0, **values)
        try:
            with asking("dynamodb:PutItem", self.name):
                self._dynamodb.put_item(TableName=self.name, Item=item, **condition)
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def alone(self, key: bytes, do: Callable[[Page], T]) -> T:
        """What `do` gives, with what it wrote on its page kept, as if nobody else were at the table; it may be called
        several times. `key` seals the audit log's entries. Raises Passing where others do not let it come through."""
        for attempt in range(TRIES):
            page = Page(self, key, self.get(*HEAD))
            answer = do(page)
            if not page.puts and not page.entries:
                return answer
            if self._kept(page):
                return answer
            self._sleep(random.uniform(0, min(LONGEST_PAUSE, 0.01 * 2**attempt)))  # noqa: S311 - no secret
        raise Passing(
            say(
                "the table {table} was changed by others {count} times while it was to be written",
                table=self.name,
                count=TRIES,
            )
        )

    def _kept(self, page: Page) -> bool:
        """Writes a page; False if somebody else wrote meanwhile."""
        items = [self._change(pk, sk, values) for (pk, sk), values in page.puts.items()]
        items += [self._change(AUDIT, f"{row['number']:020d}", row) for row in page.entries]
        items.append(self._held(page))
        try:
            with asking("dynamodb:TransactWriteItems", self.name):
                self._dynamodb.transact_write_items(TransactItems=items)
        except AwsError as error:
            if error.code in ("TransactionCanceledException", "TransactionConflictException") and _is_race(error):
                return False
            raise
        return True

    def _change(self, pk: str, sk: str, values: Item | None) -> dict[str, Any]:
        if values is None:
            return {"Delete": {"TableName": self.name, "Key": _written(pk=pk, sk=sk)}}
        return {"Put": {"TableName": self.name, "Item": _written(pk=pk, sk=sk, **values)}}

    def _held(self, page: Page) -> dict[str, Any]:
        """The head as it is to be, if it is still as it was."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if page.before:
            same = {name: page.before[name] for name in ("hash", "turn") if name in page.before}
            unturned = "" if "turn" in same else " AND attribute_not_exists(#turn)"  # written before there were turns
            condition = {
                "ConditionExpression": " AND ".join(f"#{name} = :{name}" for name in same) + unturned,
                "ExpressionAttributeNames": {"#hash": "hash", "#turn": "turn"},
                "ExpressionAttributeValues": _written(**{f":{name}": value for name, value in same.items()}),
            }
        number, digest = page.head or (0, "")
        pk, sk = HEAD
        item = _written(pk=pk, sk=sk, number=number, hash=digest, turn=int((page.before or {}).get("turn", 0)) + 1)
        return {"Put": {"TableName": self.name, "Item": item, **condition}}


def head_of(item: Item | None) -> tuple[int, str] | None:
    """The number and the hash of the audit log's newest entry; None while it has none."""
    return (int(item["number"]), str(item["hash"])) if item and item["number"] else None


def _is_race(error: AwsError) -> bool:
    """Whether others were at the table, and not what was written is wrong (an item that is too large)."""
    return "ConditionalCheckFailed" in error.message or "TransactionConflict" in error.message + error.code


def _written(**values: Any) -> dict[str, dict[str, Any]]:
    """Values as DynamoDB takes them: text, bytes, whole numbers."""
    return {name: _typed(value) for name, value in values.items()}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"B": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _read(item: Mapping[str, Mapping[str, Any]]) -> Item:
    return {name: int(value["N"]) if "N" in value else next(iter(value.values())) for name, value in item.items()}
