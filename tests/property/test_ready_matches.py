"""Matches that the kernel makes ready against the same matches taken by Python: the findings are equal."""

from __future__ import annotations

from dataclasses import asdict
from random import Random
from typing import Any

import orjson
import pytest

from corpus import cloudtrail_records
from random_rules import random_condition
from sakimori.detect import ir
from sakimori.detect.detection import Detector, Look
from sakimori.detect.matched import pattern_of
from sakimori.detect.rulebook import Rulebook
from sakimori.model.severity import Severity

Record = dict[str, Any]

NAMES = ("GetObject", "PutRolePolicy", "Decrypt")
ODD = (None, "", "é", 'q"uote', "back\\slash", "line\nbreak", 7, True, {"a": "b"}, ["x"], "\x7f")
TIMES = (
    *("2026-11-21T08:00:00Z", "2024-02-29T08:00:00Z", "2023-02-29T08:00:00Z", "2026-04-31T00:00:00Z"),
    *("2026-11-21T24:00:00Z", "2026-11-21T23:59:60Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00Z", "2026-11-21T08:00:00+09:00", "2026-11-21 08:00:00Z", "2026-11-21T08:00:00.123Z"),
    *("2026-11-2AT08:00:00Z", "", None),
)
KEYS = (
    "bucketName",
    "roleArn",
    "id",
    "Identifier",
    "userNAME",
    "nextTokenName",
    "names",
    "key",
    "größeName",
    "kİd",
    "arn",
)
PATHS = (
    ("requestParameters.key",),
    ("requestParameters.roleArn", "sourceIPAddress"),
    ("errorCode", "requestParameters"),
)


def text(rng: Random, *usual: Any) -> Any:
    return rng.choice(ODD[:6]) if rng.random() < 0.1 else rng.choice(usual)


def caller(rng: Random) -> Any:
    arns = (
        "arn:aws:sts::1:assumed-role/app/i-1",
        "arn:aws:sts::1:assumed-role/AWSReservedSSO_x/jo",
        "arn:aws:iam::1:user/al",
    )
    names = {
        "type": text(rng, "AssumedRole", "IAMUser", "AWSService", "assumedrole", None),
        "arn": text(rng, *arns, None),
        "invokedBy": text(rng, "autoscaling.amazonaws.com", None),
        "userName": text(rng, "al", None),
        "principalId": text(rng, "AIDA", None),
        "accountId": text(rng, "111111111111", None),
    }
    found: Record = {key: value for key, value in names.items() if value is not None or rng.random() < 0.2}
    if rng.random() < 0.6:
        issuer = rng.choice([None, {}, {"arn": text(rng, "arn:aws:iam::1:role/app")}, [{"arn": "x"}, {"arn": "y"}]])
        found["sessionContext"] = rng.choice([{"sessionIssuer": issuer}, {"sessionIssuer": issuer}, None])
    return rng.choice([found] * 12 + [None, {}])


def parameters(rng: Random) -> Any:
    values = ("logs", "", 3, -1.5, None, False, ["a", "b"], {"id": "inner", "t": 'a"}],{"'}, [[]], {}, *ODD)
    found = {key: rng.choice(values) for key in rng.sample(KEYS, rng.randrange(len(KEYS)))}
    return rng.choice([found] * 8 + [None, {}])


def resources(rng: Random) -> Any:
    one = [
        {"accountId": "1", "ARN": text(rng, "arn:aws:s3:::logs")},
        {"type": "t"},
        {"ARN": text(rng, "arn:aws:s3:::logs/a")},
    ]
    return rng.choice([None, [], rng.sample(one, 1), rng.sample(one, 2), rng.sample(one, 3), [{"ARN": ["x", "y"]}]])


def record(rng: Random, number: int) -> Record:
    fields = {
        "userIdentity": caller(rng),
        "eventTime": rng.choice(TIMES if rng.random() < 0.3 else TIMES[:1]),
        "eventSource": text(rng, "s3.amazonaws.com", "iam.amazonaws.com"),
        "awsRegion": text(rng, "eu-west-1", None),
        "sourceIPAddress": text(rng, "203.0.113.1", None),
        "userAgent": "a",
        "errorCode": text(rng, "AccessDenied", None),
        "requestParameters": parameters(rng),
        "resources": resources(rng),
        "recipientAccountId": text(rng, "222222222222", None),
        "eventID": text(rng, f"e{number}"),
    }
    kept = {key: value for key, value in fields.items() if value is not None or rng.random() < 0.3}
    return {"eventVersion": "1.10", "eventName": rng.choice(NAMES), **kept}


def rule(number: int, condition: ir.Condition, asset: tuple[str, ...]) -> ir.Rule:
    about = dict(uuid="", title=f"Title {number}", description="", severity=Severity.LOW, asset=asset)
    return ir.Rule(meta=ir.Meta(id=f"rule{number}", name="n", **about), condition=condition)  # type: ignore[arg-type]


def book(rng: Random) -> Rulebook:
    named = [ir.Text("eventName", (name,)) for name in NAMES]
    sourced = ir.And((named[0], ir.Text("eventSource", ("s3.amazonaws.com",))))
    conditions = [*named, sourced, *(random_condition(rng) for _ in range(rng.randrange(3)))]
    rules = tuple(rule(number, each, rng.choice(((), (), *PATHS))) for number, each in enumerate(conditions))
    return Rulebook(rules, metas={each.meta.id: each.meta for each in rules})


def found(detector: Detector, look: Look) -> list[Record]:
    return sorted((asdict(each) for each in detector.findings(look)), key=lambda each: str(each["uid"]))


def both(detector: Detector, logs: bytes) -> tuple[Look, Look]:
    made = []
    for wanted in (True, False):
        detector.engine._wants_ready = wanted
        made.append(detector.look(logs, "p"))
    return made[0], made[1]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_ready_is_what_python_makes_of_it(seed: int) -> None:
    rng = Random(seed)
    ready = matches = 0
    for _ in range(60):
        detector = Detector(book(rng))
        logs = b'{"Records":[' + b",".join(orjson.dumps(record(rng, at)) for at in range(100)) + b"]}"
        quick, slow = both(detector, logs)
        assert (quick.records, quick.matched, quick.refusals) == (100, slow.matched, [])
        ready += sum(len(orjson.loads(told)) for told in quick.groups._ready)
        matches += quick.matched
        assert found(detector, quick) == found(detector, slow)
    assert 0.1 * matches < ready < 0.9 * matches, "or too little was compared"


ELEMENTS = (
    "/app/db",
    "/app/web",
    "db",
    "",
    "a,b",
    "][",
    "a|b",
    "x" * 200,
    "é",
    'q"',
    7,
    None,
    True,
    ["db"],
    {"a": "db"},
)
WANTED = ("db", "/app/", "b", "/app/db", '["db"]', '","', "", "x" * 50, "/APP/WEB")
PATTERNS = ("^/app/[dw]", "b$", "app.*db", "^$", "x{40}", r"\[.*web", "(?i)/APP/w")


def names(rng: Random) -> Any:
    elements = [rng.choice(ELEMENTS if rng.random() < 0.1 else ELEMENTS[:8]) for _ in range(rng.randrange(4))]
    return elements if rng.random() < 0.7 else rng.choice(ELEMENTS)


def part(rng: Random) -> ir.Condition:
    """Something about `names`."""
    field, many, wanted = "requestParameters.names", ir.Wildcard.MANY, rng.choice(WANTED)
    texts = ((wanted,), (wanted, many), (many, wanted), (many, wanted, many))
    kind = rng.randrange(6)
    if kind == 0:
        return ir.Regex(field, rng.choice(PATTERNS))
    if kind == 1:
        return ir.Or(
            tuple(ir.Text(field, rng.choice([(other,), (many, other, many)])) for other in rng.sample(WANTED, 2))
        )
    text = ir.Text(field, rng.choice(texts) if wanted else (), rng.random() < 0.2)
    return ir.Not(text) if kind == 2 else text


@pytest.mark.parametrize("seed", range(4))
def test_lists_and_regular_expressions_too(seed: int) -> None:
    rng = Random(seed)
    ready = matches = closed = 0
    for _ in range(60):
        named = ir.Text("eventName", ("GetParameters",))
        conditions = [ir.And((named, *(part(rng) for _ in range(rng.choice((1, 1, 2)))))) for _ in range(6)]
        rules = tuple(rule(number, condition, ()) for number, condition in enumerate(conditions))
        detector = Detector(Rulebook(rules, metas={each.meta.id: each.meta for each in rules}))
        records = [
            {"eventVersion": "1.10", "eventName": "GetParameters", "eventTime": TIMES[0], "eventID": f"e{at}"}
            | {"requestParameters": {"names": names(rng)}}
            for at in range(60)
        ]
        logs = b'{"Records":[' + b",".join(map(orjson.dumps, records)) + b"]}"
        quick, slow = both(detector, logs)
        assert quick.matched == slow.matched
        told = [match for some in quick.groups._ready for match in orjson.loads(some)]
        ready += len(told)
        closed += sum(pattern_of(conditions[int(match[0][0][4:])]) is not None for match in told)
        matches += quick.matched
        assert found(detector, quick) == found(detector, slow)
    assert ready > 0.3 * matches, "or too little was compared"
    assert closed > 30


def test_real_records_are_mostly_ready() -> None:
    records = [each for each in cloudtrail_records() if "eventName" in each]
    rules = tuple(
        rule(number, ir.Text("eventName", (name,)), ())
        for number, name in enumerate(sorted({r["eventName"] for r in records}))
    )
    detector = Detector(Rulebook(rules, metas={each.meta.id: each.meta for each in rules}))
    quick = slow = 0
    for each in records:
        logs = b'{"Records":[' + orjson.dumps({"eventVersion": "1.10", **each}) + b"]}"
        one, other = both(detector, logs)
        quick += bool(one.groups._ready)
        slow += bool(other.matched)
        assert found(detector, one) == found(detector, other)
    assert quick > 0.9 * slow


def test_an_id_that_takes_an_escape_is_left_to_python() -> None:
    odd = rule(0, ir.Text("eventName", NAMES[:1]), ())
    odd = ir.Rule(meta=ir.Meta(**{**asdict_of(odd.meta), "id": 'a"b'}), condition=odd.condition)
    detector = Detector(Rulebook((odd,), metas={'a"b': odd.meta}))
    logs = b'{"Records":[' + orjson.dumps({"eventVersion": "1.10", "eventName": NAMES[0], "eventID": "e"}) + b"]}"
    look = detector.look(logs, "p")
    assert not look.groups._ready
    assert [each.rule for each in detector.findings(look)] == ['a"b']


def asdict_of(meta: ir.Meta) -> dict[str, Any]:
    return {name: getattr(meta, name) for name in meta.__struct_fields__}
