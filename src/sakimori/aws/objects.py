"""S3 objects: listed a page at a time, read whole or in chunks, many of them ahead of the reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sakimori.aws.errors import NotFound, asking

IAM_ACTIONS = ("s3:ListBucket", "s3:GetObject")
"""What this file calls. Objects encrypted with a KMS key also need `kms:Decrypt` on that key."""

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class S3Object:
    """One object of a listing. `etag` is without its quotes; sizes are bytes, times are in UTC."""

    bucket: str
    key: str
    size: int
    etag: str
    last_modified: datetime

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/some/prefix` -> ("bucket", "some/prefix"). Raises ValueError for anything else."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise ValueError(f"not an S3 address: {uri!r} (write s3://BUCKET/PREFIX)")
    return bucket, key


def list_objects(
    client: Any, bucket: str, prefix: str = "", *, start_after: str = "", page_size: int = 1000
) -> Iterator[S3Object]:
    """The objects under `prefix` whose keys come after `start_after`, in the order of their keys (UTF-8 bytes).

    Raises AwsError. Folder markers (empty objects whose key ends with a slash) are not objects of interest.
    """
    paginator = client.get_paginator("list_objects_v2")
    paging = {"PageSize": page_size}
    pages = iter(paginator.paginate(Bucket=bucket, Prefix=prefix, StartAfter=start_after, PaginationConfig=paging))
    while True:
        with asking("s3:ListBucket", f"s3://{bucket}/{prefix}"):
            page = next(pages, None)
        if page is None:
            return
        for found in page.get("Contents", ()):
            if not found["Key"].endswith("/"):
                yield _listed(bucket, found)


def list_folders(client: Any, bucket: str, prefix: str) -> list[str]:
    """The prefixes one level below `prefix`, which ends with a slash (or is empty). Raises AwsError."""
    paginator = client.get_paginator("list_objects_v2")
    with asking("s3:ListBucket", f"s3://{bucket}/{prefix}"):
        pages = paginator.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        return [folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", ())]


def head_object(client: Any, bucket: str, key: str) -> S3Object | None:
    """The object's size, etag and time; None if there is no such object. Raises AwsError."""
    try:
        with asking("s3:GetObject", f"s3://{bucket}/{key}"):
            found = client.head_object(Bucket=bucket, Key=key)
    except NotFound:
        return None
    return S3Object(bucket, key, found["ContentLength"], found["ETag"].strip('"'), _utc(found["LastModified"]))


def get_chunks(client: Any, bucket: str, key: str, etag: str = "") -> Iterator[bytes]:
    """The object's bytes in chunks of `CHUNK`. With `etag`, the object as it was when it was listed or not at all.

    Raises AwsError, also in the middle when the connection breaks.
    """
    wanted = {"IfMatch": etag} if etag else {}
    with asking("s3:GetObject", f"s3://{bucket}/{key}"):
        body = client.get_object(Bucket=bucket, Key=key, **wanted)["Body"]
        try:
            while chunk := body.read(CHUNK):
                yield chunk
        finally:
            body.close()


def _listed(bucket: str, found: dict[str, Any]) -> S3Object:
    return S3Object(bucket, found["Key"], found["Size"], found["ETag"].strip('"'), _utc(found["LastModified"]))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
