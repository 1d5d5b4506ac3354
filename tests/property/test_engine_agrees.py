"""The fast engine against the obviously right evaluator: event by event, whatever the text looks like."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plain
import sakimori.detect
from corpus import cloudtrail_records
from random_rules import WORDS, random_condition, random_record
from sakimori.collect.records import split_records
from sakimori.detect import ir, matched
from sakimori.detect.engine import Engine, Matched, Scan
from sakimori.detect.evaluate import build
from sakimori.detect.literals import ESCAPES, covers
from sakimori.detect.reading import Told
from sakimori.detect.sigma import load_file
from sakimori.model.severity import Severity

PACK = Path(sakimori.detect.__file__).parent / "rules"
META = ir.Meta(id="r", name="r", uuid="", title="", description="", severity=Severity.LOW)
Record = dict[str, Any]


class Noted:
    """Which rules hit which record, by eventID, and what of that was plain to see; each record once."""

    def __init__(self) -> None:
        self.hits: dict[str, tuple[int, ...]] = {}
        self.shown: dict[tuple[str, int], dict[str, Any]] = {}

    def take(self, hit: Told, held: Matched) -> None:
        event, rules = hit.get("eventID"), [rule for rule, _ in held]
        assert event not in self.hits
        assert orjson.loads(hit.raw)["eventID"] == event, "a hit's text is that of its record"
        assert rules == sorted(set(rules))
        self.hits[event] = tuple(rules)
        self.shown |= {(event, rule): shown for rule, shown in held if shown is not None}


def rules(conditions: Sequence[ir.Condition]) -> list[ir.Rule]:
    return [ir.Rule(meta=META, condition=condition) for condition in conditions]


# ---- texts: the same records as one writer or another would have them

Writer = Callable[[Random, list[Record]], str]


def compact(record: Record) -> str:
    return orjson.dumps(record).decode()


def clean(_: Random, records: list[Record]) -> str:
    return '{"Records":[' + ",".join(map(compact, records)) + "]}"


def escaped_non_ascii(_: Random, records: list[Record]) -> str:
    return '{"Records":[' + ",".join(json.dumps(each, separators=(",", ":")) for each in records) + "]}"


def respelled(rng: Random, records: list[Record]) -> str:
    """Clean but for the spelling inside strings: any character as an escape, `/` as `\\/`."""

    def spelled(character: str) -> str:
        if rng.random() < 0.85 or ord(character) > 0xFFFF or character in '"\\' or ord(character) < 0x20:
            return json.dumps(character, ensure_ascii=False)[1:-1]
        if character == "/":
            return "\\/"
        return f"\\u{ord(character):04{rng.choice('xX')}}"

    def written(value: Any, *, top: bool = False) -> str:
        if isinstance(value, str):
            return '"' + "".join(map(spelled, value)) + '"'
        if isinstance(value, list):
            return "[" + ",".join(map(written, value)) + "]"
        if isinstance(value, dict):
            keys = ((json.dumps(key) if top else written(key), written(held)) for key, held in value.items())
            return "{" + ",".join(f"{key}:{held}" for key, held in keys) + "}"
        if isinstance(value, float) and value == int(value) and rng.random() < 0.5:
            return f"{value:.17E}"
        return orjson.dumps(value).decode()

    return '{"Records":[' + ",".join(written(each, top=True) for each in records) + "]}"


def pretty(_: Random, records: list[Record]) -> str:
    return json.dumps({"Records": records}, indent=2, ensure_ascii=False)


def shuffled(rng: Random, records: list[Record]) -> str:
    mixed = [dict(rng.sample(sorted(each.items()), len(each))) for each in records]
    return '{"Records":[' + ",".join(map(compact, mixed)) + "]}"


def lines(rng: Random, records: list[Record]) -> str:
    return "\n".join(rng.choice((compact, json.dumps))(each) for each in records)


def array(_: Random, records: list[Record]) -> str:
    return json.dumps(records, ensure_ascii=False)


WRITERS: tuple[Writer, ...] = (clean, escaped_non_ascii, respelled, pretty, shuffled, lines, array)


# ---- records: CloudTrail's keys where the clean path needs them, anything elsewhere


def event(rng: Random, number: int) -> Record:
    """A random record with an identity. In most, top-level fields have the types that they always have."""
    record = random_record(rng)
    if rng.random() < 0.8:
        record = {key: value for key, value in record.items() if fitting(key, value)}
    name = record.pop("eventName", rng.choice(WORDS))
    return {"eventVersion": "1.10", "eventName": name, "eventID": f"event-{number}", **record}


def fitting(key: str, value: Any) -> bool:
    kinds = {"userIdentity": dict, "requestParameters": dict, "resources": list, "readOnly": bool, "a": object}
    if key == "userIdentity" and isinstance(value, dict):
        return isinstance(value["arn"], (str, type(None)))
    return value is None or isinstance(value, kinds.get(key, str))


def check(conditions: list[ir.Condition], text: str, *, engine: Engine | None = None) -> int:
    """Every record that the text holds has exactly plain's hits, shown as they are; what is no record is refused. Gives
    the hits."""
    scan: Scan[Noted] = (engine or Engine(rules(conditions))).scan(text.encode(), "p", Noted)
    split = split_records(text.encode(), "p")
    assert scan.refusals == split.refusals
    assert scan.records == len(split.records)
    expected = {}
    records = {record["eventID"]: record for record in map(orjson.loads, split.records)}
    for (event, rule), shown in scan.taker.shown.items():
        assert shown == matched.build(conditions[rule])(records[event])
    for record in records.values():
        if held := tuple(at for at, condition in enumerate(conditions) if plain.holds(condition, record)):
            expected[record["eventID"]] = held
    assert scan.taker.hits == expected, text
    return sum(map(len, expected.values()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
@given(st.randoms(use_true_random=False), st.sampled_from(WRITERS))
def test_a_few_rules_on_a_few_records(rng: Random, writer: Writer) -> None:
    records = [event(rng, number) for number in range(rng.randrange(1, 6))]
    check([random_condition(rng) for _ in range(rng.randrange(1, 6))], writer(rng, records))


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_many_rules_on_many_records(writer: Writer) -> None:
    """200 rules, 300 records a writer: 420,000 pairs, with rules that have literals and such that have none."""
    rng = Random(writer.__name__)
    records = [event(rng, number) for number in range(300)]
    conditions = [random_condition(rng) for _ in range(400)]
    indexed = [condition for condition in conditions if covers(condition)][:200]
    pairs = len(indexed) * len(records)
    assert 0.001 < check(indexed, writer(rng, records)) / pairs < 0.9
    assert check(conditions[:40], writer(rng, records)) > 0


def test_pieces_of_a_long_text_are_cut_between_records() -> None:
    rng = Random(5)
    conditions = [random_condition(rng) for _ in range(30)]
    engine = Engine(rules(conditions))
    records = [event(rng, number) | {"padding": "x" * rng.randrange(2000)} for number in range(2500)]
    sound = [each for each in records if split_records(compact(each).encode(), "p").records]
    text = clean(rng, sound)
    assert len(text) > 6 * (1 << 18)
    assert check(conditions, text, engine=engine) > 0


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
@given(st.randoms(use_true_random=False))
def test_a_condition_that_is_compiled_is_the_same_condition(rng: Random) -> None:
    condition, record = random_condition(rng), random_record(rng)
    assert build(condition)(record) is plain.holds(condition, record)


def test_compiled_conditions_on_fifty_thousand_pairs() -> None:
    rng = Random(11)
    held = 0
    for _ in range(1000):
        condition = random_condition(rng)
        test = build(condition)
        for record in [random_record(rng) for _ in range(50)]:
            holds = plain.holds(condition, record)
            assert test(record) is holds, f"{condition}\n{record}"
            held += holds
    assert 5_000 < held < 45_000


def test_a_record_that_matches_holds_a_literal_of_every_cover() -> None:
    rng = Random(13)
    writers = (compact, json.dumps, lambda record: respelled(rng, [record])[12:-2])
    escapes = re2.compile(ESCAPES)
    proven = 0
    for _ in range(1500):
        condition = random_condition(rng)
        found = covers(condition)
        for at in range(40 if found else 0):
            record = random_record(rng)
            text = writers[at % 3](record).encode()
            if plain.holds(condition, orjson.loads(text)) and not escapes.search(text):
                proven += 1
                for cover in found:
                    assert any(literal in text.lower() for literal in cover.literals), f"{condition}\n{text!r}"
    assert proven > 500


# ---- what random choice meets too seldom


def text_of(value: str) -> str:
    return '{"Records":[{"eventVersion":"1.10","eventName":"a","eventID":"1","userAgent":"' + value + '"}]}'


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("kms-key", "\u212ams-\u212aey"),
        ("kms-key", "\\u212ams-\\u212Aey"),
        ("kms-key", "\\u006bms-key"),
        ("kms-key", "\\u004Bms-key"),
        ("arn:aws/role", "arn:aws\\/role"),
        ("i\u0307nvoke-shell", "\u0130nvoke-shell"),
        ("i\u0307nvoke-shell", "\\u0130nvoke-shell"),
        ("line one\nline two", "line one\\nline two"),
        ("line one\nline two", "line one\\u000aLINE TWO"),
        ("tab\there it is", "tab\\u0009here it is"),
        ("délégué", "D\u00c9L\u00c9GU\u00c9"),
        ("délégué", "D\\u00c9L\\u00c9GU\\u00c9"),
    ],
)
def test_a_text_is_found_in_every_spelling(pattern: str, value: str) -> None:
    conditions: list[ir.Condition] = [
        ir.Text("userAgent", (pattern,)),
        ir.Text("userAgent", (ir.Wildcard.MANY, pattern[:-1], ir.Wildcard.MANY)),
        ir.Text("userAgent", (pattern[:-1], ir.Wildcard.MANY)),
    ]
    assert check(conditions, text_of(value)) == 3


@pytest.mark.parametrize("value", ["aſſume-role", "a\\u017f\\u017fume-role", "ASSUME-ROLE", "aS\\u017fume-role"])
def test_a_regular_expression_folds_the_long_s(value: str) -> None:
    assert check([ir.Regex("userAgent", "(?i)^assume-role$"), ir.Regex("userAgent", "(?i)SUME")], text_of(value)) == 2


@pytest.mark.parametrize("spelling", ["\\n", "\\u000a", "\\u000A"])
def test_a_keyword_sees_the_text_as_one_writer_would_have_it(spelling: str) -> None:
    conditions: list[ir.Condition] = [ir.Keyword(("upper\\nlower",)), ir.Keyword(("lower-part",))]
    assert check(conditions, text_of(f"upper{spelling}lower-part")) == 2


@pytest.mark.parametrize("depth", [100, 127, 200, 300, 900, 1020, 2000, 10_000])
def test_deep_nesting_is_evaluated_or_named_and_never_raises(depth: int) -> None:
    nested = "[" * depth + '"needle"' + "]" * depth
    deep = '{"eventVersion":"1.10","eventName":"a","eventID":"1","requestParameters":{"x":' + nested + "}}"
    good = '{"eventVersion":"1.10","eventName":"a","eventID":"2","userAgent":"needle"}'
    conditions: list[ir.Condition] = [
        ir.Keyword(("needle",)),
        ir.Text("requestParameters", (ir.Wildcard.MANY, "needle", ir.Wildcard.MANY)),
        ir.Text("requestParameters.x", ("needle",)),
    ]
    scan = Engine(rules(conditions)).scan(f'{{"Records":[{deep},{good}]}}'.encode(), "p", Noted)
    assert scan.taker.hits["2"] == (0,)
    assert scan.taker.hits.get("1") == (0, 1, 2) or "nested" in scan.refusals[0].reason


@pytest.mark.parametrize("inner", ['"n":{"eventVersion":"1"}', '"n":[{"eventVersion":"1"},1]'])
@pytest.mark.parametrize("needle", ["needle", "n\\u0065edle"])
def test_a_record_inside_a_record_does_not_shift_the_others(inner: str, needle: str) -> None:
    """As many starts as records, but not one at each record: hits must still be of the record that they name."""
    nests = '{"eventVersion":"1.10","eventName":"a","eventID":"1",' + inner + ',"userAgent":"' + needle + '"}'
    plain_one = '{"eventVersion":"1.10","eventName":"a","eventID":"2","userAgent":"' + needle + '"}'
    other = '{"eventName":"a","eventID":"%d"}'
    text = f'{{"Records":[{nests},{plain_one},{other % 3},{other % 4}]}}'
    for size in (2, 3, 4):
        cut = text if size == 4 else f'{{"Records":[{",".join([nests, plain_one, other % 3][:size])}]}}'
        scan = Engine(rules([ir.Text("userAgent", ("needle",))])).scan(cut.encode(), "p", Noted)
        assert scan.taker.hits == {"1": (0,), "2": (0,)}


def test_a_wrong_type_is_refused_on_the_clean_path_too() -> None:
    conditions: list[ir.Condition] = [ir.Text("userAgent", ("needle",))]
    engine = Engine(rules(conditions))
    right = orjson.loads(text_of("needle"))["Records"][0]
    top = ("eventVersion", "eventTime", "eventName", "awsRegion", "userIdentity", "requestParameters", "readOnly")
    identity = ("type", "arn", "accountId", "sessionContext")
    for wrong in (7, -1.5, {"a": 1}, [1], "text", True):
        records = [{**right, key: wrong} for key in top]
        records += [{**right, "userIdentity": {key: wrong}} for key in identity]
        records += [{**right, "responseElements": {key: wrong}} for key in identity + top]
        for record in records:
            check(conditions, clean(Random(0), [{**right, "eventID": "0"}, record]), engine=engine)


@pytest.mark.parametrize("needle", ["needle", "x"], ids=["matched", "not matched"])
def test_a_record_with_a_key_twice_is_refused(needle: str) -> None:
    good = '{"eventVersion":"1.10","eventName":"a","eventID":"1","userAgent":"needle"}'
    twice = ['"userAgent":"x"', '"eventTime":"x","eventTime":"y"', '"eventName":"a"', '"eventID":"3"', '"zz":1,"zz":1']
    twice += [f'"requestParameters":{inner}' for inner in ('{"a":1,"a":1}', '{"a":[{"b":1},{"c":[1],"d":2,"c":null}]}')]
    for addition in twice:
        bad = '{"eventVersion":"1.10","eventName":"a","eventID":"2","userAgent":"' + needle + '",' + addition + "}"
        for text in (f"{bad},{good}", f"{good},{bad}"):
            assert check([ir.Text("userAgent", ("needle",))], f'{{"Records":[{text}]}}') == 1


# ---- real rules on real records


def test_the_pack_on_real_records() -> None:
    loaded = [rule for file in sorted(PACK.rglob("*.yml")) for rule in load_file(file) if isinstance(rule, ir.Rule)]
    conditions = [rule.condition for rule in loaded]
    engine = Engine(loaded)
    records = [{**record, "eventID": f"event-{at}"} for at, record in enumerate(cloudtrail_records())]
    rng = Random(17)
    first = [{"eventVersion": record.pop("eventVersion", "1.10"), **record} for record in records]
    for at in range(0, len(first), 500):
        writer = clean if at % 1000 else respelled
        assert check(conditions, writer(rng, first[at : at + 500]), engine=engine) > 0
