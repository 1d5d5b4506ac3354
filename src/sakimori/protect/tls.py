"""TLS: a certificate authority of the manager's own, made on first start, or a certificate that is given.

The authority's certificate (`ca.pem`) is what clients and agents must trust. It signs a server certificate for the
names and addresses that the manager is reached by; that is renewed by itself when it ends or when a name comes new.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3_650
SERVER_DAYS = 397
"""The longest that browsers accept."""

RENEW_BEFORE = timedelta(days=30)


class CertificateError(Exception):
    """A certificate cannot be made or used; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the manager shows to clients. `ca` is the authority to trust, None where the certificate was given."""

    certificate: Path
    key: Path
    ca: Path | None


def given(certificate: Path, key: Path) -> Identity:
    """A certificate (with its chain) and key from files. Raises CertificateError."""
    for place, what in ((certificate, "certificate"), (key, "private key")):
        if not place.is_file():
            raise CertificateError(f"the {what} {place} is not there: give the path of a PEM file")
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as error:
        raise CertificateError(f"{certificate} and {key} must be a PEM certificate and its key: {error}") from error
    if private.public_key() != chain[0].public_key():
        raise CertificateError(f"{key} is not the key of {certificate}")
    if chain[0].not_valid_after_utc < datetime.now(UTC):
        raise CertificateError(f"{certificate} ended on {chain[0].not_valid_after_utc:%Y-%m-%d}: renew it")
    return Identity(certificate, key, None)


def own(folder: Path, names: list[str]) -> Identity:
    """The manager's own certificate for these names, made where it is not there. Raises CertificateError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ca, ca_key = _authority(folder)
        certificate, key = folder / "server.pem", folder / "server.key"
        if not _still_good(certificate, key, ca, names):
            _issue(certificate, key, ca, ca_key, names)
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"no certificate can be made in {folder}: {error}; remove what is damaged there"
        ) from error
    return Identity(certificate, key, folder / "ca.pem")


def usual_names() -> list[str]:
    """What this machine is reached by without anybody's help."""
    return list(dict.fromkeys(("localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn())))


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    place, key_place = folder / "ca.pem", folder / "ca.key"
    if place.exists() and key_place.exists():
        key = serialization.load_pem_private_key(key_place.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("ca.key is not a key that Sakimori made")
        return x509.load_pem_x509_certificate(place.read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sakimori workload protection manager CA")])
    certificate = (
        _builder(name, name, key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_place, _pem(key), 0o600)
    _write(place, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return certificate, key


def _still_good(place: Path, key: Path, ca: x509.Certificate, names: list[str]) -> bool:
    if not place.exists() or not key.exists():
        return False
    certificate = x509.load_pem_x509_certificate(place.read_bytes())
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    held = {str(name.value) for name in alternative}
    fresh = certificate.not_valid_after_utc > datetime.now(UTC) + RENEW_BEFORE
    return fresh and certificate.issuer == ca.subject and {str(_alternative(name).value) for name in names} <= held


def _issue(
    place: Path, key_place: Path, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, names: list[str]
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sakimori workload protection manager")])
    certificate = (
        _builder(name, ca.subject, key.public_key(), SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    _write(key_place, _pem(key), 0o600)
    _write(place, certificate.public_bytes(pem) + ca.public_bytes(pem), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(place: Path, content: bytes, mode: int) -> None:
    """Written aside and renamed: a file is whole, and a key is never readable by others, not for a moment."""
    aside = place.with_suffix(place.suffix + ".part")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    aside.replace(place)
