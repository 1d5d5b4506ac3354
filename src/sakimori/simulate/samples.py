"""Sample CloudTrail logs: an ordinary day of a small shop, and the nine-step attack in the middle of it.

The same seed and day give the same bytes. Files lie as CloudTrail lays them in a bucket (AWS CloudTrail User Guide,
"CloudTrail log file examples"), so that whatever reads a trail reads them.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import orjson

from sakimori.simulate.company import ACCOUNT, EVERYBODY, REGION, Call, Caller
from sakimori.simulate.intrusion import intrusion
from sakimori.simulate.record import api_call, role_identity, service_identity, user_identity

EVENTS = 30_000
FILE_SPAN = timedelta(minutes=15)
GLOBAL_SERVICES = ("iam:",)
"""CloudTrail writes their calls in us-east-1, wherever they were made from."""

Timed = tuple[datetime, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: `attack` holds the ids of the attack's records, in time order."""

    folder: Path
    files: int
    events: int
    attack: tuple[str, ...]


def write_day(folder: Path, day: date, *, events: int = EVENTS, seed: int = 7) -> Written:
    """Write one day of logs under `folder/AWSLogs/`; `events` is the number of ordinary ones.

    Raises OSError if the folder cannot be written.
    """
    rng = Random(seed)  # noqa: S311  the same logs every time; no secret is made of it
    midnight = datetime.combine(day, time(), UTC)
    attack = intrusion(rng, midnight)
    files: dict[Path, list[Timed]] = defaultdict(list)
    for at, record in [*ordinary_day(rng, midnight, events), *attack]:
        files[_file_of(at, record["awsRegion"])].append((at, record))
    for path, records in files.items():
        records.sort(key=lambda timed: (timed[0], timed[1]["eventID"]))
        _write(folder / path, [record for _, record in records])
    total = sum(map(len, files.values()))
    return Written(folder, len(files), total, tuple(record["eventID"] for _, record in attack))


def ordinary_day(rng: Random, midnight: datetime, events: int) -> Iterator[Timed]:
    """Roughly `events` records of everybody at work, in no order."""
    shares = sum(caller.share for caller in EVERYBODY)
    for caller in EVERYBODY:
        cumulative = list(accumulate(call.weight for call in caller.calls))
        for _ in range(events * caller.share // shares):
            hour = rng.choices(range(24), caller.hours)[0]
            at = midnight + timedelta(hours=hour, seconds=rng.randrange(3600))
            call = rng.choices(caller.calls, cum_weights=cumulative)[0]
            yield at, _ordinary_call(rng, at, caller, call)


def _ordinary_call(rng: Random, at: datetime, caller: Caller, call: Call) -> dict[str, Any]:
    session = rng.randrange(len(caller.sessions)) if caller.sessions else 0
    in_step = len(caller.sessions) == len(caller.sources)
    source = caller.sources[session] if in_step else rng.choice(caller.sources)
    number = rng.randrange(200)
    return api_call(
        rng,
        at,
        call.name,
        _identity(caller, session, at),
        account=ACCOUNT,
        region="us-east-1" if call.name.startswith(GLOBAL_SERVICES) else REGION,
        source=source,
        agent=caller.agent,
        request=_filled(call.request, number),
        response=_filled(call.response, number),
        read_only=call.read_only,
        data=call.data,
    )


def _identity(caller: Caller, session: int, at: datetime) -> dict[str, Any]:
    if caller.kind == "service":
        return service_identity(caller.name)
    if caller.kind == "user":
        return user_identity(ACCOUNT, caller.name)
    name = caller.sessions[session]
    return role_identity(ACCOUNT, caller.name, name, at, invoked_by=caller.invoked_by, mfa=caller.mfa)


def _filled(template: Any, number: int) -> Any:
    """The template with its `{n}` replaced, at any depth."""
    if isinstance(template, str):
        return template.format(n=number) if "{" in template else template
    if isinstance(template, dict):
        return {key: _filled(value, number) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, number) for value in template]
    return template


def _file_of(at: datetime, region: str) -> Path:
    """`AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T0215Z_….json.gz`."""
    closed = at - (at - datetime.min.replace(tzinfo=UTC)) % FILE_SPAN + FILE_SPAN
    stem = f"{ACCOUNT}_CloudTrail_{region}_{closed:%Y%m%dT%H%MZ}"
    unique = hashlib.sha256(stem.encode()).hexdigest()[:16]
    return Path("AWSLogs", ACCOUNT, "CloudTrail", region, f"{at:%Y/%m/%d}", f"{stem}_{unique}.json.gz")


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(orjson.dumps({"Records": records}), compresslevel=6, mtime=0))
