"""The loader, modifier by modifier, and every way in which a rule file can be wrong."""

from __future__ import annotations

import itertools
from pathlib import Path
from textwrap import dedent, indent

import pytest

from sakimori.detect import ir
from sakimori.detect.sigma import MAX_RULE_BYTES, Loaded, RuleError, Skipped, load_file, rule_tests
from sakimori.model.severity import Severity

MANY, ONE = ir.Wildcard.MANY, ir.Wildcard.ONE

HEAD = """\
title: A title
id: 11111111-1111-4111-8111-111111111111
logsource:
    product: aws
    service: cloudtrail
"""
"""Five lines: what a test appends starts at line 6."""

PLAIN = """\
detection:
    selection:
        eventName: CreateUser
    condition: selection
"""


class Files:
    """Writes rule files into a test's own folder, and loads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self, content: str, placeholders: dict[str, list[str]] | None = None) -> list[Loaded]:
        path = self.folder / "made_here.yml"
        path.write_text(content, encoding="utf-8")
        return load_file(path, placeholders)

    def one(self, content: str, placeholders: dict[str, list[str]] | None = None) -> Loaded:
        (found,) = self.all(content, placeholders)
        return found

    def condition(self, item: str, placeholders: dict[str, list[str]] | None = None) -> ir.Condition:
        """What one detection item (or several, or a list) comes to."""
        body = f"detection:\n    selection:\n{indent(item, ' ' * 8)}\n    condition: selection\n"
        found = self.one(HEAD + body, placeholders)
        assert isinstance(found, ir.Rule), found
        return found.condition

    def error(self, content: str) -> tuple[int, str]:
        """The line and the reason of the one error."""
        found = self.one(content)
        assert isinstance(found, RuleError), found
        assert str(found) == f"{self.folder / 'made_here.yml'}:{found.line}: {found.reason}"
        return found.line, found.reason


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def text(*pattern: str | ir.Wildcard, cased: bool = False, field: str = "f") -> ir.Text:
    return ir.Text(field, pattern, cased)


VALUES: list[tuple[str, ir.Condition]] = [
    ("f: x", text("x")),
    ("f: 'a*b?'", text("a", MANY, "b", ONE)),
    (r"f: 'a\*b\?\\c'", text("a*b?\\c")),
    ("f: ''", text()),
    ("f: null", ir.Null("f")),
    ("f: true", text("true")),
    ("f: 5", ir.Number("f", 5)),
    ("f: -1.5", ir.Number("f", -1.5)),
    ("f: '5'", text("5")),
    ("f: [x, y]", ir.Or((text("x"), text("y")))),
    ("f: [x, null, '']", ir.Or((text("x"), ir.Null("f"), text()))),
    ("f: x\ng: y", ir.And((text("x"), text("y", field="g")))),
    ("- f: x\n  g: y\n- f: z", ir.Or((ir.And((text("x"), text("y", field="g"))), text("z")))),
    ("requestParameters.a.b: x", text("x", field="requestParameters.a.b")),
    # Keywords
    ("- x\n- 'a*b'", ir.Or((ir.Keyword(("x",)), ir.Keyword(("a", MANY, "b"))))),
    ("- 5\n- true", ir.Or((ir.Keyword(("5",)), ir.Keyword(("true",))))),
    ("'|all': [x, y]", ir.And((ir.Keyword(("x",)), ir.Keyword(("y",))))),
    ("'|cased': X", ir.Keyword(("X",), True)),
]

MODIFIERS: list[tuple[str, ir.Condition]] = [
    ("f|contains: x", text(MANY, "x", MANY)),
    ("f|contains: '*x'", text(MANY, "x", MANY)),
    ("f|startswith: x", text("x", MANY)),
    ("f|endswith: x", text(MANY, "x")),
    ("f|all: [x, y]", ir.And((text("x"), text("y")))),
    ("f|contains|all: [x, y]", ir.And((text(MANY, "x", MANY), text(MANY, "y", MANY)))),
    ("f|cased: X", text("X", cased=True)),
    ("f|contains|cased: X", text(MANY, "X", MANY, cased=True)),
    ("f|cased|startswith: X", text("X", MANY, cased=True)),
    ("f|re: 'a.*b'", ir.Regex("f", "a.*b")),
    ("f|re: [a, b]", ir.Or((ir.Regex("f", "a"), ir.Regex("f", "b")))),
    ("f|re|i: a", ir.Regex("f", "(?i)a")),
    ("f|re|m: a", ir.Regex("f", "(?m)a")),
    ("f|re|s: a", ir.Regex("f", "(?s)a")),
    ("f|re|s|m|i: a", ir.Regex("f", "(?ims)a")),
    ("f|cidr: 10.0.0.0/8", ir.Cidr("f", "10.0.0.0/8")),
    ("f|cidr: 10.0.0.1", ir.Cidr("f", "10.0.0.1/32")),
    ("f|cidr: ['10.0.0.0/8', '2001:db8::/32']", ir.Or((ir.Cidr("f", "10.0.0.0/8"), ir.Cidr("f", "2001:db8::/32")))),
    ("f|other_account: true", ir.OtherAccount("f")),
    ("f|other_account: false", ir.Not(ir.OtherAccount("f"))),
    ("f|exists: true", ir.Exists("f")),
    ("f|exists: false", ir.Not(ir.Exists("f"))),
    ("f|lt: 5", ir.Compare("f", "lt", 5)),
    ("f|lte: 5", ir.Compare("f", "lte", 5)),
    ("f|gt: 1.5", ir.Compare("f", "gt", 1.5)),
    ("f|gte: -5", ir.Compare("f", "gte", -5)),
    ("f|neq: 5", ir.Not(ir.Number("f", 5))),
    ("f|neq: x", ir.Not(text("x"))),
    ("f|neq: [x, y]", ir.Not(ir.Or((text("x"), text("y"))))),
    ("f|contains|neq: x", ir.Not(text(MANY, "x", MANY))),
    ("f|base64: foobar", text("Zm9vYmFy")),
    ("f|base64offset|contains: foo", ir.Or(tuple(text(MANY, part, MANY) for part in ("Zm9v", "Zvb", "mb2")))),
    ("f|wide|base64: foo", text("ZgBvAG8A")),
    ("f|utf16le|base64: foo", text("ZgBvAG8A")),
    ("f|utf16|base64: foo", text("//5mAG8AbwA=")),
    ("f|utf16be|base64: foo", text("AGYAbwBv")),
    ("f|windash: '–x'", ir.Or(tuple(text(dash + "x") for dash in "-/–—―"))),
    ("f|hour: 3", ir.Regex("f", r"^\d{4}-\d\d-\d\d[T ](?:03):")),
    ("f|month|lte: 2", ir.Regex("f", r"^\d{4}-(?:01|02)-")),
    ("f|hour|neq: 3", ir.Not(ir.Regex("f", r"^\d{4}-\d\d-\d\d[T ](?:03):"))),
    ("f|windash: '-x'", ir.Or(tuple(text(dash + "x") for dash in "-/–—―"))),
    ("f|windash|contains: ' -x'", ir.Or(tuple(text(MANY, f" {dash}x", MANY) for dash in "-/–—―"))),
    ("f|fieldref: g", ir.FieldRef("f", "g")),
    ("f|fieldref|startswith: g", ir.FieldRef("f", "g", "startswith")),
    ("f|fieldref|endswith: g", ir.FieldRef("f", "g", "endswith")),
    ("f|fieldref|contains: g", ir.FieldRef("f", "g", "contains")),
    ("f|fieldref|neq: g", ir.Not(ir.FieldRef("f", "g"))),
]


@pytest.mark.parametrize(("item", "condition"), VALUES + MODIFIERS)
def test_item(files: Files, item: str, condition: ir.Condition) -> None:
    assert files.condition(item) == condition


PLACEHOLDERS = {"who": ["me", r"y*u\*"], "where": ["a", "b"]}


@pytest.mark.parametrize(
    ("item", "condition"),
    [
        ("f|expand: '%who%'", ir.Or((text("me"), text("y", MANY, "u*")))),
        ("f|expand: 'x%who%'", ir.Or((text("xme"), text("xy", MANY, "u*")))),
        ("f|expand|contains: '%who%'", ir.Or((text(MANY, "me", MANY), text(MANY, "y", MANY, "u*", MANY)))),
        ("f|expand: '%where%/%where%'", ir.Or(tuple(text(f"{a}/{b}") for a in "ab" for b in "ab"))),
        ("f: '%who%'", text("%who%")),
        (r"f|expand: '\%plain%who%'", ir.Or((text("%plainme"), text("%plainy", MANY, "u*")))),
        (r"f|expand: '\%who\%'", text("%who%")),
        (r"f|expand: '100% of who'", text("100% of who")),
    ],
)
def test_placeholder(files: Files, item: str, condition: ir.Condition) -> None:
    assert files.condition(item, PLACEHOLDERS) == condition


def test_a_placeholder_may_have_many_values_but_not_without_end(files: Files) -> None:
    accounts = {"accounts": [f"{number:012}" for number in range(1000)]}
    assert files.condition("f|expand: '%accounts%'", accounts) == ir.Or(tuple(map(text, accounts["accounts"])))
    found = files.one(item("f|expand: '%accounts%/%accounts%'"), accounts)
    assert isinstance(found, RuleError)
    assert (found.line, found.reason) == (8, "its placeholders stand for more than 10000 texts together")


A, B, C = text("x", field="a"), text("y", field="b"), text("z", field="c")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("sel_a", A),
        ("sel_a and not sel_b", ir.And((A, ir.Not(B)))),
        ("sel_a or sel_b and filter", ir.Or((A, ir.And((B, C))))),
        ("(sel_a or sel_b) and filter", ir.And((ir.Or((A, B)), C))),
        ("1 of sel_*", ir.Or((A, B))),
        ("any of sel_*", ir.Or((A, B))),
        ("all of sel_*", ir.And((A, B))),
        ("1 of them", ir.Or((A, B, C))),
        ("all of them", ir.And((A, B, C))),
        ("not 1 of fil*", ir.Not(C)),
        ("[sel_a, sel_b]", ir.Or((A, B))),
        ("sel_a OR sel_b AND NOT filter", ir.Or((A, ir.And((B, ir.Not(C)))))),
        ("ALL OF sel_* and NOT (1 OF fil*)", ir.And((A, B, ir.Not(C)))),
    ],
)
def test_condition(files: Files, condition: str, expected: ir.Condition) -> None:
    found = files.one(f"{HEAD}{THREE}{condition}\n")
    assert isinstance(found, ir.Rule)
    assert found.condition == expected


THREE = """\
detection:
    sel_a:
        a: x
    sel_b:
        b: y
    filter:
        c: z
    condition: """


def test_what_a_rule_says_of_itself(files: Files) -> None:
    extra = dedent("""\
        status: test
        level: high
        description: |
            Two
            lines.
        author: A. Author
        references: ['https://example.org']
        falsepositives: [Terraform]
        tags: [attack.persistence, attack.t1136.003, cve.2024-1]
        sakimori:
            severity: because
            asset: [requestParameters.userName]
        """)
    found = files.one(HEAD + extra + PLAIN)
    assert isinstance(found, ir.Rule)
    meta = found.meta
    assert (meta.id, meta.name, meta.title) == ("made_here", "made_here", "A title")
    assert meta.uuid == "11111111-1111-4111-8111-111111111111"
    assert (meta.severity, meta.severity_reason, meta.status) == (Severity.HIGH, "because", "test")
    assert (meta.tactics, meta.techniques) == (("persistence",), ("T1136.003",))
    assert (meta.description, meta.author) == ("Two lines.", "A. Author")
    assert (meta.references, meta.false_positives) == (("https://example.org",), ("Terraform",))
    assert (meta.asset, meta.line) == (("requestParameters.userName",), 1)


def test_a_rule_without_level_is_medium(files: Files) -> None:
    found = files.one(HEAD + PLAIN)
    assert isinstance(found, ir.Rule)
    assert found.meta.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{product: windows, category: process_creation}", "is about windows/process_creation, not CloudTrail"),
        ("{product: aws, service: guardduty}", "is about aws/guardduty, not CloudTrail"),
    ],
)
def test_rules_about_other_logs_are_skipped(files: Files, source: str, reason: str) -> None:
    found = files.one(f"title: T\nlogsource: {source}\n{PLAIN}")
    assert found == Skipped(str(files.folder / "made_here.yml"), 2, reason)


def test_several_documents(files: Files) -> None:
    second = HEAD.replace("title: A", "name: second\ntitle: B") + PLAIN
    nameless = "title: C\nlogsource: {product: aws}\n" + PLAIN
    found = files.all(f"---\n{HEAD}{PLAIN}---\n---\nnot a rule\n---\n{second}---\n{nameless}")
    first, broken, last, further = found
    assert isinstance(first, ir.Rule)
    assert (first.meta.id, first.meta.line) == ("made_here", 2)
    assert isinstance(broken, RuleError)
    assert (broken.line, broken.reason) == (13, "is not a rule: a YAML map is needed")
    assert isinstance(last, ir.Rule)
    assert (last.meta.id, last.meta.title, last.meta.line) == ("second", "B title", 15)
    assert isinstance(further, ir.Rule)
    assert (further.meta.id, further.meta.name) == ("made_here-4", "made_here-4")


def test_embedded_tests(files: Files) -> None:
    files.one(
        HEAD
        + PLAIN
        + dedent("""\
        sakimori:
            tests:
                - {name: one, match: true, event: {eventName: CreateUser}}
                - {name: two, match: false, events: [{eventName: A}, {eventName: B}]}
        """)
    )
    assert rule_tests(files.folder / "made_here.yml", "made_here") == (
        ir.RuleTest("one", True, ({"eventName": "CreateUser"},)),
        ir.RuleTest("two", False, ({"eventName": "A"}, {"eventName": "B"})),
    )
    assert rule_tests(files.folder / "made_here.yml", "another") == ()


CORRELATION = """\
title: A title
id: 11111111-1111-4111-8111-111111111112
correlation:
"""
"""Three lines: the settings start at line 4."""


def settings(text: str) -> str:
    return CORRELATION + indent(dedent(text), "    ")


def correlation(files: Files, text: str) -> ir.Correlation:
    found = files.one(settings(text))
    assert isinstance(found, ir.Correlation), found
    assert found.meta.id == "made_here"
    return found


def test_event_count(files: Files) -> None:
    found = correlation(
        files,
        """\
        type: event_count
        rules: failed
        group-by: [sourceIPAddress]
        timespan: 5m
        condition: {gte: 10}
        """,
    )
    assert (found.kind, found.rules, found.group_by) == ("event_count", ("failed",), ("sourceIPAddress",))
    assert (found.timespan, found.op, found.count, found.field) == (300, "gte", 10, ())
    assert not found.generate


@pytest.mark.parametrize("op", ["lt", "lte", "gt", "gte", "eq", "neq"])
def test_value_count(files: Files, op: str) -> None:
    found = correlation(
        files,
        f"""\
        type: value_count
        rules: [one, two]
        timespan: 1h
        condition: {{{op}: 3, field: eventName}}
        """,
    )
    assert (found.kind, found.op, found.count, found.field) == ("value_count", op, 3, ("eventName",))
    assert (found.group_by, found.timespan) == ((), 3600)


def test_a_range(files: Files) -> None:
    body = "type: event_count\nrules: [a]\ntimespan: 1h\ncondition:\n    gt: 100\n    lte: 200\n"
    found = correlation(files, body)
    assert (found.op, found.count, found.also) == ("gt", 100, (("lte", 200),))


@pytest.mark.parametrize("kind", ["temporal", "temporal_ordered"])
def test_temporal_with_aliases(files: Files, kind: str) -> None:
    found = correlation(
        files,
        f"""\
        type: {kind}
        rules: [one, two]
        group-by: [key]
        timespan: 1d
        generate: true
        aliases:
            key:
                one: userIdentity.accessKeyId
                two: responseElements.accessKey.accessKeyId
        """,
    )
    assert (found.kind, found.op, found.count, found.timespan) == (kind, "gte", 2, 86400)
    paths = (("one", "userIdentity.accessKeyId"), ("two", "responseElements.accessKey.accessKeyId"))
    assert found.aliases == (("key", paths),)
    assert found.generate


def test_first_seen(files: Files) -> None:
    found = correlation(
        files,
        """\
        type: first_seen
        rules: [signed_in]
        group-by: [userIdentity.arn]
        condition: {field: [sourceIPAddress, userAgent]}
        """,
    )
    assert (found.kind, found.field) == ("first_seen", ("sourceIPAddress", "userAgent"))
    assert (found.timespan, found.min_history) == (30 * 86400, 7 * 86400)


def test_baseline(files: Files) -> None:
    found = correlation(
        files,
        """\
        type: baseline
        rules: reads
        timespan: 10m
        history: 7d
        min-history: 1d
        condition: {gte: 50, factor: 4}
        """,
    )
    assert (found.kind, found.rules, found.timespan) == ("baseline", ("reads",), 600)
    assert (found.count, found.factor, found.history, found.min_history) == (50, 4, 7 * 86400, 86400)


def item(text: str) -> str:
    """A rule whose only item is at line 8."""
    return f"{HEAD}detection:\n    selection:\n        {text}\n    condition: selection\n"


WRONG_ITEMS = [
    (item("f|wat: x"), 8, "Unknown modifier 'wat'"),
    (item("f|cidr: 10.0.0.1/8"), 8, "has host bits set"),
    (item("f|cidr: nowhere"), 8, "does not appear to be an IPv4 or IPv6 network"),
    (item("f|lt: abc"), 8, "incompatible to value type of 'abc'"),
    (item("f|exists: maybe"), 8, "incompatible to value type of 'maybe'"),
    (item("f|contains: 5"), 8, "incompatible to value type of '5'"),
    (item("f|contains: null"), 8, "incompatible to value type of 'Null'"),
    (item("f|cased: 5"), 8, "incompatible to value type of '5'"),
    (item("f|re: 5"), 8, "must be text: put it in quotes"),
    (item("f|re|i: 5"), 8, "must be text: put it in quotes"),
    (item("f|re: 'a(?=b)'"), 8, "invalid perl operator: (?= (RE2 syntax: no look-around"),
    (item(r"f|re: '(a)\1'"), 8, "invalid escape sequence"),
    (item("f|re: '('"), 8, "missing )"),
    (item("f|week: 5"), 8, "the time modifier week is not supported"),
    (item("f|hour: 24"), 8, "no hour is eq 24: it is between 0 and 23"),
    (item("f|day|gt: 31"), 8, "no day is gt 31: it is between 1 and 31"),
    (item("f|expand|base64: '%nobody%'"), 8, "a placeholder is filled in last"),
    (item("f|re|expand: 'a%nobody%'"), 8, "expand is not supported for regular expressions"),
    (item("f|cased|fieldref: g"), 8, "cased does not go with fieldref"),
    (item("f|base64offset|contains: [ab, c]"), 8, "base64offset needs two characters"),
    (item("f|other_account|contains: true"), 8, "incompatible to value type"),
    (item("'|other_account': true"), 8, "stands alone behind a field"),
    (item("f|expand: '%nobody%'"), 8, "placeholder %nobody% has no value: set it in [detect.placeholders]"),
    (item("f: {g: h}"), 8, "Unsupported type"),
    (item("f: 2024-01-01"), 8, "Unsupported type"),
    (item("f: .nan"), 8, "Invalid number"),
    (item("f: x\n        f: y"), 9, "states 'f' twice"),
    (item("f: x\n        g|wat: y"), 9, "Unknown modifier 'wat'"),
]

WRONG_CONDITIONS = [
    ("2 of them", "Expected end of text"),
    ("nowhere", "Detection 'nowhere' not defined"),
    ("1 of no*", "doesn't match any detection"),
    ("sel_a and", "found end of text"),
    ("(sel_a", "Unbalanced parentheses"),
    ("sel_a | count() > 5", "deprecated and replaced by Sigma correlations"),
    ("", "the condition must be text"),
    ("5", "the condition must be text"),
    ("{a: b}", "the condition must be text"),
]

WRONG_RULES = [
    ("", 1, "holds no rule"),
    ("---\n---\n", 1, "holds no rule"),
    ("just text\n", 1, "is not a rule: a YAML map is needed"),
    ("- a\n", 1, "is not a rule: a YAML map is needed"),
    (HEAD, 1, "is not a rule: it has neither detection nor correlation"),
    ("a: [\nb: c\n", 3, "is not YAML: did not find expected ',' or ']'"),
    ("a:\n\tb: c\n", 2, "is not YAML: found character that cannot start any token"),
    ("a: !!python/object/apply:os.system [x]\n", 1, "is not YAML: could not determine a constructor"),
    ("a: \x00\n", 1, "is not YAML: unacceptable character #x0000"),
    ("? [a]\n: b\n", 1, "is not YAML: found unhashable key"),
    (f"{HEAD}filter:\n    rules: [a]\n    selection: {{f: x}}\n", 6, "exactly one condition"),
    (f"{HEAD}filter:\n    selection: {{f: x}}\n    condition: selection\n", 6, "must have a 'rules' field"),
    (f"{HEAD}filter:\n    rules: any\n    s: {{f|wat: x}}\n    condition: s\n", 8, "Unknown modifier 'wat'"),
    (f"{HEAD}filter:\n    rules: any\n    s: {{f: x}}\n    condition: nobody\n", 9, "'nobody' not defined"),
    (f"{HEAD}filter: [a]\n", 6, "must be"),
    (f"{HEAD}action: global\n{PLAIN}", 6, "rule collections (action:) are not supported"),
    (f"{HEAD}level: low\nlevel: high\n{PLAIN}", 7, "states 'level' twice"),
    (HEAD.replace("title: A title", "title: 5") + PLAIN, 1, "title must be a string"),
    (HEAD.replace("title: A title\n", "") + PLAIN, 1, "must have a title"),
    (HEAD.replace("id: 1", "id: z") + PLAIN, 2, "must be an UUID"),
    (f"title: T\n{PLAIN}", 1, "must have a log source"),
    (f"title: T\nlogsource: aws\n{PLAIN}", 2, "logsource must be a valid YAML map"),
    (f"{HEAD}level: bogus\n{PLAIN}", 6, "not a valid Sigma rule level"),
    (f"{HEAD}status: bogus\n{PLAIN}", 6, "not a valid Sigma rule status"),
    (f"{HEAD}date: bogus\n{PLAIN}", 6, "is invalid, use yyyy-mm-dd"),
    (f"{HEAD}tags: bogus\n{PLAIN}", 6, "tags fields must be a list"),
    (f"{HEAD}references: bogus\n{PLAIN}", 6, "references must be a list"),
    (f"{HEAD}falsepositives: bogus\n{PLAIN}", 6, "falsepositives must be a list"),
    (f"{HEAD}author: []\n{PLAIN}", 6, "author must be a string"),
    (f"{HEAD}name: 5\n{PLAIN}", 6, "name must be a string"),
    (f"{HEAD}detection:\n", 6, "detection must be a valid YAML map"),
    (f"{HEAD}detection: [a]\n", 6, "detection must be a valid YAML map"),
    (f"{HEAD}detection:\n    selection:\n        f: x\n", 6, "at least one condition"),
    (f"{HEAD}detection:\n    selection: {{}}\n    condition: selection\n", 6, "Detection is empty"),
    (
        f"{HEAD}detection:\n    selection:\n    condition: selection\n",
        6,
        "SigmaNull is not supported",
    ),
]

OWN = "type: first_seen\nrules: [a]\n"
TEMPORAL = "type: temporal\nrules: [a, b]\ntimespan: 5m\n"
ORDERED = TEMPORAL.replace("temporal", "temporal_ordered")
COUNT = "type: event_count\nrules: [a]\ntimespan: 5m\n"
WRONG_CORRELATIONS = [
    (f"{CORRELATION}", 3, "must be a dict"),
    (settings("type: wat\nrules: [a]\n"), 4, "'wat' is no valid Sigma correlation type"),
    (settings("type: value_sum\nrules: [a]\ntimespan: 5m\ncondition: {gte: 1, field: f}\n"), 4, "not supported"),
    (settings("type: event_count\nrules: []\n"), 5, "names no rules to correlate"),
    (settings("type: event_count\nrules: [5]\n"), 5, "rules must be a text or a list of texts"),
    (settings("type: event_count\nrules: [a]\ncondition: {gte: 1}\n"), 3, "without timespan"),
    (settings("type: event_count\nrules: [a]\ntimespan: 5x\ncondition: {gte: 1}\n"), 6, "Timespan '5x' is invalid"),
    (settings(COUNT), 3, "without condition"),
    (settings(f"{COUNT}condition: {{wat: 5}}\n"), 7, "exactly one condition item"),
    (settings(f"{COUNT}condition: {{gte: 5, lt: x}}\n"), 7, "no valid Sigma correlation condition count"),
    (settings("type: temporal_ordered\nrules: [a, b]\ntimespan: 5m\ncondition: {gte: 1}\n"), 7, "each of its rules"),
    (settings(f"{COUNT}condition: {{gte: x}}\n"), 7, "no valid Sigma correlation condition count"),
    (settings(f"{COUNT}condition: {{gte: 5}}\ngroup-by: 5\n"), 8, "group-by definition must be string or list"),
    (settings(f"{COUNT}condition: {{gte: 5}}\naliases: x\n"), 8, "aliases definition must be a dict"),
    (settings(f"{COUNT}condition: {{gte: 5}}\ngroupby: [a]\n"), 8, "event_count has no setting 'groupby'"),
    (settings(f"{ORDERED}condition: a and not b\n"), 7, "each of its rules"),
    (settings(f"{ORDERED}condition: a or b\n"), 7, "each of its rules"),
    (settings(f"{TEMPORAL}condition: a and\n"), 7, "Failed to parse extended condition"),
    (settings(f"{TEMPORAL}condition: a and c\n"), 7, "Rules defined but not referenced"),
    (settings(f"{COUNT}condition: a and b\n"), 7, "can only be used with temporal"),
    (settings("type: value_count\nrules: [a]\ntimespan: 5m\ncondition: {gte: 5}\n"), 3, "without field reference"),
    (settings(f"{OWN}condition: f\n"), 3, "first_seen needs rules and a condition"),
    (settings(f"{OWN}condition: {{}}\n"), 6, "first_seen needs the field to watch"),
    (settings(f"{OWN}condition: {{field: 5}}\n"), 6, "field must be a text or a list of texts"),
    (settings(f"{OWN}condition:\n    field: f\n    gte: 5\n"), 8, "a condition of first_seen has no setting 'gte'"),
    (settings(f"{OWN}condition: {{field: f}}\nwat: 1\n"), 7, "first_seen has no setting 'wat'"),
    (settings(f"{OWN}condition: {{field: f}}\ngroup-by: 5\n"), 7, "group-by must be a text or a list of texts"),
    (settings(f"{OWN}condition: {{field: f}}\nmin-history: soon\n"), 7, "Timespan 'soon' is invalid"),
    (settings("type: baseline\nrules: a\ncondition: {gte: 0}\n"), 6, "gte must be a number above 0, not 0"),
    (settings("type: baseline\nrules: a\ncondition: {factor: .nan}\n"), 6, "factor must be a number above 0, not nan"),
    (settings("type: baseline\nrules: a\ncondition: {gte: 1}\ntimespan: 0s\n"), 7, "must be greater than zero"),
]


@pytest.mark.parametrize(
    ("setting", "expression"),
    [
        (f"{TEMPORAL}condition: a and not b\n", ir.Combined("and", ("a", ir.Combined("not", ("b",))))),
        (f"{TEMPORAL}condition: a AND b\n", ir.Combined("and", ("a", "b"))),
        (f"{TEMPORAL}condition: NOT (a OR b)\n", ir.Combined("not", (ir.Combined("or", ("a", "b")),))),
        (f"{ORDERED}condition: b and a\n", None),
        (
            "type: temporal\ntimespan: 5m\ncondition: b or a and b\n",
            ir.Combined("or", ("b", ir.Combined("and", ("a", "b")))),
        ),
    ],
)
def test_a_correlation_with_an_expression(files: Files, setting: str, expression: ir.Combined | None) -> None:
    found = files.one(settings(setting))
    assert isinstance(found, ir.Correlation)
    assert found.expression == expression
    assert sorted(found.rules) == ["a", "b"]
    assert found.rules[0] == ("a" if "rules" in setting else "b")


@pytest.mark.parametrize(("content", "line", "reason"), WRONG_ITEMS + WRONG_RULES + WRONG_CORRELATIONS)
def test_error(files: Files, content: str, line: int, reason: str) -> None:
    found = files.error(content)
    assert found[0] == line, found
    assert reason in found[1]


@pytest.mark.parametrize(("condition", "reason"), WRONG_CONDITIONS)
def test_error_in_a_condition(files: Files, condition: str, reason: str) -> None:
    line, found = files.error(f"{HEAD}{THREE}{condition}\n")
    assert line == 13
    assert reason in found


def test_re2_keeps_quiet(files: Files, capfd: pytest.CaptureFixture[str]) -> None:
    files.error(item("f|re: 'a(?=b)'"))
    assert capfd.readouterr() == ("", "")


def test_merge_keys_are_no_repetition(files: Files) -> None:
    found = files.one(f"{HEAD}x-one: &one {{a: 1}}\nx-two: {{<<: *one, a: 2}}\n{PLAIN}")
    assert isinstance(found, ir.Rule)


@pytest.mark.parametrize(
    "hostile",
    [
        "a: &a [x, x, x]\n"
        + "".join(f"{n}: &{n} [{f'*{before}, ' * 9}]\n" for before, n in itertools.pairwise("abcdefghi")),
        "a: &a [*a]\n",
        HEAD + "detection:\n    selection:\n        f: " + "[" * 900 + "]" * 900 + "\n    condition: selection\n",
        HEAD + "detection:\n    selection:\n        f: x\n    condition: " + "not " * 3000 + "selection\n",
    ],
)
def test_hostile_yaml_is_an_error_and_no_crash(files: Files, hostile: str) -> None:
    files.error(hostile)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def reason(path: Path) -> str:
        (found,) = load_file(path)
        assert isinstance(found, RuleError)
        assert (found.path, found.line) == (str(path), 1)
        return found.reason

    large, binary = tmp_path / "large.yml", tmp_path / "binary.yml"
    large.write_bytes(b"#" * (MAX_RULE_BYTES + 1))
    binary.write_bytes(b"title: \xff\n")
    assert reason(tmp_path / "missing.yml") == "cannot be read: No such file or directory"
    assert reason(tmp_path) == "a folder in which no file is named .yml or .yaml"
    assert reason(large) == "larger than 1048576 bytes: not a rule file"
    assert reason(binary) == "is not UTF-8: invalid start byte at byte 7"


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "marked.yml").write_bytes(b"\xef\xbb\xbf" + (HEAD + PLAIN).encode())
    (found,) = load_file(tmp_path / "marked.yml")
    assert isinstance(found, ir.Rule)
