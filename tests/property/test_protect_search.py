"""Search and inheritance of the protection manager against plain readings of their rules, on random input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from sakimori.protect import inheritance, search, storage, tables
from sakimori.protect.inheritance import STATES
from sakimori.protect.resources import all_resources
from sakimori.protect.work import MODULES
from sakimori.store.database import connect, reading, writing

RULES = all_resources()["intrusionpreventionrules"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = connect(tmp_path_factory.mktemp("search") / "ledger.sqlite")
    yield engine
    engine.dispose()


# ---- search

WORDS = st.text(alphabet="aAbB%_\\ é0", max_size=6)
NUMBERS = st.integers(-3, 3)
OBJECTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "description": WORDS,
            "CVE": st.lists(WORDS, max_size=3),
            "applicationTypeID": NUMBERS,
            "severity": st.sampled_from(("low", "high")),
            "alertEnabled": st.booleans(),
            "lastUpdated": NUMBERS,
        },
    ),
    max_size=6,
)
SIGNS = ("less-than", "less-than-or-equal", "equal", "greater-than-or-equal", "greater-than", "not-equal")
CRITERIA = st.one_of(
    st.builds(
        lambda name, test, value, wild: {
            "fieldName": name,
            "stringTest": test,
            "stringValue": value,
            "stringWildcards": wild,
        },
        st.sampled_from(("description", "CVE")),
        st.sampled_from(("equal", "not-equal")),
        WORDS,
        st.booleans(),
    ),
    st.builds(
        lambda sign, value: {"fieldName": "applicationTypeID", "numericTest": sign, "numericValue": value},
        st.sampled_from(SIGNS),
        NUMBERS,
    ),
    st.builds(
        lambda test, value: {"fieldName": "severity", "choiceTest": test, "choiceValue": value},
        st.sampled_from(("equal", "not-equal")),
        st.sampled_from(("low", "high", "critical")),
    ),
    st.builds(lambda wanted: {"fieldName": "alertEnabled", "booleanTest": wanted}, st.booleans()),
    st.builds(
        lambda first, last, inclusive: {
            "fieldName": "lastUpdated",
            "firstDateValue": first,
            "lastDateValue": last,
            "firstDateInclusive": inclusive,
        },
        NUMBERS,
        NUMBERS,
        st.booleans(),
    ),
    st.builds(
        lambda name, wanted: {"fieldName": name, "nullTest": wanted},
        st.sampled_from(("description", "CVE", "alertEnabled", "lastUpdated")),
        st.booleans(),
    ),
)


def fits(body: dict[str, Any], criterion: dict[str, Any]) -> bool:
    """A criterion, read word by word."""
    value = body.get(criterion["fieldName"])
    values = value if isinstance(value, list) else [] if value is None else [value]
    if "nullTest" in criterion:
        return (not values) == criterion["nullTest"]
    if "booleanTest" in criterion:
        return bool(value) == criterion["booleanTest"]
    if "choiceTest" in criterion:
        return (criterion["choiceValue"] in values) == (criterion["choiceTest"] == "equal")
    if "stringTest" in criterion:
        pattern = re.escape(criterion["stringValue"].lower())
        if criterion["stringWildcards"]:
            pattern = pattern.replace("%", ".*").replace("_", ".")
        held = any(re.fullmatch(pattern, each.lower(), re.DOTALL) for each in values)
        return held == (criterion["stringTest"] == "equal")
    if "firstDateValue" in criterion:
        first, last = criterion["firstDateValue"], criterion["lastDateValue"]
        return any(
            (each > first or (criterion["firstDateInclusive"] and each == first)) and each <= last for each in values
        )
    wanted = criterion["numericValue"]
    tests = {
        "less-than": lambda each: each < wanted,
        "less-than-or-equal": lambda each: each <= wanted,
        "equal": lambda each: each == wanted,
        "greater-than-or-equal": lambda each: each >= wanted,
        "greater-than": lambda each: each > wanted,
    }
    if criterion["numericTest"] == "not-equal":
        return wanted not in values
    return any(tests[criterion["numericTest"]](each) for each in values)


@settings(max_examples=150, deadline=None)
@given(OBJECTS, st.lists(CRITERIA, max_size=3), st.integers(1, 6))
def test_search_finds_what_a_plain_reading_finds(
    engine: Engine, objects: list[dict[str, Any]], criteria: list[dict[str, Any]], most: int
) -> None:
    with writing(engine) as connection:
        for table in (tables.objects, tables.values):
            connection.execute(delete(table))
        ids = storage.make_many(connection, 0, RULES, objects)
    query = search.parse(RULES, {"searchCriteria": criteria, "maxItems": most})
    with reading(engine) as connection:
        found = [id for id, _ in storage.find(connection, 0, RULES, query)]
    wanted = [id for id, body in zip(ids, objects, strict=True) if all(fits(body, each) for each in criteria)]
    assert found == wanted[:most]


# ---- inheritance

LEVEL = st.dictionaries(
    st.sampled_from(tuple(STATES)),
    st.fixed_dictionaries(
        {},
        optional={
            "state": st.sampled_from(("on", "off", "inherited")),
            "ruleIDs": st.lists(st.integers(1, 4), max_size=3),
            "realTimeScanConfigurationID": st.integers(0, 3),
        },
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LEVEL, st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"))), max_size=5))
def test_what_is_in_force_is_what_the_nearest_level_says(levels: list[tuple[dict[str, Any], dict[str, str]]]) -> None:
    effective = inheritance.ground({"a": "0"})
    for modules, own in levels:
        effective = inheritance.over(effective, {**modules, "policySettings": own}, "policySettings")
    for module in STATES:
        states = [level.get(module, {}).get("state", "inherited") for level, _ in levels]
        said = [state for state in states if state != "inherited"]
        assert effective.modules[module]["state"] == (said[-1] if said else "off")
        configurations = [level.get(module, {}).get("realTimeScanConfigurationID", 0) for level, _ in levels]
        chosen = [id for id in configurations if id]
        assert effective.modules[module].get("realTimeScanConfigurationID") == (chosen[-1] if chosen else None)
        if module in MODULES:
            every = [id for level, _ in levels for id in level.get(module, {}).get("ruleIDs", [])]
            assert effective.rules[MODULES[module]] == tuple(dict.fromkeys(every))
    for name in "abc":
        values = [own[name] for _, own in levels if name in own]
        assert effective.settings.get(name) == (values[-1] if values else {"a": "0"}.get(name))
