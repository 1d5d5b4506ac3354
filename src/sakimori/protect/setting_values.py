"""Settings by name, of policies and computers, of all policies (the defaults) and of the manager itself.

The names and what they are worth where nobody sets them are in `settings.json`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection

from sakimori.protect import storage
from sakimori.protect.declare import Resource, Rights, settings
from sakimori.protect.enforcement import ENGINE_SETTING
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.inheritance import STATES

RIGHT_TO_VIEW = "platformRights/settingRights/canViewSettings"
RIGHT_TO_EDIT = "platformRights/settingRights/canEditSettings"

AUTO_APPLY = {
    "intrusionpreventionrules": "intrusionPreventionSettingAutoApplyRecommendationsEnabled",
    "integritymonitoringrules": "integrityMonitoringSettingAutoApplyRecommendationsEnabled",
    "loginspectionrules": "logInspectionSettingAutoApplyRecommendationsEnabled",
}
"""The settings, Yes or No, by which a scan's recommendations are applied."""

DEFAULTS = Resource(
    "policies/default",
    "DefaultPolicySettings",
    "",
    "",
    "What every policy inherits.",
    (settings("settings", "DefaultPolicySettings"),),
    Rights(RIGHT_TO_VIEW, RIGHT_TO_EDIT, RIGHT_TO_EDIT, RIGHT_TO_EDIT),
)
SYSTEM = Resource(
    "systemsettings",
    "SystemSettings",
    "",
    "",
    "The manager's own settings.",
    (settings("settings", "SystemSettings"),),
    Rights(RIGHT_TO_VIEW, RIGHT_TO_EDIT, RIGHT_TO_EDIT, RIGHT_TO_EDIT),
)


@functools.cache
def _declared() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "settings.json").read_text("utf-8"))
    return found


def built_in(resource: str) -> Mapping[str, str]:
    """Every setting's value where nobody sets it."""
    return _declared()["system" if resource == SYSTEM.id else "policies"]


def policy_names() -> Mapping[str, str]:
    """The settings that a policy and a computer have: the defaults' without the modules' states."""
    return {name: value for name, value in built_in(DEFAULTS.id).items() if name not in STATE_SETTINGS}


STATE_SETTINGS: Mapping[str, str] = {f"{'sap' if module == 'SAP' else module}SettingState": module for module in STATES}
"""Settings that are the state of a module, spelt as one."""


def must_be_known(name: str, known: Mapping[str, str]) -> None:
    if name not in known:
        raise NotFound(f"there is no setting {name[:120]!r}")


def refuse_unknown(sent: Mapping[str, str] | None, known: Mapping[str, str]) -> None:
    """Raises Invalid for the first setting that nobody would honour."""
    for name in sent or ():
        if name not in known:
            raise Invalid(f"there is no setting {name[:120]!r}")


def doubts(sent: Mapping[str, str] | None) -> list[str]:
    """What is stored as it was sent, for clients expect that, and read otherwise than whoever sent it may think."""
    found = []
    for name, value in (sent or {}).items():
        word = value.strip().lower()
        if name in AUTO_APPLY.values() and word not in ("yes", "no", "true", "false", "on", "off", "1", "0", ""):
            found.append(f"{name} is neither Yes nor No, and is read as No")
        if name == ENGINE_SETTING and word not in ("inline", "tap", "detect"):
            found.append(f"{name} is neither Inline nor Tap nor Detect, and is read as Detect")
    return found


def own(connection: Connection, tenant: int, resource: Resource) -> dict[str, str]:
    """What a tenant has set."""
    body = storage.get_or_none(connection, tenant, resource.id, 1) or {}
    found: dict[str, str] = body.get("settings", {})
    return found


def keep(connection: Connection, tenant: int, resource: Resource, values: Mapping[str, str]) -> None:
    body = {"settings": dict(values)}
    if storage.get_or_none(connection, tenant, resource.id, 1) is None:
        storage.make(connection, tenant, resource, body, id=1)
    else:
        storage.replace(connection, tenant, resource, 1, body)


def effective(connection: Connection, tenant: int, resource: Resource) -> dict[str, str]:
    """Every setting's value."""
    return {**built_in(resource.id), **own(connection, tenant, resource)}


def is_yes(value: str | None) -> bool:
    """Yes and true, however they are written."""
    return (value or "").strip().lower() in ("yes", "true", "on", "1")


def spelt(state: str) -> str:
    """A module's state as a setting spells it: Off, On, Prevent, Detect, Real-time."""
    return state[:1].upper() + state[1:]


def state_of(module: str, value: str) -> str:
    """The state that a setting's value means. Raises Invalid."""
    word = value.strip().lower().replace(" ", "-").replace("realtime", "real-time")
    if word not in (*STATES[module], "inherited"):
        raise Invalid(
            f"the state of {module} is one of {', '.join((*STATES[module], 'inherited'))}, not {value[:80]!r}"
        )
    return word
