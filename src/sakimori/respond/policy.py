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

The most particular setting wins: tag, then account, then workflow, then the default; of several tags the most cautious.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sakimori.model.action import Mode
from sakimori.respond.errors import RespondError

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


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _mode(name: str, value: Any) -> Mode:
    try:
        return Mode(value)
    except ValueError:
        known = ", ".join(Mode)
        raise RespondError(f"{name} in [respond.modes] is {value!r}: it may be {known}") from None
