"""Keeps reading: new log objects under an S3 prefix, or as a queue of notifications announces them.

    for batch in follow("s3://logs/AWSLogs/", poll_seconds=30, stop=stop):
        for source in batch.objects:
            ...                      # ingest it
            batch.commit(source)     # it is in the lake: never needed again

An object that is not committed comes again: from a queue when its message becomes visible, from a prefix at the next
poll. Objects may come twice; the ledger knows those that are in the lake.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sakimori.collect.sources import SourceObject
from sakimori.model.refusal import Refusal


@dataclass(slots=True)
class Batch:
    """Objects to ingest, what was refused (a message that is no notification, a call that failed for now), and, as the
    consumer commits, the paths that are done."""

    objects: list[SourceObject]
    refusals: list[Refusal] = field(default_factory=list)
    committed: set[str] = field(default_factory=set)

    def commit(self, source: SourceObject) -> None:
        """Say that `source` is safely in the lake."""
        self.committed.add(source.path)


def follow(
    source: str, *, poll_seconds: float, stop: threading.Event, s3: Any = None, sqs: Any = None
) -> Iterator[Batch]:
    """Batches of new objects under `s3://bucket/prefix`, or of those that the SQS queue (its URL or ARN) announces.

    Ends when `stop` is set, after at most one poll. Raises AwsError where trying again cannot help (access denied,
    credentials, no such bucket or queue); what may pass (throttling, network) is reported in a batch and tried again.
    """
    if source.startswith("s3://"):
        from sakimori.collect.follow_prefix import follow_prefix
        from sakimori.collect.sources import s3_client

        return follow_prefix(s3 or s3_client(), source, poll_seconds=poll_seconds, stop=stop)
    from sakimori.aws.session import client
    from sakimori.collect.follow_queue import follow_queue, queue_region

    return follow_queue(sqs or client("sqs", region=queue_region(source)), source, poll_seconds=poll_seconds, stop=stop)
