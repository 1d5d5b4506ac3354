"""A table of DynamoDB in the simulated AWS, as a deployment makes it."""

from __future__ import annotations

from sakimori.respond.chain import Head
from sakimori.respond.keys import derived
from sakimori.respond.table import Table
from sakimori.respond.table_book import TableBook
from sakimori.simulate.aws import SimulatedAws

NAME = "sakimori-test"


def make_table(aws: SimulatedAws, name: str = NAME) -> None:
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    aws.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        BillingMode="PAY_PER_REQUEST",
    )


def table_book(aws: SimulatedAws, secret: bytes, name: str = NAME, head: Head | None = None) -> TableBook:
    return TableBook(Table(aws.client("dynamodb"), name), derived(secret, "audit"), head)
