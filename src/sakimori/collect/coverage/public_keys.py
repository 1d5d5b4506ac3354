"""The public keys that CloudTrail's digests are checked with, by fingerprint.

A fingerprint is the MD5 of the key's DER encoding as ListPublicKeys gives it (checked against the samples in the AWS
CloudTrail User Guide, "Custom implementations of CloudTrail log file integrity validation"): PKCS #1 today, and
SubjectPublicKeyInfo in one of those samples, so a key is entered under both.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from sakimori.aws.errors import AwsError, asking

IAM_ACTIONS = ("cloudtrail:ListPublicKeys",)

PublicKeys = Mapping[str, RSAPublicKey]
"""Keys by fingerprint."""

KeySource = Callable[[str, datetime, datetime], PublicKeys]
"""`keys_for(region, start, end)`: the keys that signed digests of that region between those times. CloudTrail has its
own in each region. Raises PublicKeyError."""

KEY_MARGIN = timedelta(hours=2)
"""Asked for beyond both ends of the time range: keys rotate, and a digest is signed after the hour it covers (the AWS
CLI adds two hours for the same reason)."""


class PublicKeyError(Exception):
    """The public keys cannot be had: says where from, why and what to do."""


def fingerprints(key: RSAPublicKey) -> tuple[str, str]:
    """The fingerprints that CloudTrail may know `key` by: of its PKCS #1 and of its SubjectPublicKeyInfo form."""
    forms = (PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo)
    first, second = (
        hashlib.md5(key.public_bytes(Encoding.DER, form), usedforsecurity=False).hexdigest() for form in forms
    )
    return first, second


def keys_from_cloudtrail(client_for: Callable[[str], Any]) -> KeySource:
    """Keys through cloudtrail:ListPublicKeys; `client_for(region)` gives a boto3 client or raises AwsError."""

    def keys_for(region: str, start: datetime, end: datetime) -> PublicKeys:
        newest = min(end + KEY_MARGIN, datetime.now(UTC))
        request: dict[str, Any] = {"StartTime": min(start - KEY_MARGIN, newest), "EndTime": newest}
        values: list[bytes] = []
        try:
            client = client_for(region)
            with asking(IAM_ACTIONS[0], region):
                while True:
                    page = client.list_public_keys(**request)
                    values += [entry["Value"] for entry in page.get("PublicKeyList", ())]
                    if not page.get("NextToken"):
                        break
                    request["NextToken"] = page["NextToken"]
        except AwsError as error:
            raise PublicKeyError(f"{error}; or give the keys with --public-key FILE") from error
        return _by_fingerprint(_der_key(value) for value in values)

    return keys_for


def keys_from_file(path: Path) -> KeySource:
    """Keys from a file, for every region: what `aws cloudtrail list-public-keys` prints, or one or more PEM keys.

    Raises PublicKeyError if the file cannot be read or holds no RSA public key.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PublicKeyError(f"{path}: cannot be read: {error.strerror}: give a readable file") from error
    try:
        keys = _by_fingerprint(_pem_keys(text) if b"-----BEGIN" in text else _listed_keys(text))
    except (ValueError, TypeError, KeyError, binascii.Error, UnsupportedAlgorithm) as error:
        raise PublicKeyError(
            f"{path}: holds no RSA public key ({error}): give PEM, or what `aws cloudtrail list-public-keys` prints"
        ) from error
    if not keys:
        raise PublicKeyError(f"{path}: holds no public key: list them for the time of the digests")
    return lambda region, start, end: keys


def _pem_keys(text: bytes) -> Iterable[RSAPublicKey]:
    end = b"-----END"
    for part in text.split(b"-----BEGIN")[1:]:
        body, _, tail = part.partition(end)
        yield _rsa(load_pem_public_key(b"-----BEGIN" + body + end + tail.split(b"\n")[0] + b"\n"))


def _listed_keys(text: bytes) -> Iterable[RSAPublicKey]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("not a JSON object")
    entries = found.get("PublicKeyList", ())
    return [_der_key(base64.b64decode(entry["Value"], validate=True)) for entry in entries]


def _der_key(value: bytes) -> RSAPublicKey:
    return _rsa(load_der_public_key(value))


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def _by_fingerprint(keys: Iterable[RSAPublicKey]) -> dict[str, RSAPublicKey]:
    return {fingerprint: key for key in keys for fingerprint in fingerprints(key)}
