"""What runs in AWS Lambda: events from the queue, or by direct invocation, into the engine, with its book in DynamoDB.

What SQS delivers is done when the book has it; what is not done is named in `batchItemFailures` and comes again, later
each time. A run that was interrupted goes on when its message comes again, or with the next heartbeat: a scheduled
event that goes the same way as all others, so that its metric tells that the way is open. No part of `dbos`, pyarrow,
scipy or SQLAlchemy is imported here; an import contract keeps it so.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sakimori.aws.errors import AwsError, asking
from sakimori.aws.session import client
from sakimori.collect import products
from sakimori.collect.events import Heard, heard
from sakimori.model.event import Event
from sakimori.notify.asking import Links
from sakimori.notify.errors import NotifyError
from sakimori.notify.options import options
from sakimori.notify.routes import Route
from sakimori.notify.sender import Sent
from sakimori.respond import carried_routes, carried_tags, carried_zones, plugins
from sakimori.respond.carried_inventory import carried
from sakimori.respond.carried_routes import Settings
from sakimori.respond.dead import bury_refused
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import Busy, Passing, RespondError
from sakimori.respond.guard import Guard
from sakimori.respond.keys import SHORTEST, derived
from sakimori.respond.policy import paces, policy
from sakimori.respond.runs import Run, run_id
from sakimori.respond.table import Table
from sakimori.respond.table_book import TableBook
from sakimori.respond.table_lines import TableLines
from sakimori.respond.table_outbox import TableOutbox
from sakimori.respond.teller import TOPIC, Teller
from sakimori.respond.telling import about
from sakimori.respond.world import AccountClients, World

IAM_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility")
"""What taking messages needs ("Using Lambda with Amazon SQS: Permissions"), and putting them off."""

MOST_RECEIVES = 6
"""How often a message is delivered before it goes to the dead-letter queue."""

FIRST_PAUSE, LONGEST_PAUSE = 60, 900
"""Seconds after which a message comes again whose trouble may pass; the pause doubles."""

SPARE = 45.0
"""Seconds of an invocation that are kept for putting things in order; no message is begun with less."""

PATIENCE = 240.0
HEARTBEAT = "sakimori-heartbeat"
NAMESPACE = "Sakimori"
SETTINGS = "settings"
"""The folder of the bundle that holds settings.json and the tables that users edit."""


class NotHandled(Exception):
    """Something of a direct invocation was not handled: Lambda is to try again, and then keep the event."""


class Function:
    """The function as its environment variables and the settings in its bundle say."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        secret = _secret(environment["SAKIMORI_SECRET"]).encode()
        if len(secret) < SHORTEST:
            raise RespondError(f"the secret {environment['SAKIMORI_SECRET']} has fewer than {SHORTEST} characters")
        self.name, self.queue = environment["SAKIMORI_DEPLOYMENT"], environment["SAKIMORI_QUEUE"]
        self.until = 0.0
        carried_zones.known(folder)
        table = Table(client("dynamodb"), environment["SAKIMORI_TABLE"])
        self.book = TableBook(table, derived(secret, "audit"))
        world = World(
            AccountClients(environment.get("SAKIMORI_RESPOND_ROLE", "")),
            Guard(paces(settings.get("paces")), lines=TableLines(table)),
            manager=_manager(environment, folder),
            inventory=lambda: carried(folder),
            done_by=self.book.done_by,
            home=folder,
            settings=settings,
        )
        self.engine = Engine(
            self.book,
            world,
            policy(settings.get("modes"), settings.get("limits")),
            secret,
            f"function-{uuid.uuid4().hex[:12]}",
            tell=self._tell,
            only=frozenset(filter(None, environment["SAKIMORI_WORKFLOWS"].split(","))),
        )
        self.teller = self._teller(environment, settings, folder)

    def _teller(self, environment: Mapping[str, str], settings: Mapping[str, Any], folder: Path) -> Teller:
        language, where = environment.get("SAKIMORI_LANGUAGE", "en"), {"topic": environment["SAKIMORI_TOPIC"]}
        routes, lacking = _routes(settings.get("routes") or {}, environment.get("SAKIMORI_NOTIFY_SECRET", ""))
        for name, why in lacking.items():
            _log("a route cannot be used", route=name, error=why)
        owner_tags = {"owner_tags": settings["owner_tags"]} if "owner_tags" in settings else {}
        return Teller(
            TableOutbox(self.book.table, lambda asset: carried_tags.carried(folder).get(asset, {})),
            Route(TOPIC, "sns", language=language, settings=where),
            routes,
            Links(self.engine.signer),
            options(owner_tags, settings.get("people") or {})[1],
            self.book,
            guard=self.engine.world.guard,
            lacking=lacking,
            has_time=lambda: time.monotonic() < self.until,
        )

    def warm(self) -> None:
        """Loads what would be loaded with the first event."""
        for name in self.engine.only:
            plugins.workflow(name)
            for used in plugins.uses(name):
                plugins.action(used)
        products.plugins()
        for service in ("sqs", "sns"):
            client(service)

    def invoked(self, event: Any, context: Any) -> dict[str, Any]:
        """Handles a batch of the queue, or an event by itself. Raises NotHandled for one that is to be tried again."""
        records = event.get("Records") if isinstance(event, Mapping) else None
        if records and all(isinstance(one, Mapping) and one.get("eventSource") == "aws:sqs" for one in records):
            failed = [str(one["messageId"]) for one in records if not self._message(one, context)]
            return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
        self._be_patient(context)
        body = json.dumps(event)
        found = heard(body, "invocation")
        if not self._handled(found, body, last=False):
            raise NotHandled("not everything was handled: the log says what, and it is tried again")
        return {"events": len(found.events), "refused": [str(each) for each in found.refusals]}

    def _message(self, record: Mapping[str, Any], context: Any) -> bool:
        """Whether a message is done with."""
        received = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        if not self._be_patient(context):
            return False  # untouched: the next invocation has the time for it
        found = heard(str(record["body"]), f"message {record['messageId']}")
        if not found.events and received > 1:
            return False  # it is among the dead letters; the queue's redrive policy has the last word
        try:
            done = self._handled(found, str(record["body"]), last=received >= MOST_RECEIVES)
        except Exception as error:  # the book is away: whatever it is, the message must come again
            _log("not handled", message=record["messageId"], error=f"{type(error).__name__}: {error}")
            done = False
        poison = done and not found.events
        if not done or poison:
            self._put_off(record, 0 if poison else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (received - 1)))
        return done and not poison

    def _put_off(self, record: Mapping[str, Any], seconds: int) -> None:
        """The message comes again after so many seconds. Where that fails, it comes when the queue's own time is up."""
        parameters = {"QueueUrl": self.queue, "ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": seconds}
        try:
            client("sqs").change_message_visibility(**parameters)
        except Exception as error:
            _log("not put off", message=record["messageId"], error=f"{type(error).__name__}: {error}")

    def _be_patient(self, context: Any) -> bool:
        """Effects are waited for as long as the invocation has time; False if it has none."""
        left = context.get_remaining_time_in_millis() / 1_000 - SPARE
        self.until = time.monotonic() + left
        self.engine.world.patience = max(0.0, min(PATIENCE, left))
        return bool(left > 0)

    def _handled(self, found: Heard, body: str, *, last: bool) -> bool:
        """Whether everything that was heard is done with; what was refused is kept among the dead letters."""
        bury_refused(self.book, found.refusals, body)
        for refused in found.refusals:
            _log("refused", place=refused.path, reason=refused.reason)
        self._count(Events=len(found.events), Refused=len(found.refusals))
        return all([self._event(event, body, last) for event in found.events])

    def _event(self, event: Event, body: str, last: bool) -> bool:
        if event.asked.startswith(HEARTBEAT):
            self._beat()
            return True
        self.engine.take(event)
        if why := self.engine.refusal(event):
            self.book.bury(f"asked {event.asked}", why, body)
            _log("refused", place=f"asked {event.asked}", reason=why)
        names = list(self.engine.subscribers(event))
        return all([self._carried(run_id(event.uid, event.revision, name), last) for name in names])

    def _carried(self, run: str, last: bool) -> bool:
        """Whether a run is done with: it came to its end, or to a person, or was given up."""
        try:
            state = self.engine.carry(run, Straight())
        except Busy:
            return False
        except Passing as error:
            if not last:
                self.book.release(run, self.engine.owner)
                _log("put off", run=run, reason=str(error))
                return False
            state = self._given_up(run, error)
        except Exception as error:  # whatever it was, the run must not be left as if somebody were at it
            state = self._given_up(run, error)
        _log("run", run=run, state=state)
        self._count(**{"Failed" if state == "failed" else "Runs": 1})
        return True

    def _given_up(self, run: str, error: Exception) -> str:
        self.engine.gave_up(run, error)
        found = self.book.run(run)
        self._tell(found, self.book.event_of(run))
        return str(found.state)

    def _beat(self) -> None:
        """Takes up what was left, tells that the way is open, and sends what is due: after a failure, quiet hours, or
        no acknowledgement."""
        for run, _ in self.book.unfinished(self.engine.owner):
            self._carried(run, last=False)
        self._count(Heartbeat=1)
        self._report(self.teller.deliver())

    def _tell(self, run: Run, event: Event) -> None:
        """Tells people, through the topic and the routes that the message fits."""
        message = about(run, event, self.book.open_approval(run.id))
        if message is not None:
            self._report(self.teller.send(message))

    def _report(self, outcomes: list[Sent]) -> None:
        """That people were not told is counted, and holds up nothing: it is tried again."""
        for each in outcomes:
            if each.why:
                _log("nobody was told", route=each.route, message=each.key, error=each.why)
                self._count(Untold=1)

    def _count(self, **metrics: int) -> None:
        """Metrics by way of the log ("CloudWatch embedded metric format specification"): they need no permission."""
        named = [{"Name": name, "Unit": "Count"} for name in metrics]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["Deployment"]], "Metrics": named}
        about_it = {"Timestamp": int(time.time() * 1_000), "CloudWatchMetrics": [directive]}
        _print({"_aws": about_it, "Deployment": self.name, **metrics})


def _manager(environment: Mapping[str, str], folder: Path) -> Any:
    """The client of the workload protection manager; None where none is named."""
    url = environment.get("SAKIMORI_PROTECT_URL", "")
    if not url:
        return None
    from sakimori.protect.client import Client
    from sakimori.protect.client_transport import Settings

    own = folder / "ca.pem"
    style: Any = environment.get("SAKIMORI_PROTECT_KEY_STYLE", "api-secret-key")
    key = _secret(environment["SAKIMORI_PROTECT_SECRET"]).strip()
    return Client(Settings(url, key, str(own) if own.is_file() else "", style))


def _routes(settings: Settings, secret: str) -> tuple[list[Route], dict[str, str]]:
    """The routes beside the topic, and those that cannot be used for now with the reason: that is no reason not to
    respond."""
    if not settings:
        return [], {}
    try:
        return carried_routes.opened(settings, _secret(secret))
    except (AwsError, NotifyError) as error:
        return carried_routes.named(settings), dict.fromkeys(settings, str(error))


def _secret(arn: str) -> str:
    with asking("secretsmanager:GetSecretValue", arn):
        return str(client("secretsmanager", region=arn.split(":")[3]).get_secret_value(SecretId=arn)["SecretString"])


def _log(what: str, **more: Any) -> None:
    _print({"what": what, **more})


def _print(line: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
