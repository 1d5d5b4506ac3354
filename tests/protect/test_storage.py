"""Objects are kept, found by every test of the search language, and changed, each tenant for itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sakimori.protect import accept, builtin, search, storage
from sakimori.protect.declare import number, text, texts
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.resources import all_resources
from sakimori.store.database import connect, reading, writing

RULES = all_resources()["intrusionpreventionrules"]
LISTS = all_resources()["portlists"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(tmp_path / "ledger.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def rules(engine: Engine) -> Engine:
    catalogue = {
        1: {"name": "Log lookup", "CVE": ["CVE-2021-44228"], "CVSSScore": "10.0", "severity": "critical"},
        2: {"name": "Old", "CVE": ["CVE-2016-721"], "CVSSScore": "5", "minimumAgentVersion": "9.6.0.1"},
        3: {"name": "Less old 100%", "CVE": ["CVE-2016-7214", "CVE-2016-9"], "alertEnabled": True, "lastUpdated": 500},
    }
    with writing(engine) as connection:
        builtin.load(connection, 0, {"intrusionpreventionrules": catalogue})
    return engine


@pytest.mark.parametrize(
    ("criterion", "found"),
    [
        ({"fieldName": "CVE", "stringTest": "equal", "stringValue": "%CVE-2021-44228%"}, [1]),
        ({"fieldName": "CVE", "stringTest": "equal", "stringValue": "%cve-2016-721%"}, [2, 3]),
        ({"fieldName": "CVE", "stringValue": "CVE-2016-9"}, [3]),
        ({"fieldName": "CVE", "stringTest": "not-equal", "stringValue": "%2016%"}, [1]),
        ({"fieldName": "CVE", "stringValue": "%2016%", "stringWildcards": False}, []),
        ({"fieldName": "name", "stringValue": "less old 100%", "stringWildcards": "False"}, [3]),
        ({"fieldName": "name", "stringValue": "O_d"}, [2]),
        ({"fieldName": "CVSSScore", "numericTest": "greater-than", "numericValue": 9}, [1]),
        ({"fieldName": "CVSSScore", "numericTest": "not-equal", "numericValue": "5"}, [1, 3]),
        ({"fieldName": "CVSSScore", "nullTest": True}, [3]),
        ({"fieldName": "CVSSScore", "nullTest": False}, [1, 2]),
        ({"fieldName": "severity", "choiceTest": "equal", "choiceValue": "critical"}, [1]),
        ({"fieldName": "alertEnabled", "booleanTest": "true"}, [3]),
        ({"fieldName": "alertEnabled", "booleanTest": False}, [1, 2]),
        ({"fieldName": "lastUpdated", "firstDateValue": 500}, [3]),
        ({"fieldName": "lastUpdated", "firstDateValue": 500, "firstDateInclusive": False}, []),
        ({"fieldName": "lastUpdated", "firstDateValue": 1, "lastDateValue": 501}, [3]),
        ({"fieldName": "minimumAgentVersion", "versionTest": "less-than", "versionValue": "10.0"}, [2]),
        ({"idTest": "greater-than", "idValue": 1}, [2, 3]),
    ],
)
def test_a_criterion_finds(rules: Engine, criterion: dict[str, Any], found: list[int]) -> None:
    for criteria in ([criterion], criterion):
        query = search.parse(RULES, {"searchCriteria": criteria, "sortByObjectID": "true"})
        with reading(rules) as connection:
            assert [id for id, _ in storage.find(connection, 0, RULES, query)] == found
            assert storage.find(connection, 1, RULES, query) == []


@pytest.mark.parametrize(
    "criterion",
    [
        {"fieldName": "CVE"},
        {"fieldName": "signature", "stringValue": "x"},
        {"fieldName": "CVE", "numericTest": "equal", "numericValue": 1},
        {"fieldName": "CVE", "stringTest": "like", "stringValue": "x"},
        {"fieldName": "CVE", "stringValue": "x", "nullTest": True},
        {"stringValue": "x"},
        {"idTest": "equal"},
        "CVE",
    ],
)
def test_a_criterion_that_means_nothing_is_refused(criterion: Any) -> None:
    with pytest.raises(Invalid):
        search.parse(RULES, {"searchCriteria": [criterion]})


def test_an_id_is_never_given_twice_and_the_catalogue_has_its_own(rules: Engine) -> None:
    with writing(rules) as connection:
        first = storage.make(connection, 0, RULES, {"name": "mine"})
        storage.remove(connection, 0, RULES, first)
        assert storage.make(connection, 0, RULES, {"name": "mine"}) == first + 1
        with pytest.raises(NotFound):
            storage.get(connection, 0, RULES, first)
        with pytest.raises(Invalid, match="Log lookup"):
            storage.make(connection, 0, RULES, {"name": "Log lookup"})
        assert storage.make(connection, 1, RULES, {"name": "Log lookup"}) > RULES.reserved


def test_loading_the_catalogue_again_keeps_what_users_set(rules: Engine) -> None:
    changed = {2: {"name": "Old", "CVE": ["CVE-2016-721"], "severity": "low"}}
    with writing(rules) as connection:
        before = storage.get(connection, 0, RULES, 2)
        storage.replace(connection, 0, RULES, 2, before | {"recommendationsMode": "ignored"})
        assert builtin.load(connection, 0, {RULES.id: changed}) == {RULES.id: 1}
        assert builtin.load(connection, 0, {RULES.id: changed}) == {RULES.id: 0}
        after = storage.get(connection, 0, RULES, 2)
    assert (after["severity"], after["recommendationsMode"]) == ("low", "ignored")


def test_what_clients_send_is_taken_loosely_and_stored_strictly() -> None:
    sent = {"name": "n", "detectOnly": "True", "severity": "HIGH", "CVE": "CVE-1\nCVE-2", "ID": 7, "lastUpdated": 1}
    taken = accept.created(RULES, sent | {"applicationTypeID": "5", "unheard": 1})
    assert taken["detectOnly"] is True
    assert taken["severity"] == "high"
    assert taken["CVE"] == ["CVE-1", "CVE-2"]
    assert taken["applicationTypeID"] == 5
    assert not {"ID", "lastUpdated", "unheard"} & taken.keys()
    assert accept.unknown_fields(RULES, sent | {"unheard": 1}) == ["unheard"]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        {"name": ""},
        {"name": 5},
        {"name": "a\0b"},
        {"name": "n", "detectOnly": "perhaps"},
        {"name": "n", "severity": "awful"},
        {"name": "n", "CVE": {"a": 1}},
        {"name": "n", "applicationTypeID": 2**63},
        {"name": "n", "applicationTypeID": 1.5},
    ],
)
def test_what_cannot_be_stored_is_refused(sent: Any) -> None:
    with pytest.raises(Invalid):
        accept.created(RULES, sent)


def test_a_change_leaves_the_rest_and_null_goes_back_to_the_default() -> None:
    before = accept.created(RULES, {"name": "n", "type": "smart", "description": "d"})
    after = accept.modified(RULES, {"description": None, "type": None, "severity": "low"}, before)
    assert "description" not in after
    assert (after["name"], after["type"], after["severity"]) == ("n", "custom", "low")


def test_values_too_long_for_an_index_are_found_whole(engine: Engine) -> None:
    long = "a" * 200
    with writing(engine) as connection:
        one = storage.make(connection, 0, LISTS, {"name": long + "1"})
        storage.make(connection, 0, LISTS, {"name": long + "2"})
        for value in (long + "1", "aaa%1", "%1"):
            query = search.parse(LISTS, {"searchCriteria": {"fieldName": "name", "stringValue": value}})
            assert [id for id, _ in storage.find(connection, 0, LISTS, query)] == [one]


def test_only_what_is_looked_up_before_it_is_stored_can_be_declared_unique() -> None:
    assert text("name", search=True, unique=True).unique
    for declared in (
        lambda: number("size", search=True, unique=True),
        lambda: text("name", unique=True),
        lambda: texts("names", search=True, unique=True),
    ):
        with pytest.raises(ValueError, match="cannot be unique"):
            declared()
