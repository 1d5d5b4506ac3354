"""Random conditions and records that meet: few fields, few values, and every kind of value in every place.

For the executions of rules, each of which is held to `plain.holds` on what is made here.
`random_condition(rng)` and `random_record(rng)` are plain functions of a seeded `random.Random`; `conditions()` and
`records()` are the same as hypothesis strategies, whose every choice hypothesis can shrink. A field is watched by a
condition about as often as a record has it, and a condition's values are values of records, whole or in part.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from sakimori.detect import ir

FIELDS = (
    "eventName",
    "eventSource",
    "awsRegion",
    "sourceIPAddress",
    "errorCode",
    "readOnly",
    "userIdentity",
    "userIdentity.type",
    "userIdentity.arn",
    "userIdentity.sessionContext.attributes.mfaAuthenticated",
    "requestParameters",
    "requestParameters.name",
    "requestParameters.items.name",
    "requestParameters.items.0",
    'requestParameters.it\'s "odd" \\ [0]*',
    "resources.ARN",
    "resources",
    "a",
    "a.a",
    "a.b.a",
    "no.such.field",
)
"""The paths that conditions ask for; most exist in most records, some through lists, one has a hostile name."""

WORDS = (
    "",
    "*",
    "?",
    "a",
    "A",
    "b",
    "ab",
    "aB\nba",
    "a%b_",
    "a\\b",
    'a"b',
    'a\\"b',
    "it's",
    "ÄÖ é",
    "äö É",
    "ΑΣ",
    "ας",
    "ασ β",
    "İi̇K",
    "\U0001f600x",
    "\x00\t\x1f\x7f\u2028",
    "null",
    "true",
    "0",
    "1",
    "-1",
    "1.0",
    "1.5",
    " 1 ",
    "1_0",
    "1e1",
    "+.5",
    "1e400",
    "nan",
    "Infinity",
    "10.0.0.1",
    "10.0.0.255",
    "192.168.7.1",
    "010.0.0.1",
    "10.0.0.1/32",
    "2001:db8::1",
    "2001:DB8:0:0:0:0:0:ff",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "1::2::3",
    "::",
    "GetObject",
    "getobject",
    "PutObject",
    "DeleteObjects",
    "s3.amazonaws.com",
    "iam.amazonaws.com",
    "us-east-1",
    "eu-west-1",
    "AssumedRole",
    "IAMUser",
    "Root",
    "arn:aws:iam::111122223333:user/a",
    "arn:aws:iam::111122223333:role/ab",
    "444455556666",
    "arn:aws:s3:::logs-444455556666 arn:aws:kms:eu-west-1:111122223333:key/1b2c-444455556666",
    '{"AWS":["111122223333","arn:aws:iam::444455556666:root"]}',
    "1234567890123 _444455556666 ４４４４５５５５６６６６",
    '{"Statement":[{"Effect":"Allow","Action":"*"}]}',
    '[1,"a"]',
)
"""The strings of records. Conditions use them whole, in part, in the other case, and with wildcards put in."""

NUMBERS: tuple[int | float, ...] = (
    0,
    1,
    -1,
    5,
    10,
    1.0,
    1.5,
    0.5,
    -0.0,
    100.0,
    0.1,
    1e-7,
    0.00001,
    1e15,
    1e16,
    123456789.123,
    1e21,
    1e22,
    1.7976931348623157e308,
    5e-324,
    2**53 + 1,
    2**63,
    2**64 - 1,
    -(2**63),
)
"""The numbers of records and of conditions: each side of every border that JSON writers draw."""

REGEXES = (
    "a",
    "^a",
    "b$",
    "(?i)^A.*B",
    "(?s)a.*a$",
    "(?m)^ba$",
    "(?im)^BA$",
    "a.b",
    "^$",
    "[^a]",
    "^(Get|Put)Object$",
    "(?i)^(get|put)",
    r"\d+\.\d",
    r"^\S+$",
    r"\bab?\b",
    r"[\d.]{7,15}$",
    r"a\\?\"b",
    r"\"Effect\":\s*\"Allow\"",
    r"^[[:alpha:]]+$",
    r"(?i)k",
    r"^.$",
    r"\Aa|b\z",
    r"(?P<who>user|role)/",
    "ä",
    r"\x{e9}",
    "{",
    r"[\]^-]",
    r"(?:a|ab){2,}",
)
"""Regular expressions in RE2's syntax, each near the border to other engines' readings."""

NETWORKS = (
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.0/30",
    "10.0.0.1/32",
    "192.168.0.0/21",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:db8::/126",
    "2001:db8::1/128",
    "::/0",
    "::ffff:0:0/96",
    "fe80::/10",
)

MAX_DEPTH = 4


def random_record(rng: Random) -> dict[str, Any]:
    """A record: CloudTrail's shape in the main, with any value in any place."""
    record: dict[str, Any] = {}
    for key in ("eventName", "eventSource", "awsRegion", "sourceIPAddress", "errorCode", "readOnly"):
        if rng.random() < 0.7:
            record[key] = rng.choice(WORDS) if rng.random() < 0.7 else _value(rng, 1)
    if rng.random() < 0.7:
        identity = {"type": rng.choice(WORDS), "arn": _value(rng, 1)}
        if rng.random() < 0.5:
            identity["sessionContext"] = {"attributes": {"mfaAuthenticated": _value(rng, 2)}}
        record["userIdentity"] = _wrapped(rng, identity)
    if rng.random() < 0.7:
        items = [_wrapped(rng, {"name": _value(rng, 2)}) for _ in range(rng.randrange(3))]
        parameters = {"name": _value(rng, 1), "items": items, 'it\'s "odd" \\ [0]*': _value(rng, 1)}
        record["requestParameters"] = _wrapped(rng, parameters)
    if rng.random() < 0.5:
        record["resources"] = [_wrapped(rng, {"ARN": _value(rng, 2)}) for _ in range(rng.randrange(3))]
    if rng.random() < 0.7:
        record["a"] = _value(rng, 0)
    if rng.random() < 0.7:
        record["recipientAccountId"] = rng.choice(("111122223333", "444455556666", 444455556666, None))
    return record


def random_condition(rng: Random) -> ir.Condition:
    """A condition over the fields and values that `random_record` uses."""
    return _condition(rng, 0)


def records() -> st.SearchStrategy[dict[str, Any]]:
    """`random_record`, with hypothesis choosing."""
    return st.randoms(use_true_random=False).map(random_record)


def conditions() -> st.SearchStrategy[ir.Condition]:
    """`random_condition`, with hypothesis choosing."""
    return st.randoms(use_true_random=False).map(random_condition)


def _wrapped(rng: Random, value: Any) -> Any:
    """The value, now and then inside lists."""
    while rng.random() < 0.15:
        value = [value] if rng.random() < 0.5 else [_scalar(rng), value]
    return value


def _value(rng: Random, depth: int) -> Any:
    kind = rng.random()
    if depth >= MAX_DEPTH or kind < 0.6:
        return _scalar(rng)
    if kind < 0.8:
        return [_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    keys = rng.sample(("a", "b", "0", "name", "ARN", 'q"\n'), rng.randrange(3))
    return {key: _value(rng, depth + 1) for key in keys}


def _scalar(rng: Random) -> Any:
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(WORDS)
    if kind < 0.8:
        return rng.choice(NUMBERS)
    return rng.choice((None, True, False))


def _condition(rng: Random, depth: int) -> ir.Condition:
    kind = rng.random()
    if depth >= 3 or kind < 0.4:
        return _predicate(rng)
    if kind < 0.6:
        return ir.Not(_condition(rng, depth + 1))
    children = tuple(_condition(rng, depth + 1) for _ in range(rng.randrange(1, 4)))
    return ir.And(children) if kind < 0.8 else ir.Or(children)


def _predicate(rng: Random) -> ir.Predicate:
    field = rng.choice(FIELDS)
    kind = rng.randrange(18)
    if kind == 16:
        return ir.Exists(field)
    if kind == 17:
        return ir.OtherAccount(field)
    if kind < 7:
        return ir.Text(field, _pattern(rng), cased=rng.random() < 0.3)
    if kind < 8:
        return ir.Keyword(_pattern(rng), cased=rng.random() < 0.3)
    if kind < 10:
        return ir.Regex(field, rng.choice(REGEXES))
    if kind < 11:
        return ir.Number(field, rng.choice(NUMBERS))
    if kind < 12:
        return ir.Compare(field, rng.choice(("lt", "lte", "gt", "gte")), rng.choice(NUMBERS))
    if kind < 13:
        return ir.Cidr(rng.choice((field, "sourceIPAddress", "a")), rng.choice(NETWORKS))
    if kind < 14:
        return ir.Null(field)
    return ir.FieldRef(field, rng.choice(FIELDS), rng.choice(("equals", "startswith", "endswith", "contains")))


def _pattern(rng: Random) -> ir.Pattern:
    """A record's string: as it is, in another case, cut, or with wildcards instead of some of its letters."""
    word = _word(rng)
    change = rng.random()
    if change < 0.3:
        word = rng.choice((word.lower(), word.upper(), word.swapcase()))
    many, one = ir.Wildcard.MANY, ir.Wildcard.ONE
    at = rng.randrange(len(word) + 1)
    shapes: tuple[tuple[str | ir.Wildcard, ...], ...] = (
        (word,),
        (word[:at], many),
        (many, word[at:]),
        (many, word[at:], many),
        (word[:at], many, word[at + 1 :]),
        (word[:at], one, word[at + 1 :]),
        (many, word[:at], one, word[at + 1 :], many),
        (one, many),
        (many,),
    )
    shape = rng.choice(shapes if rng.random() < 0.6 else shapes[:1])
    return tuple(part for part in shape if part != "")


def _word(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.85:
        return rng.choice(WORDS)
    if kind < 0.95:
        return str(rng.choice(NUMBERS))
    return rng.choice(('{"a":', '{"name":"a"}', "[]", "{}", "[null]", '"a"', "[1,", "false", '"eventName":"a"'))
