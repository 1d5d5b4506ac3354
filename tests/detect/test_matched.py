"""What a finding shows of the record: the values that made the condition hold, and nothing else."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest

import plain
from opened import told_of_clean
from random_rules import random_condition, random_record
from sakimori.detect import ir, matched

MANY = ir.Wildcard.MANY
RECORD: dict[str, Any] = {
    "eventName": "RunInstances",
    "count": 5,
    "ip": "10.0.0.1",
    "flag": False,
    "items": [{"name": "a"}, {"name": "Needle"}],
    "other": "runinstances",
    "long": "x" * 2000,
}


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        (ir.Text("eventName", ("runinstances",)), {"eventName": "RunInstances"}),
        (ir.Text("items.name", ("needle",)), {"items.name": "Needle"}),
        (ir.Text("items", (MANY, "Needle", MANY)), {"items": '[{"name":"a"},{"name":"Needle"}]'}),
        (ir.Text("flag", ("false",)), {"flag": False}),
        (ir.Compare("count", "gt", 4), {"count": 5}),
        (ir.Number("count", 5), {"count": 5}),
        (ir.Cidr("ip", "10.0.0.0/8"), {"ip": "10.0.0.1"}),
        (ir.Regex("eventName", "^Run"), {"eventName": "RunInstances"}),
        (ir.FieldRef("eventName", "other"), {"eventName": "RunInstances"}),
        (ir.Null("none"), {}),
        (ir.Keyword(("needle",)), {}),
        (ir.Not(ir.Text("eventName", ("x",))), {}),
        (ir.Or((ir.Text("eventName", ("x",)), ir.Number("count", 5))), {"count": 5}),
        (
            ir.Or((ir.And((ir.Number("count", 5), ir.Number("count", 6))), ir.Cidr("ip", "10.0.0.1/32"))),
            {"ip": "10.0.0.1"},
        ),
        (
            ir.And((ir.Number("count", 5), ir.Text("eventName", ("Run", MANY)))),
            {"count": 5, "eventName": "RunInstances"},
        ),
        (ir.Text("long", (MANY,)), {"long": "x" * 500 + "..."}),
    ],
)
def test_what_is_shown(condition: ir.Condition, shown: dict[str, Any]) -> None:
    assert matched.build(condition)(RECORD) == shown


def test_random_conditions_show_values_that_json_can_tell() -> None:
    rng = Random(23)
    shown = 0
    for _ in range(3000):
        condition, record = random_condition(rng), random_record(rng) | {"eventName": "a"}
        if not plain.holds(condition, record):
            continue
        found = matched.build(condition)(record)
        clean = told_of_clean(record)
        assert clean is None or orjson.dumps(matched.build(condition)(clean)) == orjson.dumps(found)
        assert found.keys() <= {getattr(each, "field", None) for each in ir.predicates(condition)}
        assert matched.condition_test(condition)(record)
        shown += bool(found)
    assert shown > 100
