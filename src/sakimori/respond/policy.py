"""How far workflows may go: the mode of each, and how much they may change in a while.

    [respond.modes]
    default = "observe"
    guardduty = "approve"
    [respond.modes.accounts]
    "111122223333" = "observe"
    [respond.modes.tags]
    "environment=dev" = "auto"

    [respond.limits]
    actions = 20          # a workflow, within the window
    account_actions = 50  # all workflows in one account, within the window
    minutes = 60
    protected = "sakimori:protected"

    [respond.paces.wafv2] # how an API may be called, in each account; see guard.Pace
    rate = 0.5            # calls a second
    burst = 5             # that may come at once

The most particular setting wins: tag, then account, then workflow, then the default; of several tags the most cautious.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sakimori.model.action import Mode
from sakimori.respond.errors import RespondError
from sakimori.respond.guard import PACES, Pace

_CAUTION = list(Mode)


@dataclass(frozen=True, slots=True)
class Limits:
    """Blast radius: changes within `minutes`, by one workflow and in one account. Never what is tagged `protected`."""

    actions: int = 20
    account_actions: int = 50
    minutes: int = 60
    protected: str = "sakimori:protected"


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings."""

    default: Mode = Mode.OBSERVE
    workflows: Mapping[str, Mode] = field(default_factory=dict)
    accounts: Mapping[str, Mode] = field(default_factory=dict)
    tags: Mapping[str, Mode] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    approval_minutes: int = 240

    def mode(self, workflow: str, account: str, tags: Mapping[str, str] | None = None) -> Mode:
        """The mode for a workflow on what has these tags."""
        spelt = {f"{key}={value}" for key, value in (tags or {}).items()} | set(tags or {})
        by_tag = [mode for tag, mode in self.tags.items() if tag in spelt]
        if by_tag:
            return min(by_tag, key=_CAUTION.index)
        return self.accounts.get(account) or self.workflows.get(workflow) or self.default

    def shields(self, tags: Mapping[str, str]) -> bool:
        """Whether what has these tags is never changed. `false`, `no` and `0` as the tag's value lift it."""
        value = tags.get(self.limits.protected)
        return value is not None and value.strip().lower() not in ("false", "no", "0")


def policy(modes: Mapping[str, Any] | None = None, limits: Mapping[str, Any] | None = None) -> Policy:
    """The policy that the settings say. Raises RespondError for what is no setting."""
    modes, limits = dict(modes or {}), dict(limits or {})
    accounts, tags = modes.pop("accounts", {}), modes.pop("tags", {})
    default = _mode("default", modes.pop("default", Mode.OBSERVE))
    minutes = limits.pop("approval_minutes", 240)
    unknown = sorted(set(limits) - {"actions", "account_actions", "minutes", "protected"})
    if unknown:
        raise RespondError(f"[respond.limits] has no setting {unknown[0]}")
    wrong = [n for n in ("actions", "account_actions", "minutes") if not _count(limits.get(n, 1))]
    if wrong or not _count(minutes):
        raise RespondError(f"{(wrong or ['approval_minutes'])[0]} in [respond.limits] is no number over 0")
    return Policy(
        default,
        {name: _mode(name, mode) for name, mode in modes.items()},
        {str(name): _mode(name, mode) for name, mode in dict(accounts).items()},
        {str(name): _mode(name, mode) for name, mode in dict(tags).items()},
        Limits(**limits),
        minutes,
    )


def paces(settings: Mapping[str, Any] | None = None) -> dict[str, Pace]:
    """The paces that [respond.paces] says, over ours. Raises RespondError for what is no setting."""
    found = dict(PACES)
    kinds = {each.name: int if each.type == "int" else float for each in fields(Pace)}
    for api, values in (settings or {}).items():
        where = f"[respond.paces.{api}]"
        if not isinstance(values, Mapping):
            raise RespondError(f"{where} is no table: write `{where}` and under it `rate = 2`")
        for name, value in values.items():
            if name not in kinds:
                raise RespondError(f"{where} has no setting {name}: there are {', '.join(kinds)}")
            number = isinstance(value, (int, kinds[name])) and not isinstance(value, bool)
            if not number or value <= 0:
                raise RespondError(f"{name} in {where} is {value!r}: it is a number over 0")
        found[str(api)] = replace(found.get(str(api), Pace()), **values)
    return found


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _mode(name: str, value: Any) -> Mode:
    try:
        return Mode(value)
    except ValueError:
        known = ", ".join(Mode)
        raise RespondError(f"{name} in [respond.modes] is {value!r}: it may be {known}") from None
