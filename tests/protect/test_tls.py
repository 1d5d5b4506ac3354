"""The manager's own certificate: made once, trusted through its authority, renewed when a name comes new."""

from __future__ import annotations

import ssl
import stat
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from served import served

from sakimori.protect import tls


def test_an_authority_is_made_once_and_signs(tmp_path: Path) -> None:
    first = tls.own(tmp_path, ["localhost", "127.0.0.1"])
    assert first.ca is not None
    authority = first.ca.read_bytes()
    certificate = first.certificate.read_bytes()
    assert tls.own(tmp_path, ["localhost"]).certificate.read_bytes() == certificate
    renewed = tls.own(tmp_path, ["localhost", "protect.example"])
    assert renewed.certificate.read_bytes() != certificate
    assert renewed.ca is not None
    assert renewed.ca.read_bytes() == authority
    for key in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / key).stat().st_mode) == 0o600
    leaf = x509.load_pem_x509_certificate(renewed.certificate.read_bytes())
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
    assert leaf.not_valid_after_utc - datetime.now(UTC) < timedelta(days=398)


def test_a_certificate_that_is_given_must_fit_its_key(tmp_path: Path) -> None:
    one, other = tls.own(tmp_path / "one", ["a.example"]), tls.own(tmp_path / "other", ["b.example"])
    assert tls.given(one.certificate, one.key).ca is None
    with pytest.raises(tls.CertificateError, match="is not the key of"):
        tls.given(one.certificate, other.key)
    with pytest.raises(tls.CertificateError, match="is not there"):
        tls.given(tmp_path / "nowhere.pem", one.key)
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(tls.CertificateError, match="must be a PEM certificate"):
        tls.given(tmp_path / "bad.pem", one.key)


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    tls.own(tmp_path, ["localhost"])
    (tmp_path / "ca.key").write_text("damaged")
    with pytest.raises(tls.CertificateError, match="remove what is damaged there"):
        tls.own(tmp_path, ["localhost"])


def test_it_is_on_unless_it_is_switched_off(tmp_path: Path) -> None:
    with served(tmp_path) as manager:
        assert manager.url.startswith("https://")
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(f"{manager.url}/healthz", timeout=10)
        plain = manager.url.replace("https", "http")
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            urllib.request.urlopen(f"{plain}/healthz", timeout=10)
        context = ssl.create_default_context(cafile=manager.ca)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        urllib.request.urlopen(f"{manager.url}/healthz", context=context, timeout=10).close()
    with served(tmp_path, key=manager.key) as again:
        context = ssl.create_default_context(cafile=manager.ca)
        request = urllib.request.Request(f"{again.url}/api/roles", headers={"api-secret-key": manager.key})
        urllib.request.urlopen(request, context=context, timeout=10).close()
