"""The stretch of time that coverage looks at, and listing only the objects of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sakimori.collect.coverage.bucket import Bucket, BucketObject

DIGEST_INTERVAL = timedelta(hours=1)
"""CloudTrail delivers a digest for every hour, also for one in which nothing happened."""

DIGEST_GRACE = timedelta(hours=1)
"""How long after the end of its hour a digest may take to arrive. AWS gives no bound; an hour is generous."""

DELIVERY_SLACK = timedelta(minutes=30)
"""A log file's name tells the minute when its delivery began; the digest goes by when it ended, some minutes later, so
a file may be listed by the next hour's digest. (In the sample of "CloudTrail digest file structure" a file named 14:45
holds an event of 14:52.)"""

INGEST_GRACE = timedelta(minutes=15)
"""A file younger than this may still be on its way into the lake."""

_DAY = re.compile(r"\d{4}/\d{2}/\d{2}(?=/)")


@dataclass(frozen=True, slots=True)
class Window:
    """`since` <= time of a log file < `until`, seen from `now`. None leaves that side open. All in UTC."""

    now: datetime
    since: datetime | None = None
    until: datetime | None = None

    @property
    def end(self) -> datetime:
        return self.now if self.until is None else min(self.until, self.now)

    def holds_log(self, time: datetime) -> bool:
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def holds_digest(self, end: datetime) -> bool:
        """Whether a digest of the hour before `end` speaks of log files in the window."""
        first = self.since is None or end > self.since
        return first and (self.until is None or end - DIGEST_INTERVAL < self.until)


def objects_in(bucket: Bucket, prefix: str, window: Window) -> Iterator[BucketObject]:
    """Objects below `prefix`/YYYY/MM/DD/ on the days of the window: S3 is asked to start at the first day, and is left
    at the first key past the last. Folder markers (keys that end in "/") are left out. Raises BucketError."""
    after = f"{prefix}{window.since:%Y/%m/%d}" if window.since else ""
    last = f"{window.until + DIGEST_INTERVAL:%Y/%m/%d}" if window.until else "9999/99/99"
    for found in bucket.objects(prefix, after=after):
        day = _DAY.match(found.key, len(prefix))
        if window.until and day and day[0] > last:
            return
        if not found.key.endswith("/"):
            yield found
