"""One digest: parsing, the signing string, signatures, and the hashes behind them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from datetime import UTC, datetime

import pytest

from sakimori.collect.coverage import content
from sakimori.collect.coverage.content import hash_gzip
from sakimori.collect.coverage.digest import (
    Digest,
    DigestError,
    parse_digest,
    read_digest,
    signing_string,
    verify_signature,
)
from sakimori.simulate.buckets import MemoryBucket, StoredObject
from sakimori.simulate.trail import TrailPlan, deliver_trail, make_signing_key

KEY = make_signing_key()
PUBLIC = {KEY.fingerprint: KEY.private.public_key()}
START = datetime(2026, 11, 20, 8, 3, 11, tzinfo=UTC)


def a_trail(hours: int = 2) -> tuple[MemoryBucket, list[str]]:
    trail = deliver_trail(TrailPlan("trail-bucket", START, hours), KEY)
    bucket = MemoryBucket("trail-bucket")
    trail.write_to(bucket)
    return bucket, [digest.key for digest in trail.digests]


def digest_text(**changes: object) -> bytes:
    """A first digest with one log file, as the AWS page lays it out."""
    return json.dumps(
        {
            "awsAccountId": "111122223333",
            "digestStartTime": "2026-11-20T08:03:11Z",
            "digestEndTime": "2026-11-20T09:03:11Z",
            "digestS3Bucket": "b",
            "digestS3Object": "AWSLogs/d.json.gz",
            "digestPublicKeyFingerprint": "f",
            "digestSignatureAlgorithm": "SHA256withRSA",
            "previousDigestS3Bucket": None,
            "previousDigestS3Object": None,
            "previousDigestHashValue": None,
            "previousDigestHashAlgorithm": None,
            "previousDigestSignature": None,
            "logFiles": [{"s3Bucket": "b", "s3Object": "k", "hashValue": "AB", "hashAlgorithm": "SHA-256"}],
        }
        | changes
    ).encode()


def parsed(**changes: object) -> Digest:
    return parse_digest(digest_text(**changes), sha256="00ff", signature="")


def test_first_digest_is_signed_with_the_word_null() -> None:
    assert signing_string(parsed()) == b"2026-11-20T09:03:11Z\nb/AWSLogs/d.json.gz\n00ff\nnull"


def test_later_digest_is_signed_with_the_previous_signature() -> None:
    previous = {
        "previousDigestS3Bucket": "b",
        "previousDigestS3Object": "p",
        "previousDigestHashValue": "AA",
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": "beef",
    }
    digest = parsed(**previous)
    assert signing_string(digest).endswith(b"\n00ff\nbeef")
    assert digest.previous is not None
    assert digest.previous.sha256 == "aa"


def test_empty_digest_lists_nothing() -> None:
    assert parsed(logFiles=[]).files == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"logFiles": None}, "no list logFiles"),
        ({"logFiles": ["x"]}, "not an object"),
        ({"logFiles": [{"s3Bucket": "b", "s3Object": "k", "hashValue": "x", "hashAlgorithm": "MD5"}]}, "MD5"),
        ({"digestEndTime": "yesterday"}, "yesterday"),
        ({"digestEndTime": 7}, "digestEndTime"),
        ({"digestS3Object": None}, "digestS3Object"),
        ({"digestSignatureAlgorithm": "SHA1withRSA"}, "SHA1withRSA"),
        ({"previousDigestS3Object": "p"}, "hash algorithm None"),
    ],
)
def test_a_digest_unlike_cloudtrails_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(DigestError, match=reason):
        parsed(**changes)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_a_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(DigestError):
        parse_digest(text, sha256="", signature="")


def test_a_signature_holds_only_for_its_own_content_and_key() -> None:
    bucket, keys = a_trail()
    first, second = (read_digest(bucket, key) for key in keys)
    verify_signature(first, PUBLIC, first.signature)
    verify_signature(second, PUBLIC, second.signature)
    with pytest.raises(DigestError, match="does not match"):
        verify_signature(first, PUBLIC, second.signature)
    with pytest.raises(DigestError, match="does not match"):
        verify_signature(first, PUBLIC, "not hex")
    with pytest.raises(DigestError, match="not among"):
        verify_signature(first, {}, first.signature)


@pytest.mark.parametrize("metadata", [{}, {"signature": "00"}, {"signature": "00", "signature-algorithm": "none"}])
def test_lost_or_foreign_signature_metadata_is_refused(metadata: dict[str, str]) -> None:
    bucket, keys = a_trail(1)
    stored = bucket.get(keys[0])
    bucket.put(keys[0], StoredObject(stored.body, metadata, stored.written))
    with pytest.raises(DigestError, match="signature"):
        read_digest(bucket, keys[0])


def test_hashes_are_of_the_content_and_of_the_object() -> None:
    text = b"x" * 1_000_000
    body = gzip.compress(text)
    pieces: list[bytes] = []
    found = hash_gzip(io.BytesIO(body), pieces.append)
    assert found.content == hashlib.sha256(text).hexdigest()
    assert found.delivered == hashlib.sha256(body).hexdigest()
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= content.CHUNK


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "cut short"),
        (gzip.compress(b"abc" * 1000, mtime=0)[:-1], "cut short"),
        (gzip.compress(b"abc", mtime=0) + b"\0", "after the end"),
        (gzip.compress(b"abc", mtime=0) + gzip.compress(b"def", mtime=0), "after the end"),
        (b'{"Records": []}', "not valid gzip"),
    ],
)
def test_only_one_whole_gzip_member_has_a_content_hash(body: bytes, reason: str) -> None:
    found = hash_gzip(io.BytesIO(body))
    assert found.content == ""
    assert reason in found.reason
    assert found.delivered == hashlib.sha256(body).hexdigest()


def test_a_bomb_is_given_up_before_it_fills_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MAX_CONTENT_BYTES", 1 << 20)
    found = hash_gzip(io.BytesIO(gzip.compress(b"\0" * (8 << 20))))
    assert "unpacks to more" in found.reason
