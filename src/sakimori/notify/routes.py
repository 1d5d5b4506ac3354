"""Routes: who is told what, by which channel.

[notify.routes.team]
channel = "slack"
url_env = "SLACK_URL"            # the environment variable that holds it; or url = "https://..."
min_severity = "medium"          # all from here up; default: high
accounts = ["111122223333"]      # default: all
workflows = ["guardduty"]        # default: all, and findings too
language = "ja"                  # default: en
person = "Kaede"                 # who is responsible, named in the message
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from sakimori.model.severity import Severity
from sakimori.notify import channels
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import LANGUAGES, Message


@dataclass(frozen=True, slots=True)
class Route:
    """A route. `settings` are the channel's own."""

    name: str
    channel: str
    min_severity: Severity = Severity.HIGH
    accounts: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    language: str = "en"
    person: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, message: Message) -> bool:
        """Whether the message goes this way."""
        if message.severity < self.min_severity or (self.accounts and message.account not in self.accounts):
            return False
        return not self.workflows or message.facts.get("workflow", "") in self.workflows


def channel_names() -> list[str]:
    """Every channel's name."""
    return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(channels.__path__))


def channel(name: str) -> ModuleType:
    """The channel of this name. Raises NotifyError."""
    if name not in channel_names():
        raise NotifyError(f"no channel has the name {name!r}: there are {', '.join(channel_names())}")
    return importlib.import_module(f"{channels.__name__}.{name.replace('-', '_')}")


def routes(settings: Mapping[str, Any]) -> list[Route]:
    """The routes that `[notify.routes]` sets. Raises NotifyError for what cannot be meant so."""
    return [_route(name, given) for name, given in settings.items()]


def _route(name: str, given: Any) -> Route:
    where = f"[notify.routes.{name}]"
    if not isinstance(given, Mapping):
        raise NotifyError(f"{where} is no table")
    left = dict(given)
    module = channel(str(left.pop("channel", "")))
    level = str(left.pop("min_severity", "high")).upper()
    language = left.pop("language", "en")
    if level not in Severity.__members__ or language not in LANGUAGES:
        known = f"min_severity is one of {', '.join(Severity.__members__).lower()}, language of {', '.join(LANGUAGES)}"
        raise NotifyError(f"{where}: {known}")
    lists = {part: left.pop(part, []) for part in ("accounts", "workflows")}
    if not all(isinstance(each, list) for each in lists.values()):
        raise NotifyError(f"{where}: accounts and workflows are lists")
    person = str(left.pop("person", ""))
    own = {part.removesuffix("_env"): _value(where, part, value) for part, value in left.items()}
    unknown = sorted(own.keys() - set(module.SETTINGS))
    missing = sorted(part for part, needed in module.SETTINGS.items() if needed and not own.get(part))
    if unknown or missing:
        said = f"has no setting {unknown[0]}" if unknown else f"needs {missing[0]} (or {missing[0]}_env)"
        raise NotifyError(f"{where}: the channel {given.get('channel')} {said}")
    spelt = {part: tuple(map(str, each)) for part, each in lists.items()}
    return Route(name, str(given["channel"]), Severity[level], **spelt, language=language, person=person, settings=own)


def _value(where: str, part: str, value: Any) -> Any:
    if not part.endswith("_env"):
        return value
    found = os.environ.get(str(value), "")
    if not found:
        raise NotifyError(f"{where}: the environment variable {value} is not set")
    return found
