"""Sigma rule files -> rules in our representation; every error points at the file and the line.

Parsing is pySigma's (Sigma Rules and Correlation Rules Specification 2.0). What stands here is the way from its tree
to ours, our two correlation kinds, and the search for the line that an error is about.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any

import yaml
from sigma import conditions as sc
from sigma import types as st
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaDetections, SigmaRule
from sigma.rule.base import check_alias_expansion

from sakimori.detect import ir, sigma_modifiers
from sakimori.detect.rule_lines import RuleError, failing_item, line_of, line_with, repeated_key, under
from sakimori.detect.sigma_correlation import correlation
from sakimori.detect.sigma_regex import use_re2
from sakimori.detect.sigma_time import in_time
from sakimori.model.severity import Severity

MAX_RULE_BYTES = 1 << 20
"""A rule file larger than this is refused unread: the largest of SigmaHQ's is under 100 kB."""

MAX_PATTERNS = 10_000
"""Most texts that one value may stand for with its placeholders filled in."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sound rule that is about another log than CloudTrail."""

    path: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition that narrows rules (by name, UUID or id; none: all), from Sigma Filters Specification 2.1."""

    path: str
    line: int
    rules: tuple[str, ...]
    condition: ir.Condition


Loaded = ir.Rule | ir.Correlation | Filter | RuleError | Skipped


def load_file(path: Path, placeholders: Mapping[str, list[str]] | None = None) -> list[Loaded]:
    """Every rule of one YAML file, or what is wrong with it; never raises for what the file says."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_RULE_BYTES:
            return [RuleError(name, 1, f"larger than {MAX_RULE_BYTES} bytes: not a rule file")]
        content = path.read_text(encoding="utf-8-sig")
        documents = list(_documents(content))
    except IsADirectoryError:
        return [RuleError(name, 1, "a folder in which no file is named .yml or .yaml")]
    except OSError as error:
        return [RuleError(name, 1, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return [RuleError(name, 1, f"is not UTF-8: {error.reason} at byte {error.start}")]
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", error)
        line = mark.line + 1 if mark else 1
        return [RuleError(name, line, f"is not YAML: {' '.join(str(problem).split())}")]
    except RecursionError:
        return [RuleError(name, 1, "is nested too deeply")]
    except SigmaError as error:
        return [RuleError(name, 1, f"is refused unread: {error.args[0]}")]
    found: list[Loaded] = []
    for index, document in enumerate(documents):
        stem, further = (path.stem, "") if index == 0 else ("", f"{path.stem}-{index + 1}")
        reader = _Reader(name, document, stem, further, placeholders or {})
        found.append(_read(reader))
    return found or [RuleError(name, 1, "holds no rule")]


def _read(reader: _Reader) -> Loaded:
    """The reader's rule, or what is wrong with it. pySigma lets some errors of Python's own through: they are named."""
    try:
        try:
            return reader.read()
        except RuleError as error:
            return error
        except SigmaError as error:
            return reader.error(error)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            line = failing_item(under(reader.node, reader.section)) or reader.line(reader.section, "condition")
            return RuleError(reader.path, line, f"has a value of a type that cannot stand here: {error}")
    except RecursionError:
        return RuleError(reader.path, reader.line(), "is nested too deeply")


def rule_tests(path: Path, name: str) -> tuple[ir.RuleTest, ...]:
    """The embedded tests of the rule called `name` in a file that loads."""
    for document in (each.content for each in _documents(path.read_text(encoding="utf-8-sig"))):
        if isinstance(document, dict) and document.get("name", path.stem) == name:
            own = document.get("sakimori")
            tests = own.get("tests", []) if isinstance(own, dict) else []
            return tuple(
                ir.RuleTest(test["name"], bool(test["match"]), tuple(test.get("events") or [test["event"]]))
                for test in tests
            )
    return ()


@dataclass(frozen=True, slots=True)
class _Document:
    """One document of a file: its YAML tree, what it says, and a key that it states twice, with the line."""

    node: yaml.Node
    content: Any
    repeated: tuple[str, int] | None


def _documents(content: str) -> Iterator[_Document]:
    loader = yaml.CSafeLoader(content)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None or node.tag == "tag:yaml.org,2002:null":
                continue
            repeated = repeated_key(node)  # before merge keys (<<) are put in their place
            document = loader.construct_document(node)
            check_alias_expansion(document)
            yield _Document(node, document, repeated)
    finally:
        loader.dispose()


class _Reader:
    """One YAML document on its way to a rule."""

    def __init__(
        self, path: str, document: _Document, stem: str, further: str, placeholders: Mapping[str, list[str]]
    ) -> None:
        """`stem` is the first document's id; `further` names another one that has neither name nor UUID."""
        self.path, self.node, self.document, self.repeated = path, document.node, document.content, document.repeated
        self.stem, self.further, self.placeholders = stem, further, placeholders
        self.section = "filter" if isinstance(self.document, dict) and "filter" in self.document else "detection"

    def read(self) -> Loaded:
        if not isinstance(self.document, dict):
            raise RuleError(self.path, self.line(), "is not a rule: a YAML map is needed")
        if "action" in self.document:
            line = self.line("action")
            raise RuleError(self.path, line, "rule collections (action:) are not supported: state each rule in full")
        if self.repeated:
            key, line = self.repeated
            raise RuleError(self.path, line, f"states {key!r} twice: only one of them would count")
        if "correlation" in self.document:
            return correlation(self)
        if "detection" not in self.document and "filter" not in self.document:
            raise RuleError(self.path, self.line(), "is not a rule: it has neither detection nor correlation")
        source = self.document.get("logsource")
        if isinstance(source, dict) and (
            source.get("product") not in (None, "aws") or source.get("service") not in (None, "cloudtrail")
        ):
            wanted = "/".join(str(source[key]) for key in ("product", "category", "service") if source.get(key))
            return Skipped(self.path, self.line("logsource"), f"is about {wanted}, not CloudTrail")
        if "filter" in self.document:
            return self._filter()
        rule = SigmaRule.from_dict(sigma_modifiers.in_small_letters(self.document, "detection"))
        return ir.Rule(meta=self.meta(rule), condition=self._conditions(rule.detection))

    def _filter(self) -> Filter:
        own = SigmaFilter.from_dict(sigma_modifiers.in_small_letters(self.document, "filter")).filter
        rules = () if isinstance(own.rules, str) else tuple(reference.reference for reference in own.rules)
        return Filter(self.path, self.line("filter", "rules"), rules, self._conditions(own))

    def _conditions(self, detections: SigmaDetections) -> ir.Condition:
        """All conditions of a rule or filter, any of which will do."""
        for detection in detections.detections.values():
            if found := sigma_modifiers.misuse(detection):
                raise RuleError(self.path, self._line_with(found[0]), found[1])
        if not all(isinstance(condition, str) and condition.strip() for condition in detections.condition):
            raise RuleError(self.path, self.line(self.section, "condition"), "the condition must be text")
        conditions = []
        for condition in detections.parsed_condition:
            parsed = condition.parse()
            if parsed is None:
                raise RuleError(self.path, self.line(self.section, "condition"), "the condition selects nothing")
            conditions.append(self._condition(parsed))
        return _join(ir.Or, conditions)

    def meta(self, rule: SigmaRule | SigmaCorrelationRule) -> ir.Meta:
        own = rule.custom_attributes.get("sakimori")
        own = own if isinstance(own, dict) else {}
        tags = [str(tag) for tag in rule.tags if str(tag).startswith("attack.")]
        name = rule.name or self.stem or str(rule.id or self.further)
        level = rule.level.name if rule.level else "MEDIUM"
        asset = own.get("asset", [])
        return ir.Meta(
            id=self.stem or name,
            name=name,
            uuid=str(rule.id or ""),
            title=rule.title,
            description=" ".join((rule.description or "").split()),
            severity=Severity.parse(level),
            severity_reason=str(own.get("severity", "")),
            tactics=tuple(tag[7:] for tag in tags if not _is_technique(tag)),
            techniques=tuple(tag[7:].upper() for tag in tags if _is_technique(tag)),
            author=rule.author or "",
            references=tuple(str(entry) for entry in rule.references),
            false_positives=tuple(str(entry) for entry in rule.falsepositives),
            asset=tuple(asset) if isinstance(asset, list) else (str(asset),),
            status=rule.status.name.lower() if rule.status else "",
            path=self.path,
            line=self.line(),
        )

    def _condition(self, node: Any) -> ir.Condition:
        match node:
            case sc.ConditionAND():
                return _join(ir.And, [self._condition(child) for child in node.args])
            case sc.ConditionOR():
                return _join(ir.Or, [self._condition(child) for child in node.args])
            case sc.ConditionNOT():
                return ir.Not(self._condition(node.args[0]))
            case sc.ConditionFieldEqualsValueExpression():
                return self._predicate(node.field, node.value)
            case sc.ConditionValueExpression():
                return self._keyword(node.value)
        raise RuleError(self.path, self.line(self.section), f"{type(node).__name__} is not supported")

    def _predicate(self, field: str, value: st.SigmaType) -> ir.Condition:
        match value:
            case st.SigmaExpansion():
                return _join(ir.Or, [self._predicate(field, each) for each in value.values])
            case st.SigmaString():
                patterns = list(self._patterns(value))
                cased = isinstance(value, st.SigmaCasedString)
                return _join(ir.Or, [ir.Text(field, pattern, cased) for pattern in patterns])
            case st.SigmaBool():
                return ir.Text(field, (str(value).lower(),))
            case st.SigmaTimestampPart():
                return self._in_time(field, value, "eq")
            case st.SigmaNumber():
                return ir.Number(field, value.number)
            case st.SigmaNull():
                return ir.Null(field)
            case st.SigmaExists():
                return ir.Exists(field) if value else ir.Not(ir.Exists(field))
            case sigma_modifiers.OtherAccount():
                return ir.OtherAccount(field) if value.named else ir.Not(ir.OtherAccount(field))
            case st.SigmaRegularExpression():
                return ir.Regex(field, self._regex(value))
            case st.SigmaCIDRExpression():
                return ir.Cidr(field, str(value.network))
            case st.SigmaCompareExpression():
                op: Any = value.op.name.lower()
                if isinstance(value.number, st.SigmaTimestampPart):
                    return self._in_time(field, value.number, op)
                if op == "neq":
                    return ir.Not(ir.Number(field, value.number.number))
                return ir.Compare(field, op, value.number.number)
            case st.SigmaFieldReference():
                how: Any = {(False, False): "equals", (True, False): "startswith", (False, True): "endswith"}.get(
                    (value.starts_with, value.ends_with), "contains"
                )
                return ir.FieldRef(field, value.field, how)
        raise RuleError(self.path, self.line(self.section), f"a value of type {type(value).__name__} is not supported")

    def _in_time(self, field: str, value: st.SigmaTimestampPart, op: str) -> ir.Condition:
        try:
            return in_time(field, value.timestamp_part, op, int(value.number))
        except ValueError as error:
            raise RuleError(self.path, self._line_with(f"{field}|"), str(error)) from None

    def _keyword(self, value: st.SigmaType) -> ir.Condition:
        match value:
            case st.SigmaExpansion():
                return _join(ir.Or, [self._keyword(each) for each in value.values])
            case st.SigmaString():
                cased = isinstance(value, st.SigmaCasedString)
                return _join(ir.Or, [ir.Keyword(pattern, cased) for pattern in self._patterns(value)])
            case st.SigmaNumber() | st.SigmaBool():
                return ir.Keyword((str(value).lower(),))
        raise RuleError(
            self.path, self.line(self.section), f"a keyword of type {type(value).__name__} is not supported"
        )

    def _patterns(self, value: st.SigmaString) -> Iterator[ir.Pattern]:
        """The string's pattern, once for every combination of its placeholders' values."""
        choices = [self._choices(part) for part in value.s]
        if math.prod(map(len, choices)) > MAX_PATTERNS:
            line = self._line_with(str(value))
            raise RuleError(self.path, line, f"its placeholders stand for more than {MAX_PATTERNS} texts together")
        for chosen in product(*choices):
            yield _merged(chain.from_iterable(chosen))

    def _choices(self, part: str | st.SpecialChars | st.Placeholder) -> list[ir.Pattern]:
        """What a part of a string may be: itself, or the values of a placeholder, which are patterns as well."""
        if not isinstance(part, st.Placeholder):
            return [(part if isinstance(part, str) else _WILDCARDS[part],)]
        if part.name not in self.placeholders:
            raise RuleError(
                self.path,
                self._line_with(f"%{part.name}%"),
                f"placeholder %{part.name}% has no value: set it in [detect.placeholders]",
            )
        return [pattern for text in self.placeholders[part.name] for pattern in self._patterns(st.SigmaString(text))]

    def _regex(self, value: st.SigmaRegularExpression) -> str:
        if not isinstance(value.regexp, st.SigmaString):
            raise RuleError(self.path, self._line_with("|re"), "a regular expression must be text: put it in quotes")
        flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
        pattern = (f"(?{flags})" if flags else "") + value.regexp.to_plain(regex=True)
        return pattern

    def line(self, *keys: str) -> int:
        """The line (from 1) at which the value under these nested keys is set, or its nearest ancestor's."""
        return line_of(self.node, *keys)

    def _line_with(self, text: str) -> int:
        """The line of the detection's first key or value with this text, else of the detection."""
        return line_with(under(self.node, self.section), text) or self.line(self.section)

    def error(self, error: SigmaError) -> RuleError:
        """pySigma's error, at the line of the thing that it is about."""
        reason = _OBJECT.sub(r"\1", str(error.args[0] if error.args else error))
        kind = type(error).__name__.removeprefix("Sigma").removesuffix("Error").lower()
        if "correlation" in self.document and kind in _CORRELATION_ERRORS:
            about = reason.lower().replace("correlation rule", "")
            key = next((key for word, key in _CORRELATION_WORDS if word in about), "")
            return RuleError(self.path, self.line("correlation", key), reason)
        if kind == "condition":
            return RuleError(self.path, self.line(self.section, "condition"), reason)
        if kind in ("detection", "value", "modifier", "type", "regularexpression"):
            named = next((str(key) for key in self.document if f"rule {key} " in reason), "detection")
            return RuleError(self.path, failing_item(under(self.node, self.section)) or self.line(named), reason)
        kind = {"identifier": "id"}.get(kind, kind)
        key = next((str(key) for key in self.document if str(key).startswith(kind[:5])), "")
        return RuleError(self.path, self.line(key), reason)


_OBJECT = re.compile(r"<sigma\.types\.(?:Sigma)?(\w+) object at 0x\w+>")
_CORRELATION_ERRORS = ("correlationrule", "correlationcondition", "correlationtype", "timespan")
_CORRELATION_WORDS = (
    ("condition", "condition"),
    ("timespan", "timespan"),
    ("group-by", "group-by"),
    ("alias", "aliases"),
    ("type", "type"),
    ("rule", "rules"),
)
"""What pySigma's errors call the settings of a correlation."""

use_re2()
sigma_modifiers.register()
_WILDCARDS: dict[Any, ir.Wildcard] = {
    st.SpecialChars.WILDCARD_MULTI: ir.Wildcard.MANY,
    st.SpecialChars.WILDCARD_SINGLE: ir.Wildcard.ONE,
}


def _merged(parts: Iterable[str | ir.Wildcard]) -> ir.Pattern:
    """The parts, texts that stand side by side as one."""
    merged: list[str | ir.Wildcard] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


def _is_technique(tag: str) -> bool:
    return len(tag) > 8 and tag[7] in "tT" and tag[8].isdigit()


def _join(kind: type[ir.And] | type[ir.Or], children: list[ir.Condition]) -> ir.Condition:
    """The children under one And or Or, its own kind flattened; a single child stands for itself."""
    flat: list[ir.Condition] = []
    for child in children:
        flat.extend(child.children if isinstance(child, kind) else (child,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
