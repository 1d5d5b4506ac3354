"""Serves a manager over HTTPS until it is told to stop."""

from __future__ import annotations

import gc
import ipaddress
import ssl
import sys

import uvicorn

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


def serve(manager: Manager, host: str, port: int, identity: Identity | None) -> None:
    """Serves until SIGINT or SIGTERM. Without an identity it speaks plain HTTP."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not walk over it while somebody waits
    config = uvicorn.Config(
        application(manager),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,  # longer than agents' heart-beats are apart, so that their connections last
        ssl_certfile=str(identity.certificate) if identity else None,
        ssl_keyfile=str(identity.key) if identity else None,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    uvicorn.Server(config).run()
