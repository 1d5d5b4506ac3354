"""A deployment as `sakimori respond` looks at it: its book, its secret and its queue, found through its stack."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sakimori.cli.home import home

if TYPE_CHECKING:
    from sakimori.model.asset import Inventory
    from sakimori.notify.sender import Sender
    from sakimori.respond.deploy.stack import Stack
    from sakimori.respond.engine import Engine
    from sakimori.respond.policy import Policy
    from sakimori.respond.table_book import TableBook


def book_of(parts: dict[str, str], region: str | None = None, profile: str | None = None) -> tuple[TableBook, bytes]:
    """The book of a deployment and the secret that signs there. Raises AwsError."""
    from sakimori.aws.errors import asking
    from sakimori.aws.session import client
    from sakimori.respond.chain import Head
    from sakimori.respond.keys import derived
    from sakimori.respond.table import Table
    from sakimori.respond.table_book import TableBook

    arn = parts["secret"]
    where = region or arn.split(":")[3]
    with asking("secretsmanager:GetSecretValue", arn):
        answer = client("secretsmanager", region=where, profile=profile).get_secret_value(SecretId=arn)
    secret = str(answer["SecretString"]).encode()
    home().mkdir(parents=True, exist_ok=True)
    head = Head(home() / f"{parts['table']}-{arn.rpartition('-')[2]}.head")
    table = Table(client("dynamodb", region=where, profile=profile), parts["table"])
    return TableBook(table, derived(secret, "audit"), head), secret


def audit_log_kept(stack: Stack, name: str, region: str | None, profile: str | None, place: Path | None) -> Path | None:
    """Writes the audit log to a file, before the table goes; None where there is no book. Raises AwsError where it
    cannot be read: then nothing is to be removed."""
    from sakimori.aws.errors import NotFound
    from sakimori.respond.errors import RespondError

    try:
        parts = stack.parts()
    except RespondError:
        return None  # it was never deployed in full: there is no log
    try:
        book, _ = book_of(parts, region, profile)
        audited, entries = book.audited(), book.entries()
    except NotFound:
        return None  # somebody has deleted the table, or the secret: there is nothing to keep any more
    if not entries:
        return None
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = place or home() / f"{name}-audit-{now}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    first: dict[str, Any] = {"deployment": name, "entries": audited.entries, "broken": audited.broken}
    lines = [first, *({field: getattr(each, field) for field in each.__dataclass_fields__} for each in entries)]
    kept.write_text("".join(json.dumps(line, default=str) + "\n" for line in lines), encoding="utf-8")
    return kept


def deployment() -> str:
    """The deployment that `sakimori respond` and `notify` are about, instead of this machine's ledger; "" for none."""
    return os.environ.get("SAKIMORI_DEPLOYMENT", "")


@contextmanager
def deployed_engine(name: str, owner: str, policy: Policy, only: frozenset[str], manager: Any) -> Iterator[Engine]:
    """An engine over the book of a deployment. Raises RespondError, AwsError."""
    from sakimori.cli.configuration import section
    from sakimori.cli.respond_parts import workflow_settings
    from sakimori.respond.engine import Engine
    from sakimori.respond.guard import Guard
    from sakimori.respond.policy import paces
    from sakimori.respond.table_lines import TableLines
    from sakimori.respond.world import AccountClients, World

    book, secret = book_of(found_stack(name).parts())
    role = os.environ.get("SAKIMORI_RESPOND_ROLE", "")
    world = World(
        AccountClients(role),
        Guard(paces(section("respond.paces")), lines=TableLines(book.table)),
        inventory=lambda: known_inventory()[0],
        manager=manager,
        done_by=book.done_by,
        home=home(),
        settings=workflow_settings(),
    )
    try:
        yield Engine(book, world, policy, secret, owner, only=only)
    finally:
        if manager is not None:
            manager.close()


def deployed_sender(name: str) -> Sender:
    """What told people for a deployment, to look at and to acknowledge. Raises RespondError, AwsError."""
    from sakimori.notify.asking import Links
    from sakimori.notify.sender import Sender
    from sakimori.notify.signing import Signer
    from sakimori.respond.keys import first_link_keys
    from sakimori.respond.table_outbox import TableOutbox

    book, secret = book_of(found_stack(name).parts())
    return Sender(TableOutbox(book.table), [], Links(Signer(first_link_keys(secret))))


def known_inventory() -> tuple[Inventory, str]:
    """What this machine has discovered, and when it last looked; an empty one where it never has."""
    from sakimori.cli.home import ledger_place
    from sakimori.model.asset import Inventory
    from sakimori.store.ledger import open_ledger

    place = ledger_place()
    if isinstance(place, Path) and not place.is_file():
        return Inventory(), ""
    with open_ledger(place) as ledger:
        looked = [run.started_at for run in ledger.discoveries()]
        return (ledger.inventory(), max(looked)) if looked else (Inventory(), "")


def found_stack(name: str) -> Stack:
    """The stack of a deployment in our region. Raises AwsError."""
    from sakimori.aws.session import client
    from sakimori.respond.deploy.stack import Stack

    return Stack(name, client)


def ask_to_go_on(name: str) -> str:
    """Has the function look for what it is to go on with, now and not with its next heartbeat; gives why it could not
    be asked, "" if it was."""
    from sakimori.aws.errors import AwsError, asking
    from sakimori.aws.session import client
    from sakimori.respond.function import HEARTBEAT

    due = {
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [f"rule/{HEARTBEAT}-{name}"],
        "detail": {},
    }
    try:
        queue = found_stack(name).parts()["queue"]
        with asking("sqs:SendMessage", queue):
            client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(due))
    except AwsError as error:
        return str(error)
    return ""
