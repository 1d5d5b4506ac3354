"""The program as a user runs it, and a log that it has something to say about."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

RULE = "cloudtrail_logging_stopped"


def environment(home: Path) -> dict[str, str]:
    """The test's own, without settings of the user; simulated AWS stays, as its fixture set it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAKIMORI_")}
    return kept | {"SAKIMORI_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "sakimori", *map(str, words)]


def sakimori(home: Path, *words: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        command(*words), env=environment(home), input=stdin, capture_output=True, timeout=120, cwd=home
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def attack(number: int, **fields: Any) -> dict[str, Any]:
    """A record that the rule holds for; a trail of its own, so that each is a finding of its own."""
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/kaede",
            "accountId": "111122223333",
            "userName": "kaede",
        },
        "eventTime": f"2026-11-20T10:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.10",
        "userAgent": "aws-cli/2.19.1",
        "requestParameters": {"name": f"trail-{number}"},
        "responseElements": None,
        "eventID": f"attack-{number}",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        **fields,
    }


def benign(number: int) -> dict[str, Any]:
    return attack(number, eventName="DescribeTrails", eventID=f"benign-{number}", readOnly=True)


def compact(record: dict[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":"))


def delivered(*records: dict[str, Any] | str | bytes) -> bytes:
    """A log file as CloudTrail delivers it; what is text already goes in as it is."""
    texts = [record if isinstance(record, bytes) else _text(record).encode() for record in records]
    return b'{"Records":[' + b",".join(texts) + b"]}"


def _text(record: dict[str, Any] | str) -> str:
    return record if isinstance(record, str) else compact(record)


def packed(text: bytes) -> bytes:
    return gzip.compress(text, 6, mtime=0)


def findings(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def found_records(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    return sorted(each for finding in findings(done) if finding["rule"] == RULE for each in finding["records"])


def complaints(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """The lines of standard error that name what was refused: all but the summary."""
    return [line for line in done.stderr.decode().splitlines() if ": offset " in line]
