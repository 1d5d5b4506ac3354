"""What can be said of rules without logs of the user's: do their own tests hold, and what in them looks wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from sakimori.detect import ir
from sakimori.detect.detection import Detector
from sakimori.detect.literals import covers
from sakimori.detect.rulebook import Rulebook

_TOP_LEVEL = frozenset(
    [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "requestID",
        "eventID",
        "eventType",
        "apiVersion",
        "managementEvent",
        "readOnly",
        "resources",
        "recipientAccountId",
        "serviceEventDetails",
        "sharedEventID",
        "vpcEndpointId",
        "vpcEndpointAccountId",
        "eventCategory",
        "addendum",
        "sessionCredentialFromConsole",
        "edgeDeviceDetails",
        "tlsDetails",
        "insightDetails",
        "eventContext",
    ]
)
"""AWS CloudTrail User Guide, "CloudTrail record contents for management, data, and network activity events"."""

POINTS_AT_NEARLY_ALL = 0.7
"""A rule whose rarest literals are in more than this share of records makes nearly every record be looked at."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One embedded test: whether the rule did what the test says."""

    rule: str
    test: str
    expected: bool
    passed: bool


@dataclass(frozen=True, slots=True, order=True)
class LintWarning:
    """Something in a rule that loads but looks wrong: `path:line: rule: reason`."""

    path: str
    line: int
    rule: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.reason}"


def run_tests(book: Rulebook, tests: Mapping[str, Iterable[ir.RuleTest]]) -> Iterator[Outcome]:
    """The embedded tests of these rules (by id), each on its records alone."""
    detector = Detector(book.only(tests))  # one for all: to compile an engine takes longer than the tests of its rule
    for rule_id, own in tests.items():
        for test in own:
            text = orjson.dumps({"Records": list(test.events)}, default=str)
            found = any(finding.rule == rule_id for finding in detector.findings(detector.look(text, test.name)))
            yield Outcome(rule_id, test.name, test.match, found == test.match)


def lint(book: Rulebook) -> Iterator[LintWarning]:
    """What looks wrong, rule by rule."""
    for rule in book.rules:
        reasons = [*_inert(rule.condition), *_unindexable(rule), *_tags(rule.meta)]
        for reason in dict.fromkeys(reasons):
            yield LintWarning(rule.meta.path, rule.meta.line, rule.meta.id, reason)
    for correlation in book.correlations:
        for reason in _tags(correlation.meta):
            yield LintWarning(correlation.meta.path, correlation.meta.line, correlation.meta.id, reason)


def _inert(condition: ir.Condition) -> Iterator[str]:
    """Predicates that cannot do what they look like."""
    for predicate in ir.predicates(condition):
        field = getattr(predicate, "field", "")
        if field and field.split(".")[0] not in _TOP_LEVEL:
            yield f"no CloudTrail record has a field {field.split('.')[0]!r}: the test on {field} never holds"
        if isinstance(predicate, ir.Text):
            literal = "".join(part for part in predicate.pattern if isinstance(part, str))
            if _is_field_name(literal):
                yield f"{field} is compared with the text {literal!r}, which is the name of a field: use |fieldref"


def _is_field_name(literal: str) -> bool:
    first, _, rest = literal.partition(".")
    return first in _TOP_LEVEL and (bool(rest) or first in ("userIdentity", "requestParameters", "responseElements"))


def _unindexable(rule: ir.Rule) -> Iterator[str]:
    found = covers(rule.condition)
    if not found:
        yield "unindexable: no string must be in every record that it matches, so every record is decoded for it"
    elif found[0].share >= POINTS_AT_NEARLY_ALL:
        rarest = min(found[0].literals).decode()
        yield f"hardly indexable: its rarest string ({rarest}) is in most records, so most are decoded for it"


def _tags(meta: ir.Meta) -> Iterator[str]:
    if not meta.techniques:
        yield "no ATT&CK technique among its tags (attack.tNNNN)"
    if not meta.tactics:
        yield "no ATT&CK tactic among its tags (attack.TACTIC)"


def embedded_tests(book: Rulebook, wanted: Iterable[str] = ()) -> dict[str, tuple[ir.RuleTest, ...]]:
    """Rule id -> its embedded tests, of the wanted rules, or of all."""
    from sakimori.detect.sigma import rule_tests

    ids = list(wanted) or list(book.metas)
    return {rule_id: rule_tests(Path(book.metas[rule_id].path), book.metas[rule_id].name) for rule_id in ids}
