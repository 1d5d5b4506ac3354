"""Servers that messages are sent to: HTTP and SMTP on loopback, which keep what they got."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Got:
    """What a server got; `status` is what it answers. With `silent` it takes what it gets, and hangs up."""

    address: str = ""
    port: int = 0
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    location: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    silent: bool = False
    raw: list[bytes] = field(default_factory=list)


@contextmanager
def http() -> Iterator[Got]:
    got = Got()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            got.raw.append(body)
            got.bodies.append(json.loads(body))
            got.headers.append({name.lower(): value for name, value in self.headers.items()})
            threading.Event().wait(got.seconds)
            if got.silent:
                self.close_connection = True
                return
            self.send_response(got.status)
            for name, value in got.answers.items():
                self.send_header(name, value)
            if got.location:
                self.send_header("Location", got.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    got.address = f"http://127.0.0.1:{server.server_port}/hook/secret"
    with _running(server):
        yield got


@contextmanager
def smtp() -> Iterator[Got]:
    got = Got()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "DATA":
                    self._say("354 go on")
                    got.bodies.append(b"".join(iter(self._line, b".\r\n")).decode())
                    if got.silent:
                        return
                if word == "QUIT":
                    self._say("221 bye")
                    return
                self._say("250 here" if got.status == 200 else "550 no")

        def _line(self) -> bytes:
            return self.rfile.readline()

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    got.address, got.port = "127.0.0.1", server.server_address[1]
    with _running(server):
        yield got


@contextmanager
def _running(server: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
