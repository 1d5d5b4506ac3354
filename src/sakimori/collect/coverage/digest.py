"""One CloudTrail digest file: what it says, and whether CloudTrail said it.

Sources: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log
file integrity validation"; where they leave room, what the AWS CLI's `cloudtrail validate-logs` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from sakimori.collect.coverage.bucket import Bucket
from sakimori.collect.coverage.content import hash_gzip

SIGNATURE_ALGORITHM = "SHA256withRSA"
HASH_ALGORITHM = "SHA-256"

MAX_DIGEST_BYTES = 64 << 20
"""A digest that unpacks to more is refused: it would list over 100,000 log files of one hour, account and region."""


class DigestError(Exception):
    """A digest cannot be trusted, and why; the text follows the digest's key in a report."""


@dataclass(frozen=True, slots=True)
class LogFileEntry:
    """One log file that a digest lists: where it lies and the SHA-256, in hex, of its uncompressed content."""

    bucket: str
    key: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PreviousDigest:
    """What a digest records of the one before it in its chain."""

    bucket: str
    key: str
    sha256: str
    signature: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest file. `start` and `end` bound the time of delivery of the files it lists.

    `sha256` is the hash of its own uncompressed content. `previous` is None in the first digest after validation was
    switched on. `signature` is hex from the object's metadata, or "" where the store keeps no metadata. `end_text` is
    the end as CloudTrail signed it.
    """

    bucket: str
    key: str
    start: datetime
    end: datetime
    end_text: str
    fingerprint: str
    previous: PreviousDigest | None
    files: tuple[LogFileEntry, ...]
    sha256: str
    signature: str


def read_digest(bucket: Bucket, key: str) -> Digest:
    """Reads and parses the digest at `key` (relative to the bucket's root); checks neither its place nor its signature.

    Raises DigestError for one that is not as CloudTrail writes it, BucketError where it cannot be read.
    """
    text = bytearray()

    def keep(piece: bytes) -> None:
        if len(text) + len(piece) > MAX_DIGEST_BYTES:
            raise DigestError(f"unpacks to more than {MAX_DIGEST_BYTES >> 20} MiB")
        text.extend(piece)

    with bucket.open(key) as opened:
        metadata = opened.metadata
        hashes = hash_gzip(opened.stream, keep)
    if hashes.reason:
        raise DigestError(hashes.reason)
    return parse_digest(bytes(text), sha256=hashes.content, signature=_signature(metadata))


def parse_digest(text: bytes, *, sha256: str, signature: str) -> Digest:
    """The digest that `text` (uncompressed JSON) holds. Raises DigestError, naming the field that is wrong."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise DigestError(f"is not JSON: {error}") from None
    algorithm = found.get("digestSignatureAlgorithm", SIGNATURE_ALGORITHM)
    if algorithm != SIGNATURE_ALGORITHM:
        raise DigestError(f"names the signature algorithm {algorithm!r}: only {SIGNATURE_ALGORITHM} is known")
    files = found.get("logFiles")
    if not isinstance(files, list):
        raise DigestError("has no list logFiles")
    return Digest(
        bucket=_text(found, "digestS3Bucket"),
        key=_text(found, "digestS3Object"),
        start=_time(found, "digestStartTime"),
        end=_time(found, "digestEndTime"),
        end_text=_text(found, "digestEndTime"),
        fingerprint=_text(found, "digestPublicKeyFingerprint"),
        previous=_previous(found),
        files=tuple(_entry(item) for item in files),
        sha256=sha256,
        signature=signature,
    )


def signing_string(digest: Digest) -> bytes:
    """What CloudTrail signs: end time, place, hash of the uncompressed digest, and the previous digest's signature.

    A digest with no previous one has the word `null` there, as the AWS CLI does.
    """
    previous = digest.previous.signature if digest.previous else "null"
    return f"{digest.end_text}\n{digest.bucket}/{digest.key}\n{digest.sha256}\n{previous}".encode()


def verify_signature(digest: Digest, keys: Mapping[str, RSAPublicKey], signature: str) -> None:
    """Raises DigestError unless `signature` (hex) is CloudTrail's own under the key that the digest names."""
    key = keys.get(digest.fingerprint)
    if key is None:
        raise DigestError(f"is signed with the key {digest.fingerprint}, which is not among CloudTrail's public keys")
    try:
        key.verify(bytes.fromhex(signature), signing_string(digest), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        raise DigestError("has a signature that does not match its content") from None


def in_its_place(bucket: Bucket, key: str, digest: Digest) -> bool:
    """Whether the digest read from `key` says that it was delivered there: a copy elsewhere could stand in for another.

    A mirror knows neither its bucket nor the prefix before `AWSLogs/`; the signature covers both.
    """
    if bucket.name == "":
        return digest.key == key or digest.key.endswith("/" + key)
    return digest.bucket == bucket.name and digest.key == bucket.full_key(key)


def _signature(metadata: Mapping[str, str] | None) -> str:
    if metadata is None:
        return ""
    signature, algorithm = metadata.get("signature", ""), metadata.get("signature-algorithm", "")
    if not signature or not algorithm:
        raise DigestError("has lost the signature in its object metadata")
    if algorithm != SIGNATURE_ALGORITHM:
        raise DigestError(f"has the signature algorithm {algorithm!r}: only {SIGNATURE_ALGORITHM} is known")
    return signature


def _previous(found: Mapping[str, Any]) -> PreviousDigest | None:
    names = ("previousDigestS3Bucket", "previousDigestS3Object", "previousDigestHashValue", "previousDigestSignature")
    if all(found.get(name) is None for name in names):
        return None
    algorithm = found.get("previousDigestHashAlgorithm", HASH_ALGORITHM)
    if algorithm != HASH_ALGORITHM:
        raise DigestError(f"names the hash algorithm {algorithm!r}: only {HASH_ALGORITHM} is known")
    bucket, key, sha256, signature = (_text(found, name) for name in names)
    return PreviousDigest(bucket, key, sha256.lower(), signature)


def _entry(item: object) -> LogFileEntry:
    if not isinstance(item, dict):
        raise DigestError("has an entry in logFiles that is not an object")
    algorithm = item.get("hashAlgorithm", HASH_ALGORITHM)
    if algorithm != HASH_ALGORITHM:
        raise DigestError(f"names the hash algorithm {algorithm!r}: only {HASH_ALGORITHM} is known")
    return LogFileEntry(_text(item, "s3Bucket"), _text(item, "s3Object"), _text(item, "hashValue").lower())


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise DigestError(f"has no text in {name}")
    return value


def _time(found: Mapping[str, Any], name: str) -> datetime:
    text = _text(found, name)
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise DigestError(f"has {text!r} in {name}, which is not a time in UTC") from None
