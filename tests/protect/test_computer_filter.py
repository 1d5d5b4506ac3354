"""Which computers a task's filter means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sakimori.protect import computer_filter, storage
from sakimori.protect.errors import Invalid
from sakimori.protect.resources import all_resources
from sakimori.store.database import connect, reading, writing

PARENTS = {"computergroups": "parentGroupID", "policies": "parentID"}
PLACES = [(1, 1), (2, 1), (3, 3), (4, 0), (0, 2)]
"""(group, policy) of each computer, by ID from 1."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Groups and policies 1 > 2 > 3, and 4 beside them; another tenant has a computer in its own group 1."""
    engine = connect(tmp_path_factory.mktemp("filter") / "ledger.sqlite")
    with writing(engine) as connection:
        for resource, parent in PARENTS.items():
            for number, above in ((1, 0), (2, 1), (3, 2), (4, 0)):
                body = {"name": f"{resource} {number}", parent: above}
                assert storage.make(connection, 0, all_resources()[resource], body) == number
        for group, policy in PLACES:
            body = {"hostName": "h", "groupID": group, "policyID": policy}
            storage.make(connection, 0, all_resources()["computers"], body)
        storage.make(connection, 1, all_resources()["computers"], {"hostName": "h", "groupID": 1, "policyID": 1})
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("filter", "computers"),
    [
        (None, [1, 2, 3, 4, 5]),
        ({}, [1, 2, 3, 4, 5]),
        ({"type": "all-computers"}, [1, 2, 3, 4, 5]),
        ({"type": "computer", "computerID": 2}, [2]),
        ({"type": "computers-in-group", "computerGroupID": 1}, [1]),
        ({"type": "computers-in-group-or-subgroup", "computerGroupID": 1}, [1, 2, 3]),
        ({"type": "computers-in-group-or-subgroup", "computerGroupID": 2}, [2, 3]),
        ({"type": "computers-in-group-or-subgroup", "computerGroupID": 4}, [4]),
        ({"type": "computers-using-policy", "policyID": 1}, [1, 2]),
        ({"type": "computers-using-policy-or-subpolicy", "policyID": 1}, [1, 2, 3, 5]),
        ({"type": "computers-using-policy", "policyID": 99}, []),
    ],
)
def test_a_filter_means(engine: Engine, filter: dict[str, Any] | None, computers: list[int]) -> None:
    computer_filter.check(filter)
    with reading(engine) as connection:
        assert computer_filter.chosen(connection, 0, filter) == computers


def test_a_circle_of_groups_ends(engine: Engine, tmp_path: Path) -> None:
    own = connect(tmp_path / "ledger.sqlite")
    with writing(own) as connection:
        for number in (1, 2):
            body = {"name": str(number), "parentGroupID": 3 - number}
            storage.make(connection, 0, all_resources()["computergroups"], body)
        storage.make(connection, 0, all_resources()["computers"], {"hostName": "h", "groupID": 2})
        wanted = {"type": "computers-in-group-or-subgroup", "computerGroupID": 1}
        assert computer_filter.chosen(connection, 0, wanted) == [1]
    own.dispose()


@pytest.mark.parametrize(
    ("filter", "why"),
    [
        ({"type": "computers-in-smart-folder", "smartFolderID": 1}, "there are no smart folders"),
        ({"type": "computer"}, "of type computer needs computerID"),
        ({"type": "computer", "computerID": 0}, "of type computer needs computerID"),
        ({"type": "computers-in-group"}, "needs computerGroupID"),
        ({"type": "computers-using-policy-or-subpolicy", "policyID": None}, "needs policyID"),
    ],
)
def test_a_filter_that_means_nothing_says_why(filter: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        computer_filter.check(filter)


def test_a_computer_that_is_not_there_is_named(engine: Engine) -> None:
    with reading(engine) as connection, pytest.raises(Invalid, match="there is no computer with ID 6"):
        computer_filter.chosen(connection, 0, {"type": "computer", "computerID": 6})
