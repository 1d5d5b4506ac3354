"""Routes: who is told what, by which channel.

[notify.routes.team]
channel = "slack"
url_env = "SLACK_URL"            # the environment variable that holds it; or url = "https://..."
min_severity = "medium"          # all from here up; default: high
accounts = ["111122223333"]      # default: all
tags = ["environment=prod"]      # of the asset, any of these; default: all
owners = ["payments"]            # what the asset's owner tag says, any of these; default: all
workflows = ["guardduty"]        # default: all, and findings too
otherwise = true                 # only what fits no other route
language = "ja"                  # default: en
person = "Kaede"                 # who is responsible where the asset's owner is nobody that [notify.people] knows
acknowledge_minutes = 30         # somebody has to acknowledge within this, else it goes to
escalate_to = "oncall"           # this route
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from sakimori.model.severity import Severity
from sakimori.notify import channels
from sakimori.notify import quiet as quiet_hours
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import LANGUAGES, Message
from sakimori.notify.quiet import Quiet

_LISTS = ("accounts", "tags", "owners", "workflows")
_OWN = ("otherwise", "acknowledge_minutes", "escalate_to", *quiet_hours.SETTINGS)


@dataclass(frozen=True, slots=True)
class Route:
    """A route. `settings` are the channel's own; `acknowledge_minutes` is 0 where nobody has to acknowledge."""

    name: str
    channel: str
    min_severity: Severity = Severity.HIGH
    accounts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    otherwise: bool = False
    language: str = "en"
    person: str = ""
    quiet: Quiet = field(default_factory=Quiet)
    acknowledge_minutes: int = 0
    escalate_to: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, message: Message) -> bool:
        """Whether the message goes this way."""
        spelt = {f"{name}={value}" for name, value in message.tags.items()} | set(message.tags)
        return (
            message.severity >= self.min_severity
            and (not self.accounts or message.account in self.accounts)
            and (not self.tags or not spelt.isdisjoint(self.tags))
            and (not self.owners or message.owner in self.owners)
            and (not self.workflows or message.facts.get("workflow", "") in self.workflows)
        )


def fitting(all_routes: list[Route], message: Message) -> list[Route]:
    """The routes that a message goes; those for what fits no other only if it does not."""
    fits = [route for route in all_routes if route.fits(message)]
    return [route for route in fits if not route.otherwise] or fits


def channel_names() -> list[str]:
    """Every channel's name."""
    return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(channels.__path__))


def channel(name: str) -> ModuleType:
    """The channel of this name. Raises NotifyError."""
    if name not in channel_names():
        raise NotifyError(f"no channel has the name {name!r}: there are {', '.join(channel_names())}")
    return importlib.import_module(f"{channels.__name__}.{name.replace('-', '_')}")


def for_people(route: Route) -> bool:
    """Whether people read what is sent there, so that many messages are better one, and none is sent at night."""
    return bool(getattr(channel(route.channel), "PEOPLE", False))


def routes(settings: Mapping[str, Any]) -> list[Route]:
    """The routes that `[notify.routes]` sets. Raises NotifyError for what cannot be meant so."""
    found = [_route(name, given) for name, given in settings.items()]
    _check_escalations({route.name: route for route in found})
    return found


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
    lists = {part: left.pop(part, []) for part in _LISTS}
    if not all(isinstance(each, list) for each in lists.values()):
        raise NotifyError(f"{where}: {', '.join(_LISTS)} are lists")
    person = str(left.pop("person", ""))
    own = {part: left.pop(part) for part in _OWN if part in left}
    route = Route(
        name,
        str(given["channel"]),
        Severity[level],
        otherwise=_yes(where, own.get("otherwise", False)),
        language=language,
        person=person,
        settings=_channel_settings(where, str(given["channel"]), module, left),
    )
    wanted: dict[str, Any] = {part: tuple(map(str, each)) for part, each in lists.items()}
    return replace(route, **wanted, **_times(where, own, people=getattr(module, "PEOPLE", False)))


def _times(where: str, own: Mapping[str, Any], *, people: bool) -> dict[str, Any]:
    """Quiet hours and escalation."""
    minutes, target = own.get("acknowledge_minutes", 0), str(own.get("escalate_to", ""))
    if isinstance(minutes, bool) or not isinstance(minutes, int) or minutes < 0 or bool(minutes) != bool(target):
        raise NotifyError(f"{where}: acknowledge_minutes (a number over 0) and escalate_to (a route) belong together")
    if not people and any(name in own for name in quiet_hours.SETTINGS):
        raise NotifyError(f"{where}: quiet hours are for channels that people read, and this is none")
    return {
        "quiet": quiet_hours.quiet(where, own),
        "acknowledge_minutes": minutes,
        "escalate_to": target,
    }


def _channel_settings(where: str, name: str, module: ModuleType, left: Mapping[str, Any]) -> dict[str, Any]:
    found = {part.removesuffix("_env"): _value(where, part, value) for part, value in left.items()}
    unknown = sorted(found.keys() - set(module.SETTINGS))
    missing = sorted(part for part, needed in module.SETTINGS.items() if needed and not found.get(part))
    if unknown or missing:
        said = f"has no setting {unknown[0]}" if unknown else f"needs {missing[0]} (or {missing[0]}_env)"
        raise NotifyError(f"{where}: the channel {name} {said}")
    return found


def _check_escalations(by_name: Mapping[str, Route]) -> None:
    """Each leads to a route that there is, and none in a circle: every escalation ends."""
    for route in by_name.values():
        seen, at = {route.name}, route
        while at.escalate_to:
            if at.escalate_to not in by_name:
                raise NotifyError(f"[notify.routes.{at.name}]: escalate_to is {at.escalate_to!r}, which is no route")
            if at.escalate_to in seen:
                raise NotifyError(f"[notify.routes.{at.name}]: escalate_to leads back to {at.escalate_to}")
            at = by_name[at.escalate_to]
            seen.add(at.name)


def _yes(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotifyError(f"{where}: otherwise is true or false")
    return value


def _value(where: str, part: str, value: Any) -> Any:
    if not part.endswith("_env"):
        return value
    found = os.environ.get(str(value), "")
    if not found:
        raise NotifyError(f"{where}: the environment variable {value} is not set")
    return found
