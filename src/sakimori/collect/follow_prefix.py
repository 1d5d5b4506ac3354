"""New objects under an S3 prefix: a read marker in every account and region, and a look back for late files.

CloudTrail's keys sort by time within one account and region, so a poll lists only what comes after the marker, less the
look-back. Files that arrive later than that are found by `sakimori coverage`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sakimori.aws.errors import Throttled, Unavailable, Unreachable
from sakimori.aws.objects import IAM_ACTIONS as _S3_ACTIONS
from sakimori.aws.objects import S3Object, list_folders, list_objects, split_uri
from sakimori.collect.follow import Batch
from sakimori.collect.sources import SourceObject, name_is_no_log
from sakimori.model.refusal import Refusal

IAM_ACTIONS = _S3_ACTIONS

LOOK_BACK = timedelta(days=2)
"""How late a file may be and still be found by following. CloudTrail delivers within about 5 minutes on average; delays
of hours have been seen when a region was in trouble."""

BATCH_OBJECTS = 1000
_DISCOVER_EVERY = 10
"""Polls between two looks for accounts and regions that are new in the bucket."""

_LANE = re.compile(r"(?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/CloudTrail/[a-z0-9-]+/")
_ABOVE_LANE = re.compile(r"(?:.*/)?AWSLogs/(?:(?:o-[a-z0-9]+/)?(?:\d{12}/(?:CloudTrail/(?:[a-z0-9-]+/)?)?)?)?|[^/]*/|")
_DAY = re.compile(r"(\d{4})/(\d{2})/(\d{2})/")

_PASSING = (Throttled, Unavailable, Unreachable)


@dataclass(slots=True)
class Marker:
    """How far a lane (all keys with `prefix`) was read: its newest key, and what of the look-back is already done."""

    prefix: str
    newest: str = ""
    done: dict[str, str] = field(default_factory=dict)

    @property
    def start_after(self) -> str:
        """Where to begin listing: the day of the newest key less the look-back; "" if the lane has no days."""
        if not self.prefix.endswith("/"):
            return ""
        day = _DAY.match(self.newest, len(self.prefix))
        if day is None:
            return ""
        floor = datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC) - LOOK_BACK
        return f"{self.prefix}{floor:%Y/%m/%d}/"

    def finish(self, found: S3Object) -> None:
        """Note that an object needs no second look, and forget those that the look-back no longer reaches."""
        self.done[found.key] = found.etag
        if found.key > self.newest:
            before, self.newest = self.start_after, found.key
            floor = self.start_after
            if floor != before:
                self.done = {key: etag for key, etag in self.done.items() if key > floor}


def follow_prefix(s3: Any, uri: str, *, poll_seconds: float, stop: threading.Event) -> Iterator[Batch]:
    """See `follow`. The first poll gives everything that is there."""
    bucket, prefix = split_uri(uri)
    markers: dict[str, Marker] = {}
    polls = 0
    while not stop.is_set():
        try:
            if polls % _DISCOVER_EVERY == 0:
                for lane in find_lanes(s3, bucket, prefix):
                    markers.setdefault(lane, Marker(lane))
            for marker in markers.values():
                yield from _new_in_lane(s3, bucket, marker, stop)
            polls += 1
        except _PASSING as error:
            yield Batch([], [Refusal(uri, 0, str(error))])
        stop.wait(poll_seconds)


def find_lanes(s3: Any, bucket: str, prefix: str) -> list[str]:
    """The prefixes of one account and region each below `prefix`; `prefix` itself if it is not laid out like that."""
    if _LANE.match(prefix) or not _ABOVE_LANE.fullmatch(prefix):
        return [prefix]
    lanes: list[str] = []
    waiting = [prefix]
    while waiting:
        for folder in list_folders(s3, bucket, waiting.pop()):
            if _LANE.fullmatch(folder):
                lanes.append(folder)
            elif _ABOVE_LANE.fullmatch(folder):
                waiting.append(folder)
    return sorted(lanes) or [prefix]


def _new_in_lane(s3: Any, bucket: str, marker: Marker, stop: threading.Event) -> Iterator[Batch]:
    found: list[S3Object] = []
    for listed in list_objects(s3, bucket, marker.prefix, start_after=marker.start_after):
        if stop.is_set():
            return
        if marker.done.get(listed.key) == listed.etag:
            continue
        if name_is_no_log(listed.uri):
            marker.finish(listed)
            continue
        found.append(listed)
        if len(found) >= BATCH_OBJECTS:
            yield from _offered(found, marker)
            found = []
    if found:
        yield from _offered(found, marker)


def _offered(found: list[S3Object], marker: Marker) -> Iterator[Batch]:
    """One batch; what the consumer has committed of it when it comes back is done."""
    batch = Batch([SourceObject(one.uri, one.size, one.etag, one.last_modified, "s3") for one in found])
    try:
        yield batch
    finally:
        for one in found:
            if one.uri in batch.committed:
                marker.finish(one)
