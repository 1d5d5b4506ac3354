"""Every permission that a service file declares is used, and taking one away is never silence."""

from __future__ import annotations

import pytest

from discover.everything import EverythingExists
from sakimori.discover.declare import Place
from sakimori.discover.engine import inventory, units
from sakimori.discover.services import services
from sakimori.model.asset import Inventory

HERE = Place("123456789012", "us-east-1")
ALL = services()


def found(name: str, source: EverythingExists) -> Inventory:
    return inventory(source, units([HERE], {name: ALL[name]}, HERE.account))


@pytest.mark.parametrize("name", ALL)
def test_what_is_declared_is_what_is_asked(name: str) -> None:
    source = EverythingExists()
    inventory = found(name, source)
    assert sorted(source.asked) == ALL[name].actions()
    assert {asset.type for asset in inventory} == {resource.type for _, resource in ALL[name].resources()}
    assert inventory.not_evaluated == []


@pytest.mark.parametrize("name", ALL)
def test_a_permission_that_is_removed_is_named(name: str) -> None:
    for action in ALL[name].actions():
        missing = found(name, EverythingExists(denied=action)).not_evaluated
        named = {(each.action, each.account, each.code) for each in missing}
        assert named == {(action, HERE.account, "AccessDenied")}, action
        assert {each.region for each in missing} <= {"us-east-1", "global"}
