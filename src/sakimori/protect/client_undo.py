"""Undoes what a client changed: what was there before is put back, unless somebody changed it since."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sakimori.protect import client_errors as errors
from sakimori.protect.client import Client, Holder, host, policy
from sakimori.protect.client_answers import Change

_ASSIGNED = re.compile(r"/(policies|computers)/(\d+)/(\w+)/assignments")
_SETTING = re.compile(r"/(policies|computers)/(\d+)/settings/(\w+)")
_FIELDS = re.compile(r"/(policies|computers)/(\d+)")
_ISOLATED = re.compile(r"/sakimori/computers/(\d+)/isolate")


def undo(client: Client, change: Change) -> Change:
    """Puts back what was there before a change. Raises ChangedSince if it is not as the change left it."""
    if found := _ASSIGNED.fullmatch(change.what):
        return _assignments(client, _holder(found), found[3], change)
    if found := _SETTING.fullmatch(change.what):
        return _setting(client, _holder(found), found[3], change)
    if found := _ISOLATED.fullmatch(change.what):
        before = change.before.get("isolated") is True
        return client.isolate(int(found[1]), isolated=before)
    if found := _FIELDS.fullmatch(change.what):
        return _fields(client, _holder(found), change)
    raise errors.NotSupported(f"a change of {change.what} cannot be undone by itself: put {change.before!r} back")


def _holder(found: re.Match[str]) -> Holder:
    return (policy if found[1] == "policies" else host)(int(found[2]))


def _assignments(client: Client, holder: Holder, module: str, change: Change) -> Change:
    now = sorted(client.assignments(holder, module, own=True).assigned)
    _refuse_changed(change, now, change.after)
    return client.set_assigned(holder, change.before, module)


def _setting(client: Client, holder: Holder, name: str, change: Change) -> Change:
    now = client.own_setting(holder, name)
    _refuse_changed(change, {"value": now}, change.after)
    if change.before.get("value"):
        return client.set_setting(holder, name, change.before["value"])
    return client.reset_setting(holder, name)


def _fields(client: Client, holder: Holder, change: Change) -> Change:
    now = client.own_values(holder, change.after)
    _refuse_changed(change, now, change.after)
    return client.modify(holder, _restored(change.before))


def _restored(before: Mapping[str, Any]) -> dict[str, Any]:
    """What to send so that the values are as they were: a state that nothing was set for is inherited again."""
    return {
        name: {key: "inherited" if key == "state" and each is None else each for key, each in value.items()}
        if isinstance(value, Mapping)
        else value
        for name, value in before.items()
    }


def _refuse_changed(change: Change, now: Any, left: Any) -> None:
    if now != left:
        raise errors.ChangedSince(
            f"{change.what} is {now!r} and not {left!r}, as it was left: somebody changed it since, so it stays"
        )
