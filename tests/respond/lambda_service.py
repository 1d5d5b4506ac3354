"""What Lambda does with a deployment in the simulated AWS: unpacks the bundle, starts it, and hands it what is in the
queue; and what people do who look on."""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from deployments import real_bundle, stack

from sakimori.respond.deploy.cloudformation import template
from sakimori.respond.deploy.design import design
from sakimori.respond.keys import derived
from sakimori.respond.table import Table
from sakimori.respond.table_book import TableBook
from sakimori.simulate.aws import REGION, SimulatedAws

HERE = Path(__file__).parent


@dataclass
class Environment:
    """An execution environment: one process, which handles one event after the other."""

    process: subprocess.Popen[str]
    started: dict[str, Any] = field(default_factory=dict)

    def invoke(self, event: Any) -> dict[str, Any]:
        """What came of an event."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the process is gone"}


@dataclass
class Service:
    """A deployment whose queue is emptied by hand."""

    aws: SimulatedAws
    place: Path
    root: Path
    parts: dict[str, str]
    environment: dict[str, str]
    handler: str

    @property
    def book(self) -> TableBook:
        secret = self.aws.client("secretsmanager").get_secret_value(SecretId=self.parts["secret"])["SecretString"]
        return TableBook(Table(self.aws.client("dynamodb"), self.parts["table"]), derived(secret.encode(), "audit"))

    @contextmanager
    def running(self, seconds: float = 300.0) -> Iterator[Environment]:
        """An execution environment, started."""
        command = [sys.executable, "-I", "-S", str(HERE / "as_lambda.py"), str(self.root), self.handler, str(seconds)]
        log = (self.place / "log").open("a")
        process = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout
            yield Environment(process, json.loads(process.stdout.readline() or "{}"))
        finally:
            process.kill()
            process.communicate()
            log.close()

    def log(self) -> list[dict[str, Any]]:
        """What the function has logged."""
        lines = (self.place / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def metrics(self, name: str) -> int:
        return sum(line.get(name, 0) for line in self.log() if "_aws" in line)

    def put_event(self, event: dict[str, Any]) -> None:
        """On the bus."""
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        assert self.aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def received(self) -> list[dict[str, Any]]:
        """What is in the queue, as Lambda hands it over, one message a batch."""
        sqs, found = self.aws.client("sqs"), []
        while got := sqs.receive_message(
            QueueUrl=self.parts["queue"], AttributeNames=["All"], WaitTimeSeconds=0, MaxNumberOfMessages=10
        ).get("Messages"):
            found += got
        return [{"Records": [record(each)]} for each in found]

    def handle(self, running: Environment, batch: dict[str, Any]) -> bool:
        """Whether a batch is done with; what is done goes, as Lambda does it."""
        answer = running.invoke(batch)
        failed = answer.get("answer", {}).get("batchItemFailures") if "answer" in answer else batch["Records"]
        if not failed:
            for each in batch["Records"]:
                receipt = each["receiptHandle"]
                self.aws.client("sqs").delete_message(QueueUrl=self.parts["queue"], ReceiptHandle=receipt)
        return not failed

    def handled(self) -> list[bool]:
        """Handles what is in the queue in a new environment."""
        with self.running() as running:
            return [self.handle(running, batch) for batch in self.received()]


def record(message: dict[str, Any]) -> dict[str, Any]:
    """A message of SQS as Lambda hands it over ("Example Amazon SQS message event")."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:sakimori-events",
        "awsRegion": REGION,
    }


def by_hand(body: str, received: int = 1) -> dict[str, Any]:
    """A batch of one message that is in no queue."""
    message = {"MessageId": "m-1", "ReceiptHandle": "none", "Body": body}
    return {"Records": [record(message | {"Attributes": {"ApproximateReceiveCount": str(received)}})]}


def service(aws: SimulatedAws, place: Path, **settings: Any) -> Service:
    """Deploys, unpacks the bundle as it is in its bucket, and stops moto's own delivery. The settings, which
    are in the bundle, are in the test's own folder here."""
    stack(aws).apply(template(design()), real_bundle())
    functions = aws.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    made = functions.get_function_configuration(FunctionName="sakimori-respond")
    bucket = stack(aws).bucket
    body = aws.client("s3").get_object(Bucket=bucket.name, Key=bucket.keys()[0])["Body"].read()
    (place / "settings").mkdir()
    (place / "settings" / "settings.json").write_text(json.dumps(settings))
    (place / "tmp").mkdir()
    parts = stack(aws).parts() | {"queue": aws.client("sqs").get_queue_url(QueueName="sakimori-events")["QueueUrl"]}
    own = {name: os.environ[name] for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    environment = {
        **made["Environment"]["Variables"],
        **own,
        "SAKIMORI_QUEUE": parts["queue"],
        "LAMBDA_TASK_ROOT": str(place),
        "AWS_LAMBDA_FUNCTION_NAME": "sakimori-respond",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "TMPDIR": str(place / "tmp"),
        "HOME": "/nowhere",
    }
    return Service(aws, place, unpacked(body), parts, environment, made["Handler"])


@cache
def unpacked(bundle: bytes) -> Path:
    """A bundle, unpacked once: it is never written to."""
    folder = tempfile.TemporaryDirectory(prefix="sakimori-task-")
    atexit.register(folder.cleanup)
    zipfile.ZipFile(io.BytesIO(bundle)).extractall(folder.name)
    return Path(folder.name)
