"""Sample CloudTrail logs: an ordinary day of a small shop, and the nine-step attack in the middle of it.

The same seed and day give the same bytes. Files lie as CloudTrail lays them in a bucket (AWS CloudTrail User Guide,
"CloudTrail log file examples"), so that whatever reads a trail reads them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from sakimori.collect.coverage.trail_layout import Lane
from sakimori.simulate.buckets import Folder
from sakimori.simulate.company import ACCOUNT, EVERYBODY, REGION, TRAIL_NAME, Call, Caller
from sakimori.simulate.intrusion import intrusion
from sakimori.simulate.record import api_call, role_identity, service_identity, user_identity
from sakimori.simulate.trail import Delivered, SigningKey, TrailPlan, log_file, make_signing_key, sign_digest

EVENTS = 30_000
REGIONS = (REGION, "us-east-1")
FILE_SPAN = timedelta(minutes=15)
HOURS_OF_DIGESTS = 25
"""One more than the day has: its last log files are delivered after midnight."""

GLOBAL_SERVICES = ("iam:",)
"""CloudTrail writes their calls in us-east-1, wherever they were made from."""

Timed = tuple[datetime, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: `attack` holds the ids of the attack's records, in time order.

    `public_key` (PEM) is for `sakimori coverage --public-key`: CloudTrail's own would be asked of AWS.
    """

    folder: Path
    files: int
    events: int
    attack: tuple[str, ...]
    public_key: bytes


def write_day(folder: Path, day: date, *, events: int = EVENTS, seed: int = 7) -> Written:
    """Write one day of logs, with their signed digests, under `folder/AWSLogs/`; `events` are the ordinary ones.

    Raises OSError if the folder cannot be written.
    """
    rng = Random(seed)  # noqa: S311  the same logs every time; no secret is made of it
    midnight = datetime.combine(day, time(), UTC)
    attack = intrusion(rng, midnight)
    files: dict[tuple[str, datetime], list[Timed]] = defaultdict(list)
    for at, record in [*ordinary_day(rng, midnight, events), *attack]:
        files[record["awsRegion"], _closed(at)].append((at, record))
    plan = TrailPlan("example-shop-trail-logs", midnight, hours=HOURS_OF_DIGESTS, regions=REGIONS, trail=TRAIL_NAME)
    key = make_signing_key()
    bucket = Folder(folder)
    for region in REGIONS:
        lane = Lane(ACCOUNT, region, "")
        logs = [
            log_file(plan, lane, end, _in_order(files[region, end]), rng)
            for where, end in sorted(files)
            if where == region
        ]
        for delivered in (*logs, *_digests(plan, lane, logs, key)):
            bucket.put(delivered.key, delivered.stored)
    total = sum(map(len, files.values()))
    return Written(folder, len(files), total, tuple(record["eventID"] for _, record in attack), key.public_pem)


def _digests(plan: TrailPlan, lane: Lane, logs: list[Delivered], key: SigningKey) -> Iterator[Delivered]:
    """A digest for every hour, each of which lists what was delivered in it and follows on the one before."""
    previous: Delivered | None = None
    for hour in range(1, plan.hours + 1):
        end = plan.start + timedelta(hours=hour)
        mine = [log for log in logs if end - timedelta(hours=1) <= log.stored.written < end]
        previous = sign_digest(plan, lane, end, mine, previous, key)
        yield previous


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
        region=REGIONS[1] if call.name.startswith(GLOBAL_SERVICES) else REGION,
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


def _closed(at: datetime) -> datetime:
    """When the log file that holds a call of this time is closed: the time in its name."""
    return at - (at - datetime.min.replace(tzinfo=UTC)) % FILE_SPAN + FILE_SPAN


def _in_order(records: list[Timed]) -> list[dict[str, Any]]:
    return [record for _, record in sorted(records, key=lambda timed: (timed[0], timed[1]["eventID"]))]
