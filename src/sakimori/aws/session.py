"""Clients with the ordinary credential chain, `AWS_ENDPOINT_URL` honoured, bounded retries and time-outs."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from sakimori.aws.errors import asking

CONNECTIONS = 16
"""Open connections a client keeps: as many as the reads that run ahead, and some for listing."""

_CONFIG = Config(
    retries={"mode": "adaptive", "total_max_attempts": 6},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=CONNECTIONS,
    user_agent_extra="sakimori",
)


def client(service: str, *, region: str | None = None, profile: str | None = None) -> Any:
    """A client for `service`. Safe to share between threads; make one per process.

    Raises AwsError if the profile does not exist or there is no region where one is needed.
    """
    with asking(f"{service}:*", profile or "the default profile"):
        session = boto3.Session(profile_name=profile, region_name=region)
        return session.client(service, config=_CONFIG, region_name=region or session.region_name or _default(service))


def _default(service: str) -> str | None:
    """S3 answers for every bucket from its first region, and moves on to the bucket's own; the others do not."""
    return "us-east-1" if service == "s3" else None
