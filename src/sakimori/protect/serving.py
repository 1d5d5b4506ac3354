"""Serves a manager over HTTPS until it is told to stop."""

from __future__ import annotations

import errno
import gc
import ipaddress
import socket
import ssl
import sys
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sakimori.protect.app import application
from sakimori.protect.manager import Manager
from sakimori.protect.tls import Identity

DEFAULT_PORT = 4119
"""Where clients of this API look for a manager."""

SWITCH_SECONDS = 0.000_5
"""How long a background thread may keep the interpreter from the event loop, which gives it up at every query."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class CannotListenError(Exception):
    """The address cannot be served at; the message says why and what to do."""


def listening(host: str, port: int, what: str = "the manager") -> socket.socket:
    """A socket that calls arrive at from now on. Raises CannotListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"something listens there already; if it is not {what} itself, choose another port"
        else:
            why = f"{error.strerror or error}; choose another address"
        raise CannotListenError(f"{what} cannot listen on {host} port {port}: {why}") from error


def serve(manager: Manager, calls: socket.socket, identity: Identity | None) -> None:
    """Answers the calls that arrive until SIGINT or SIGTERM. Without an identity it speaks plain HTTP."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not walk over it while somebody waits
    # longer than agents' heart-beats are apart, so that their connections last
    config = configured(application(manager), identity, timeout_keep_alive=75)
    uvicorn.Server(config).run(sockets=[calls])


def configured(inside: ASGIApp, identity: Identity | None, **options: Any) -> uvicorn.Config:
    """How an application is served: without telling what serves it, and over TLS if there is an identity."""
    config = uvicorn.Config(
        inside,
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=str(identity.certificate) if identity else None,
        ssl_keyfile=str(identity.key) if identity else None,
        **options,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config
