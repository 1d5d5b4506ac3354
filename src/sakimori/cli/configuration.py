"""`sakimori.toml`: in the current folder, else in SAKIMORI_HOME. Environment variables and flags win over it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import typer

from sakimori.cli.home import home

SETTINGS = {"detect.placeholders": "Values for %placeholders% in rules: a table, name = list of texts."}
"""Every setting that the file may hold, with what it means."""


def placeholders() -> dict[str, list[str]]:
    """`[detect.placeholders]`: what `%name%` in a rule with the `expand` modifier stands for."""
    found = _read().get("detect", {}).get("placeholders", {})
    if not isinstance(found, dict):
        raise typer.BadParameter("[detect.placeholders] in sakimori.toml is not a table")
    return {
        name: [str(each) for each in (value if isinstance(value, list) else [value])] for name, value in found.items()
    }


def _read() -> dict[str, Any]:
    for place in (Path("sakimori.toml"), home() / "sakimori.toml"):
        try:
            return tomllib.loads(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise typer.BadParameter(f"{place} cannot be used: {error}") from None
    return {}
