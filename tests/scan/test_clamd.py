"""What clamd says of a stream, and what it cannot say: a real one, and one that misbehaves."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clamav import BAD, LONGEST, NAME, clamd, needs_clamd
from sakimori.scan.malware.clamd import PIECE, Clamd, ScannerError, Verdict


@pytest.fixture(scope="module")
def scanner() -> Iterator[Clamd]:
    with clamd() as running:
        yield running


@needs_clamd
@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (b"", ""),
        (b"plain", ""),
        (BAD, NAME),
        (b"x" * 70_000 + BAD, NAME),
        (b"y" * (PIECE - 20) + BAD, NAME),  # over the edge of two pieces
        (BAD[:-1], ""),
    ],
)
def test_a_stream_is_known_wherever_the_text_stands(scanner: Clamd, text: bytes, signature: str) -> None:
    assert scanner.scan(io.BytesIO(text)) == Verdict(signature)


@needs_clamd
def test_what_is_too_long_is_not_evaluated(scanner: Clamd) -> None:
    found = scanner.scan(io.BytesIO(b"z" * (LONGEST * 100)))
    assert found.signature == ""
    assert "INSTREAM size limit exceeded" in found.not_evaluated
    assert scanner.version().startswith("ClamAV ")


def answering(answer: bytes) -> tuple[Clamd, threading.Thread]:
    """A server that says this, whatever it is asked, and hangs up."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer_once() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(1 << 20)
            connection.sendall(answer)

    thread = threading.Thread(target=answer_once)
    thread.start()
    return Clamd(f"127.0.0.1:{server.getsockname()[1]}"), thread


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"stream: OK\0", Verdict()),
        (b"stream: Some.Name-1 FOUND\0", Verdict("Some.Name-1")),
        (b"stream: Can't allocate memory ERROR\0", Verdict(not_evaluated="clamd: Can't allocate memory")),
        (b"", Verdict(not_evaluated="clamd: no answer")),
        (b"HTTP/1.1 400 Bad Request\r\n", Verdict(not_evaluated="clamd: HTTP/1.1 400 Bad Request")),
        (b"\xff\xfe OK\0", Verdict(not_evaluated="clamd: \ufffd\ufffd OK")),
    ],
)
def test_only_a_clear_answer_is_one(answer: bytes, verdict: Verdict) -> None:
    scanner, thread = answering(answer)
    assert scanner.scan(io.BytesIO(b"x")) == verdict
    thread.join()


@pytest.mark.parametrize("address", ["/nowhere/clamd.sock", "127.0.0.1:1"])
def test_a_scanner_that_is_not_there_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(ScannerError, match=rf"clamd at {address} does not answer .*: start it, or name where it is"):
        Clamd(address).scan(io.BytesIO(b"x"))
