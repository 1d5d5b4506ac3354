"""The time zones of quiet hours, which go with the function: what Lambda runs on may have no time zone database."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

FOLDER = "zoneinfo"
"""Beside the function's settings."""


def zones(names: Iterable[str]) -> dict[str, bytes]:
    """Path beside the settings -> the zone (RFC 8536), of these and of UTC."""
    found = {f"{FOLDER}/{name}": _zone(name) for name in sorted({*names, "UTC"})}
    return {path: body for path, body in found.items() if body}


def _zone(name: str) -> bytes:
    """A zone as this machine knows it, or the package `tzdata`; empty where neither does."""
    for root in zoneinfo.TZPATH:
        place = Path(root, name)
        if place.is_file():
            return place.read_bytes()
    try:
        return resources.files("tzdata").joinpath("zoneinfo", name).read_bytes()
    except (ModuleNotFoundError, OSError):
        return b""


def known(folder: Path) -> None:
    """From now on the zones that went with the function are known, as well as those of the machine."""
    zoneinfo.reset_tzpath([*zoneinfo.TZPATH, str(folder.absolute() / FOLDER)])
