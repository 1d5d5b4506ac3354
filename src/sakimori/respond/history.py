"""Who usually writes to a bucket: from CloudTrail's data events in the lake. Yes, no, or not known, with the reason.

Whoever has not written there before is unusual only where the bucket's writes are known for long enough; the same
length of history as the detection rules that look for what was never seen (`first_seen`) ask for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sakimori.model.said import say, told
from sakimori.respond.errors import RespondError

DAYS = 7
_DAY_MS = 86_400_000
_SESSION = re.compile(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.*")


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who wrote to a bucket: the ARN of the role or user, and when first and last (milliseconds UTC)."""

    principal: str
    first: int
    last: int


Writers = Callable[[str, int], Sequence[Writer]]
"""(bucket, until) -> who wrote there before. Raises RespondError where that cannot be known."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Whether somebody usually writes there; None if it cannot be known. `why` is a clause for a sentence."""

    verdict: bool | None
    why: str


def unknown(bucket: str, until: int) -> Sequence[Writer]:
    """What is asked where there is no lake. Raises RespondError."""
    raise RespondError(say("there is no lake here"))


def principal(arn: str) -> str:
    """Who stands behind a session: the role, without its path, as far as the session's ARN tells it."""
    found = _SESSION.fullmatch(arn)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else arn


def usual(writers: Writers, bucket: str, who: str, time: str) -> Usual:
    """Whether `who` (an ARN) usually writes to the bucket, as of `time` (ISO 8601)."""
    if not who.startswith("arn:"):
        return Usual(
            None, say("the event does not tell who it was: let CloudTrail's data events of the bucket come, too")
        )
    try:
        until = int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1000)
        known = writers(bucket, until)
    except ValueError:
        return Usual(None, say("the event's time {time} cannot be read", time=repr(time)))
    except RespondError as error:
        return Usual(None, told(error))
    if not known:
        return Usual(
            None, say("no write to {bucket} is in the lake: collect CloudTrail's data events of it", bucket=bucket)
        )
    before = [each for each in known if _same(each.principal, who)]
    if before:
        return Usual(True, say("it has written there since {date}", date=_date(min(each.first for each in before))))
    first = min(each.first for each in known)
    if until - first < DAYS * _DAY_MS:
        return Usual(
            None,
            say(
                "writes to {bucket} are known since {date} only: it takes {days} days to tell",
                bucket=bucket,
                date=_date(first),
                days=DAYS,
            ),
        )
    return Usual(False, say("it never did since {date}, and {count} others have", date=_date(first), count=len(known)))


def _same(known: str, who: str) -> bool:
    """A role's own ARN may have a path, that of its session has none."""
    one, other = principal(known), principal(who)
    return one == other or (":role/" in one and _short(one) == _short(other))


def _short(arn: str) -> tuple[str, str]:
    return arn.partition(":role/")[0], arn.rpartition("/")[2]


def _date(milliseconds: int) -> str:
    from datetime import UTC

    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
