"""The routes of sakimori.toml that go with the function, beside its topic: who else is told of what it did.

Nothing secret goes with it: what a route names with `NAME_env` is taken from a secret of Secrets Manager, which holds a
JSON object {"SLACK_URL": "https://..."}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sakimori.notify import routes as routing
from sakimori.notify.errors import NotifyError
from sakimori.notify.routes import Route

SECRET = {"slack": {"url"}, "teams": {"url"}}
ALWAYS_SECRET = {"password", "secret", "token"}
IN_THE_POLICY = {"topic", "bus", "region"}
OF_THIS_MACHINE = {"ca"}

Settings = Mapping[str, Mapping[str, Any]]


def carried(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The routes that go: those of channels that take messages one by one. Raises NotifyError where one cannot be meant
    so, or cannot go."""
    found: dict[str, dict[str, Any]] = {}
    for route in named(settings):
        given = settings[route.name]
        for part, value in given.items():
            if why := _cannot_go(route.channel, part, value):
                raise NotifyError(f"[notify.routes.{route.name}]: {part} {why}")
        if hasattr(routing.channel(route.channel), "send"):
            found[route.name] = dict(given)
    for name, given in found.items():
        if (target := given.get("escalate_to")) and target not in found:
            raise NotifyError(f"[notify.routes.{name}]: escalate_to is {target!r}, which takes findings, and no runs")
    return found


def _cannot_go(channel: str, part: str, value: Any) -> str:
    """Why a setting cannot go with the function; "" if it can."""
    name = part.removesuffix("_env")
    if name in OF_THIS_MACHINE:
        return f"is a file of this machine, which the function has not: {value!r}"
    if name != part and name in IN_THE_POLICY:
        return f"is part of what the function's role may do: give {name} itself"
    if name == part and name in ALWAYS_SECRET | SECRET.get(channel, set()):
        return f"is secret: give {name}_env, and its value in the secret of --notify-secret"
    return ""


def opened(settings: Settings, secret: str) -> tuple[list[Route], dict[str, str]]:
    """The routes with what the secret holds, and of those that cannot be used for now: name -> why."""
    values, why = _values(secret)
    lacking: dict[str, str] = {}
    for name, given in settings.items():
        missing = sorted(str(value) for part, value in given.items() if part.endswith("_env") and value not in values)
        if missing:
            lacking[name] = why or f"the secret has no {', '.join(missing)}"
    return routing.routes(_filled(settings, values)), lacking


def _values(secret: str) -> tuple[dict[str, str], str]:
    """What the secret holds, and why it holds nothing."""
    try:
        found = json.loads(secret)
    except (ValueError, RecursionError):
        return {}, "the secret is no JSON"
    if not isinstance(found, dict):
        return {}, "the secret is no JSON object"
    return {name: value for name, value in found.items() if isinstance(value, str) and value}, ""


def _filled(settings: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The settings with values in the places of their names; where there is none, something that is not used."""

    def filled(given: Mapping[str, Any]) -> dict[str, Any]:
        named = {part: values.get(str(value), "-") for part, value in given.items() if part.endswith("_env")}
        own = {part: value for part, value in given.items() if part not in named}
        return own | {part.removesuffix("_env"): value for part, value in named.items()}

    return {name: filled(given) if isinstance(given, Mapping) else given for name, given in settings.items()}


def named(settings: Settings) -> list[Route]:
    """The routes as far as the settings say them: with nothing secret."""
    return routing.routes(_filled(settings, {}))
