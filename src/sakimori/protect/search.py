"""The search language of the API, answered by SQL on the index of values.

A filter is `{"maxItems", "searchCriteria", "sortByObjectID"}`; all criteria must hold. A criterion has one test:

| test | holds for |
| --- | --- |
| stringTest, stringValue, stringWildcards | text, `%` any letters and `_` one; a list's if any member matches |
| numericTest, numericValue | numbers |
| choiceTest, choiceValue | choices |
| booleanTest | flags |
| firstDateValue, lastDateValue, with ...Inclusive | times |
| versionTest, versionValue | dotted numbers |
| nullTest | a field that has no value |
| idTest, idValue | the object's ID |

Letters are compared without their case. A criterion may come alone instead of in a list, and the body may be empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sakimori.protect import accept
from sakimori.protect.declare import Field, Resource
from sakimori.protect.errors import Invalid
from sakimori.protect.tables import HEAD

MOST_ITEMS = 5_000
"""How many objects an answer holds unless fewer are asked for, and at most."""

MOST_CRITERIA = 100
LONGEST_VALUE = 4_000

_COMPARED = {
    "less-than": "<",
    "less-than-or-equal": "<=",
    "equal": "=",
    "greater-than-or-equal": ">=",
    "greater-than": ">",
    "not-equal": "<>",
}
NUMERIC = tuple(_COMPARED)
EITHER = ("equal", "not-equal")


@dataclass(slots=True)
class Query:
    """A filter as SQL: conditions on `o` (the object's row) with named parameters.

    `versions` are tests that only Python can make: (field,
    sign, version).
    """

    limit: int = MOST_ITEMS
    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    versions: list[tuple[str, str, str]] = field(default_factory=list)

    def bind(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"


def parse(resource: Resource, sent: Any) -> Query:
    """The query that a body of `/search` asks for. Raises Invalid."""
    query = Query()
    if sent is None:
        return query
    if not isinstance(sent, Mapping):
        raise Invalid('a search filter must be a JSON object with "searchCriteria"')
    if sent.get("maxItems") is not None:
        query.limit = min(accept.integer(sent["maxItems"], "maxItems"), MOST_ITEMS)
        if query.limit < 1:
            raise Invalid("maxItems must be at least 1")
    if sent.get("sortByObjectID") is not None:
        accept.boolean(sent["sortByObjectID"], "sortByObjectID")
    criteria = sent.get("searchCriteria") or []
    if isinstance(criteria, Mapping):
        criteria = [criteria]
    if not isinstance(criteria, list):
        raise Invalid("searchCriteria must be a list of criteria")
    if len(criteria) > MOST_CRITERIA:
        raise Invalid(f"{len(criteria)} search criteria; {MOST_CRITERIA} are the most")
    for criterion in criteria:
        _add(query, resource, criterion)
    return query


def is_selective(sent: Any) -> bool:
    """Whether an index is likely to lead a filter straight to few rows; a cheap look, before it is read in earnest."""
    criteria = sent.get("searchCriteria") if isinstance(sent, Mapping) else None
    for each in (criteria,) if isinstance(criteria, Mapping) else criteria if isinstance(criteria, list) else ():
        value = each.get("stringValue") if isinstance(each, Mapping) else None
        if isinstance(value, str) and "%" not in value and "_" not in value:
            return str(each.get("stringTest", "equal")) == "equal"
    return False


def _add(query: Query, resource: Resource, criterion: Any) -> None:
    if not isinstance(criterion, Mapping):
        raise Invalid("a search criterion must be a JSON object")
    given = {name: value for name, value in criterion.items() if value is not None}
    tests = [test for test, names in _TESTS.items() if any(name in given for name in names)]
    if len(tests) != 1:
        found = f"has {' and '.join(tests)}" if tests else "has none"
        raise Invalid(f"a search criterion needs exactly one test; this one {found}: {', '.join(sorted(given))}")
    if tests == ["idTest"] or given.get("fieldName") == "ID":
        _add_id(query, given)
        return
    searchable = resource.searchable()
    name = given.get("fieldName")
    if not isinstance(name, str) or name not in searchable:
        raise Invalid(
            f"{resource.id} cannot be searched by fieldName {str(name)[:80]!r}; "
            f"it can by {', '.join(sorted(searchable)) or 'ID alone'}"
        )
    _ADD[tests[0]](query, name, searchable[name], given)


_TESTS = {
    "stringTest": ("stringTest", "stringValue"),
    "numericTest": ("numericTest", "numericValue"),
    "choiceTest": ("choiceTest", "choiceValue"),
    "booleanTest": ("booleanTest",),
    "dateTest": ("firstDateValue", "lastDateValue"),
    "versionTest": ("versionTest", "versionValue"),
    "nullTest": ("nullTest",),
    "idTest": ("idTest", "idValue"),
}


def _add_id(query: Query, given: Mapping[str, Any]) -> None:
    value = given.get("idValue", given.get("numericValue"))
    test = given.get("idTest", given.get("numericTest", "equal"))
    if value is None:
        raise Invalid("a test of the ID needs idTest and idValue")
    sign = _COMPARED[accept.one_of(NUMERIC, test, "idTest")]
    query.conditions.append(f"o.id {sign} {query.bind(accept.integer(value, 'idValue'))}")


def _add_string(query: Query, name: str, found: Field, given: Mapping[str, Any]) -> None:
    _must_be(found, name, "stringTest", "String", "Choice", "Text and number")
    value = accept.text(given.get("stringValue", ""), "stringValue").lower()
    if len(value) > LONGEST_VALUE:
        raise Invalid(f"stringValue has {len(value)} letters; {LONGEST_VALUE} are the most")
    test = accept.one_of(EITHER, given.get("stringTest", "equal"), "stringTest")
    wildcards = accept.boolean(given.get("stringWildcards", True), "stringWildcards")
    held = _like(query, value) if wildcards and ("%" in value or "_" in value) else _equal(query, value)
    _held(query, name, held, negated=test == "not-equal")


def _equal(query: Query, value: str) -> str:
    if len(value) <= HEAD:
        return f"v.head = {query.bind(value)} AND v.whole IS NULL"
    return f"v.head = {query.bind(value[:HEAD])} AND v.whole = {query.bind(value)}"


def _like(query: Query, value: str) -> str:
    """Where the pattern begins with letters, the index leads there."""
    pattern = query.bind(value.replace("\\", "\\\\"))
    opening = re.split("[%_]", value, maxsplit=1)[0][:HEAD]
    near = f"v.head >= {query.bind(opening)} AND v.head < {query.bind(_after(opening))} AND " if _after(opening) else ""
    return f"{near}COALESCE(v.whole, v.head) LIKE {pattern} ESCAPE '\\'"


def _after(opening: str) -> str:
    """A text that comes behind all that begin so, in ASCII; "" where that is not certain."""
    if not opening or not opening.isascii():
        return ""
    return opening + "\U0010ffff"


def _add_numeric(query: Query, name: str, found: Field, given: Mapping[str, Any]) -> None:
    _must_be(found, name, "numericTest", "Numeric", "Date", "Boolean", "Text and number")
    if "numericValue" not in given:
        raise Invalid("numericTest needs numericValue")
    value = accept.decimal(given["numericValue"], "numericValue")
    sign = _COMPARED[accept.one_of(NUMERIC, given.get("numericTest", "equal"), "numericTest")]
    if sign == "<>":
        _held(query, name, f"v.number = {query.bind(value)}", negated=True, found=found)
    else:
        _held(query, name, f"v.number {sign} {query.bind(value)}", found=found)


def _add_choice(query: Query, name: str, found: Field, given: Mapping[str, Any]) -> None:
    _must_be(found, name, "choiceTest", "Choice", "String")
    value = accept.text(given.get("choiceValue", ""), "choiceValue")
    if found.values:
        value = accept.one_of(found.values, value, "choiceValue")
    test = accept.one_of(EITHER, given.get("choiceTest", "equal"), "choiceTest")
    _held(query, name, _equal(query, value.lower()), negated=test == "not-equal")


def _add_boolean(query: Query, name: str, found: Field, given: Mapping[str, Any]) -> None:
    _must_be(found, name, "booleanTest", "Boolean")
    wanted = accept.boolean(given["booleanTest"], "booleanTest")
    # A flag that was never set is false.
    _held(query, name, f"v.number = {query.bind(1.0)}", negated=not wanted)


def _add_date(query: Query, name: str, found: Field, given: Mapping[str, Any]) -> None:
    _must_be(found, name, "firstDateValue or lastDateValue", "Date", "Numeric")
    tests = []
    for end, sign in (("first", ">"), ("last", "<")):
        if f"{end}DateValue" in given:
            inclusive = accept.boolean(given.get(f"{end}DateInclusive", True), f"{end}DateInclusive")
            moment = accept.integer(given[f"{end}DateValue"], f"{end}DateValue")
            tests.append(f"v.number {sign}{'=' if inclusive else ''} {query.bind(float(moment))}")
    _held(query, name, " AND ".join(tests), found=found)


def _add_null(query: Query, name: str, found: Field, given: Mapping[str, Any]) -> None:
    _held(query, name, "1 = 1", negated=accept.boolean(given["nullTest"], "nullTest"), found=found)


def _add_version(query: Query, name: str, found: Field, given: Mapping[str, Any]) -> None:
    _must_be(found, name, "versionTest", "String")
    value = accept.text(given.get("versionValue", ""), "versionValue")
    if not re.fullmatch(r"\d{1,18}([.-]\d{1,18}){0,9}", value):
        raise Invalid(f"versionValue must be numbers with dots between, such as 20.0.1, not {value[:80]!r}")
    sign = _COMPARED[accept.one_of(NUMERIC, given.get("versionTest", "equal"), "versionTest")]
    query.versions.append((name, sign, value))


_ADD = {
    "stringTest": _add_string,
    "numericTest": _add_numeric,
    "choiceTest": _add_choice,
    "booleanTest": _add_boolean,
    "dateTest": _add_date,
    "versionTest": _add_version,
    "nullTest": _add_null,
}


def _must_be(found: Field, name: str, test: str, *kinds: str) -> None:
    if found.search not in kinds:
        raise Invalid(f"{name} is searched as {found.search}, which {test} does not fit")


def _held(query: Query, name: str, held: str, *, negated: bool = False, found: Field | None = None) -> None:
    """Adds: some value of the field is so (or none is)."""
    # Names in the SQL are the declarations', never the client's; values are bound.
    if found is not None and found.kept is not None:
        table, column = found.kept
        rows = f"SELECT computer AS id, tenant, {column} AS number FROM {table} WHERE {column} > 0"  # noqa: S608
        ids = f"SELECT v.id FROM ({rows}) v WHERE v.tenant = :tenant AND {held}"  # noqa: S608
    else:
        ids = (
            "SELECT v.id FROM protect_values v WHERE v.tenant = :tenant AND v.resource = :resource "  # noqa: S608
            f"AND v.field = {query.bind(name)} AND {held}"
        )
    query.conditions.append(f"o.id {'NOT IN' if negated else 'IN'} ({ids})")


def version_holds(value: Any, sign: str, wanted: str) -> bool:
    """A dotted version against another, number by number; missing numbers are 0."""
    own = [int(each[:18]) for each in re.findall(r"\d+", str(value or ""))]
    if not own:
        return False
    other = [int(each) for each in re.findall(r"\d+", wanted)]
    longest = max(len(own), len(other))
    own += [0] * (longest - len(own))
    other += [0] * (longest - len(other))
    order = (own > other) - (own < other)
    return {"<": order < 0, "<=": order <= 0, "=": order == 0, ">=": order >= 0, ">": order > 0, "<>": order != 0}[sign]
