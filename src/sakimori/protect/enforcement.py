"""What is in force stops what it finds, or only tells of it: the mode of every module on a computer.

A module that is on begins in `detect`, and is in `prevent` only where somebody has set so. Trend's API says that in a
different way for each module, and what is set by these ways holds here as there; where its only ways are to stop or to
be off, the setting has one more value, `Detect`, which is also what holds where nobody sets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sakimori.protect.inheritance import STATES, Effective

ENGINE_SETTING = "firewallSettingNetworkEngineMode"
"""`Detect`: the firewall tells what it would deny. `Inline`: it denies. `Tap`: nothing on the engine stops a packet."""

LEVEL_SETTING = "webReputationSettingSecurityLevel"
"""`Detect`: pages that are bad at Medium are told of. `Low`, `Medium`, `High`: pages from there on are stopped."""

EXECUTION_SETTING = "applicationControlSettingExecutionEnforcementLevel"
"""`Block unrecognized software until it is explicitly allowed` says what `blockUnrecognized` says."""

DETECT, TAP, INLINE = "Detect", "Tap", "Inline"

SPLIT = frozenset(("firewall", "antiMalware", "applicationControl", "webReputation"))
"""Modules whose state says only that they are on, so that an agent tells its mode beside it."""


def mode(module: str, effective: Effective) -> str:
    """off, detect or prevent."""
    values = effective.modules[module]
    if values["state"] == "off":
        return "off"
    settings = effective.settings
    match module:
        case "intrusionPrevention":
            stops = values["state"] == "prevent" and not engine_taps(settings)
        case "firewall":
            stops = engine_stops(settings.get(ENGINE_SETTING, ""))
        case "antiMalware":
            stops = values.get("realTimeScanConfigurationID") in effective.stopping_scans
        case "applicationControl":
            stops = bool(values.get("blockUnrecognized")) or blocks(settings.get(EXECUTION_SETTING, ""))
        case "webReputation":
            stops = level_stops(settings.get(LEVEL_SETTING, ""))
        case _:
            stops = False
    return "prevent" if stops else "detect"


def modes(effective: Effective) -> Mapping[str, str]:
    """Module -> off, detect or prevent."""
    return MappingProxyType({module: mode(module, effective) for module in STATES})


def engine_taps(settings: Mapping[str, str]) -> bool:
    """Whether the network engine only sees copies of packets, so that nothing on it stops any."""
    return settings.get(ENGINE_SETTING, "").strip().lower() == TAP.lower()


def engine_stops(value: str) -> bool:
    """Whether the firewall denies packets."""
    return value.strip().lower() == INLINE.lower()


def blocks(value: str) -> bool:
    """Whether a level of enforcement is that what is not known must not run."""
    return value.strip().lower().startswith("block")


def level_stops(value: str) -> bool:
    """Whether a security level stops pages."""
    return value.strip().lower() not in ("", DETECT.lower())
