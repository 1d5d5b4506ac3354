"""Small CloudTrail logs of our own making, and the program run on them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

ENTERED = ("ingested_at", "created_at", "updated_at", "at", "number")
EVENTS = ("ListUsers", "CreateUser", "GetObject", "AssumeRole", "ConsoleLogin")


def write_logs(folder: Path, objects: int, records: int, seed: int = 7) -> None:
    """`objects` files of `records` records each; every tenth has a bad record, every seventh spans midnight."""
    folder.mkdir(parents=True)
    rng = random.Random(seed)
    for number in range(objects):
        texts = [json.dumps(_record(rng, number, at), separators=(",", ":")) for at in range(records)]
        if number % 10 == 3:
            texts.insert(records // 2, '{"eventVersion":"1.10","eventName":7}')
        body = '{"Records":[' + ",".join(texts) + "]}"
        (folder / f"{number:04d}.json.gz").write_bytes(gzip.compress(body.encode(), 1, mtime=0))


def _record(rng: random.Random, number: int, at: int) -> dict[str, Any]:
    day = 22 if number % 7 == 0 and at % 2 else 21
    return {
        "eventVersion": "1.10",
        "userIdentity": {"type": "IAMUser", "userName": rng.choice("abc"), "accountId": "1" * 12},
        "eventTime": f"2026-11-{day}T{at % 24:02d}:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": rng.choice(EVENTS),
        "awsRegion": "eu-west-1",
        "sourceIPAddress": f"203.0.113.{rng.randrange(255)}",
        "requestParameters": {"noise": rng.randbytes(60).hex()},
        "eventID": f"{number}-{at}",
        "recipientAccountId": "1" * 12,
    }


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """The program, in a process group of its own."""
    environment = {**os.environ, "SAKIMORI_HOME": str(home), "PYTHONPATH": ":".join(sys.path)}
    environment.pop("SAKIMORI_LEDGER", None)
    return subprocess.Popen(
        [sys.executable, "-m", "sakimori", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    """The program, to its end: exit code, standard output, standard error."""
    process = start(home, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def lake_hashes(lake: Path) -> dict[str, str]:
    """Every file of the lake, also unfinished ones, with its hash."""
    files = (path for path in lake.rglob("*") if path.is_file())
    return {str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def ledger_rows(ledger: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the ledger, without the times and the order at which it was entered."""
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for table in sorted(tables):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in ENTERED]
            quoted = ", ".join(f'"{name}"' for name in columns)
            rows = connection.execute(f"SELECT {quoted} FROM {table}")
            found[table] = sorted(rows, key=repr)
    connection.close()
    return found
