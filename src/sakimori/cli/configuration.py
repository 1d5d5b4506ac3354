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
    return {name: _texts(name, value) for name, value in _settings().get("detect.placeholders", {}).items()}


def _texts(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, (str, int)) and not isinstance(each, bool) for each in values):
        raise typer.BadParameter(f"{name} in [detect.placeholders] of sakimori.toml is not a list of texts")
    return [str(each) for each in values]


def _settings() -> dict[str, dict[str, Any]]:
    """The file's settings, each a table, by name; a name that is not in SETTINGS is refused, for it may be a slip."""
    found: dict[str, dict[str, Any]] = {}
    for room, tables in _read().items():
        for key, table in tables.items() if isinstance(tables, dict) else [("", None)]:
            name = f"{room}.{key}".rstrip(".")
            if name not in SETTINGS:
                raise typer.BadParameter(f"sakimori.toml has no setting {name}: it may have {', '.join(SETTINGS)}")
            if not isinstance(table, dict):
                raise typer.BadParameter(f"[{name}] in sakimori.toml is not a table")
            found[name] = table
    return found


def _read() -> dict[str, Any]:
    for place in (Path("sakimori.toml"), home() / "sakimori.toml"):
        try:
            return tomllib.loads(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise typer.BadParameter(f"{place} cannot be read: {error.strerror}") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise typer.BadParameter(f"{place} is not TOML: {error}") from None
    return {}
