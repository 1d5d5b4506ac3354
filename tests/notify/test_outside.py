"""Requests to addresses that users set: which are refused, where they really go, and what is made of bad answers."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from servers import http

from sakimori.notify import outside
from sakimori.notify.errors import NotifyError
from sakimori.notify.outside import Trust, ask, checked, wait_of

HOST = "hooks.example.test"
PUBLIC = "93.184.216.34"


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """What names lead to, one answer a look-up, the last again and again; gives the list of what was looked up."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(2, 1, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(outside.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    ("url", "private", "reason"),
    [
        ("http://127.0.0.1/", False, "not an https"),
        ("https://127.0.0.1/", False, "private network"),
        ("https://2130706433/", False, "private network|has no address|no URL"),
        ("https://0x7f.1/", False, "private network|has no address|no URL"),
        ("https://[::1]/", False, "private network"),
        ("https://[::ffff:127.0.0.1]/", False, "private network"),
        ("https://[64:ff9b::7f00:1]/", False, "private network"),
        ("https://[2002:7f00:1::]/", False, "private network"),
        ("https://10.0.0.1/", False, "private network"),
        ("https://100.64.0.1/", False, "private network"),
        ("https://0.0.0.0/", True, "never meant"),
        ("http://169.254.169.254/latest/meta-data", True, "never meant"),
        ("http://169.254.170.2/v2/credentials", True, "never meant"),
        ("http://[::ffff:169.254.169.254]/", True, "never meant"),
        ("http://[64:ff9b::a9fe:a9fe]/", True, "never meant"),
        ("http://[fd00:ec2::254]/", True, "never meant"),
        ("http://[fe80::1]/", True, "never meant"),
        ("file:///etc/passwd", True, "not an https"),
        ("gopher://127.0.0.1/", True, "not an https"),
        ("https://", False, "not an https"),
        ("https://x:port/", False, "no URL"),
        ("https://user:secret@x.example/", False, "a name or a password"),
        ("https://no-such-host.invalid/", False, "has no address"),
    ],
)
def test_addresses_that_are_not_meant_are_refused(url: str, private: bool, reason: str) -> None:
    with pytest.raises(NotifyError, match=reason) as refused:
        checked(url, private=private)
    assert "secret" not in str(refused.value)


@given(st.ip_addresses(v=4))
def test_what_is_written_in_an_ipv6_address_is_looked_at(address: ipaddress.IPv4Address) -> None:
    """However an IPv4 address is written, the answer is the same."""
    number = int(address)
    ways = [str(address), f"::ffff:{address}", str(ipaddress.IPv6Address((0x64FF9B << 96) | number))]

    def verdict(text: str) -> bool:
        try:
            outside._check_address("x", text, private=False)
        except NotifyError:
            return False
        return True

    assert {verdict(way) for way in ways[1:]} == {verdict(ways[0])}


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, [PUBLIC, "10.0.0.1"])
    with pytest.raises(NotifyError, match="private network"):
        checked(f"https://{HOST}/", private=False)


def test_a_name_that_leads_elsewhere_the_next_time_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the name is looked up once, and the address that was checked is connected to."""
    asked = resolves(monkeypatch, [PUBLIC], ["127.0.0.1"])
    connected: list[Any] = []

    def connect(address: Any, *_: object, **__: object) -> socket.socket:
        connected.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotifyError, match=f"{HOST} \\({PUBLIC}\\) cannot be reached") as failed:
        ask("POST", f"https://{HOST}/hook/secret")
    assert (asked, connected) == ([HOST], [(PUBLIC, 443)])
    assert failed.value.passing
    assert "secret" not in str(failed.value)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of HOST that is its own CA, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder


@pytest.fixture
def tls(certificates: Path) -> Iterator[tuple[int, list[str]]]:
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_port, hosts
    server.shutdown()
    server.server_close()
    thread.join()


def test_tls_speaks_to_the_name_and_asks_for_its_certificate(
    tls: tuple[int, list[str]], certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, hosts = tls
    resolves(monkeypatch, ["127.0.0.1"])
    trust = Trust(private=True, ca=str(certificates / "cert.pem"))
    assert ask("GET", f"https://{HOST}:{port}/", trust=trust).body == b"ok"
    assert hosts == [f"{HOST}:{port}"]
    with pytest.raises(NotifyError, match="certificate is not trusted") as wrong_name:
        ask("GET", f"https://other.example.test:{port}/", trust=trust)
    assert wrong_name.value.passing
    with pytest.raises(NotifyError, match="certificate is not trusted"):
        ask("GET", f"https://{HOST}:{port}/", trust=Trust(private=True))
    with pytest.raises(NotifyError, match=r"CA's certificate .* cannot be read"):
        ask("GET", f"https://{HOST}:{port}/", trust=Trust(private=True, ca="/no/such/file.pem"))


@pytest.mark.parametrize(("status", "passing"), [(302, False), (400, False), (404, False), (429, True), (503, True)])
def test_bad_answers(status: int, passing: bool) -> None:
    with http() as got:
        got.status = status
        got.location = "http://127.0.0.1:1/" if status == 302 else ""
        with pytest.raises(NotifyError, match=f"answered {status}") as refused:
            ask("POST", got.address, content=b"{}", trust=Trust(private=True))
    assert (refused.value.passing, refused.value.status) == (passing, status)


def test_a_server_that_is_slow_or_gone_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "SECONDS", 0.2)
    with http() as got:
        got.seconds = 1.0
        with pytest.raises(NotifyError, match="no whole answer in time"):
            ask("POST", got.address, content=b"{}", trust=Trust(private=True))
        address = got.address
    with pytest.raises(NotifyError, match="no connection"):
        ask("POST", address, content=b"{}", trust=Trust(private=True))


@pytest.mark.parametrize("endless", [b"x" * 4096, b"x"])
def test_an_answer_without_an_end_is_cut_off(endless: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "LONGEST", 0.5 if len(endless) == 1 else 30.0)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(endless)
                threading.Event().wait(0.0 if len(endless) > 1 else 0.05)
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    began, url = time.monotonic(), f"http://127.0.0.1:{listener.getsockname()[1]}/"
    if len(endless) > 1:
        assert len(ask("GET", url, trust=Trust(private=True)).body) == outside.LARGEST
    else:
        with pytest.raises(NotifyError, match="no whole answer in time"):
            ask("GET", url, trust=Trust(private=True))
    assert time.monotonic() - began < 20
    listener.close()
    thread.join(timeout=5)


NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "30"}, 30),
        ({"retry-after": "Wed, 25 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry-after": "Wed, 25 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "9" * 400}, 0),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 45), "x-ratelimit-remaining": "0"}, 45),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 45), "x-ratelimit-remaining": "9"}, 0),
        ({"x-ratelimit-reset": "2026-11-25T12:02Z"}, 120),
        ({"x-ratelimit-reset": "2026-11-25T12:02Z", "retry-after": "200"}, 200),
    ],
)
def test_how_long_the_other_side_wants_us_to_stay_away(headers: dict[str, str], seconds: int) -> None:
    assert wait_of(headers, NOW) == pytest.approx(seconds)


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-reset", "x-ratelimit-remaining"]), st.text(max_size=40)
    )
)
def test_whatever_the_headers_say_it_is_a_number(headers: dict[str, str]) -> None:
    assert wait_of(headers, NOW) >= 0
