"""Sigma rule files -> rules in our representation; every error points at the file and the line.

Parsing is pySigma's (Sigma Rules and Correlation Rules Specification 2.0). What stands here is the way from its tree
to ours, our two correlation kinds, and the search for the line that an error is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import re2
import yaml
from sigma import conditions as sc
from sigma import types as st
from sigma.correlations import SigmaCorrelationRule, SigmaCorrelationTimespan
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.rule.base import check_alias_expansion
from sigma.rule.detection import SigmaDetectionItem

from sakimori.detect import ir
from sakimori.model.severity import Severity

MAX_RULE_BYTES = 1 << 20
"""A rule file larger than this is refused unread: the largest of SigmaHQ's is under 100 kB."""

OWN_CORRELATIONS = ("first_seen", "baseline")


class RuleError(ValueError):
    """A rule that cannot be used: `path:line: reason`."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path, self.line, self.reason = path, line, reason


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sound rule that is about another log than CloudTrail."""

    path: str
    line: int
    reason: str


Loaded = ir.Rule | ir.Correlation | RuleError | Skipped


def load_file(path: Path, placeholders: Mapping[str, list[str]] | None = None) -> list[Loaded]:
    """Every rule of one YAML file, or what is wrong with it; never raises for what the file says."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_RULE_BYTES:
            return [RuleError(name, 1, f"larger than {MAX_RULE_BYTES} bytes: not a rule file")]
        content = path.read_text(encoding="utf-8-sig")
        documents = list(_documents(content))
    except OSError as error:
        return [RuleError(name, 1, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return [RuleError(name, 1, f"is not UTF-8: {error.reason} at byte {error.start}")]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return [RuleError(name, mark.line + 1 if mark else 1, f"is not YAML: {getattr(error, 'problem', error)}")]
    except RecursionError:
        return [RuleError(name, 1, "is nested too deeply")]
    found: list[Loaded] = []
    for index, (node, document) in enumerate(documents):
        reader = _Reader(name, node, document, path.stem if index == 0 else "", placeholders or {})
        try:
            found.append(reader.read())
        except RuleError as error:
            found.append(error)
        except SigmaError as error:
            found.append(reader.error(error))
        except RecursionError:
            found.append(RuleError(name, reader.line(), "is nested too deeply"))
    return found or [RuleError(name, 1, "holds no rule")]


def rule_tests(path: Path, name: str) -> tuple[ir.RuleTest, ...]:
    """The embedded tests of the rule called `name` in a file that loads."""
    for node, document in _documents(path.read_text(encoding="utf-8-sig")):
        del node
        if isinstance(document, dict) and document.get("name", path.stem) == name:
            own = document.get("sakimori")
            tests = own.get("tests", []) if isinstance(own, dict) else []
            return tuple(
                ir.RuleTest(test["name"], bool(test["match"]), tuple(test.get("events") or [test["event"]]))
                for test in tests
            )
    return ()


def _documents(content: str) -> Iterator[tuple[yaml.Node, Any]]:
    loader = yaml.CSafeLoader(content)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node.tag == "tag:yaml.org,2002:null":
                continue
            document = loader.construct_document(node)
            check_alias_expansion(document)
            yield node, document
    finally:
        loader.dispose()


class _Reader:
    """One YAML document on its way to a rule."""

    def __init__(
        self, path: str, node: yaml.Node, document: Any, stem: str, placeholders: Mapping[str, list[str]]
    ) -> None:
        self.path, self.node, self.document, self.stem = path, node, document, stem
        self.placeholders = placeholders

    def read(self) -> Loaded:
        if not isinstance(self.document, dict):
            raise RuleError(self.path, self.line(), "is not a rule: a YAML map is needed")
        if "action" in self.document:
            raise RuleError(self.path, self.line("action"), "rule collections (action:) are not supported: state each rule in full")
        if "correlation" in self.document:
            return self._correlation()
        if "detection" not in self.document:
            raise RuleError(self.path, self.line(), "is not a rule: it has neither detection nor correlation")
        source = self.document.get("logsource")
        if isinstance(source, dict) and (
            source.get("product") not in (None, "aws") or source.get("service") not in (None, "cloudtrail")
        ):
            wanted = "/".join(str(source[key]) for key in ("product", "category", "service") if source.get(key))
            return Skipped(self.path, self.line("logsource"), f"is about {wanted}, not CloudTrail")
        rule = SigmaRule.from_dict(self.document)
        conditions = []
        for condition in rule.detection.parsed_condition:
            parsed = condition.parse()
            if parsed is None:
                raise RuleError(self.path, self.line("detection", "condition"), "the condition selects nothing")
            conditions.append(self._condition(parsed))
        return ir.Rule(meta=self._meta(rule), condition=_join(ir.Or, conditions))

    def _meta(self, rule: SigmaRule | SigmaCorrelationRule) -> ir.Meta:
        own = rule.custom_attributes.get("sakimori")
        own = own if isinstance(own, dict) else {}
        tags = [str(tag) for tag in rule.tags if str(tag).startswith("attack.")]
        name = rule.name or self.stem or (str(rule.id) if rule.id else "")
        rule_id = self.stem or name
        if not rule_id:
            raise RuleError(self.path, self.line(), "a further rule in a file needs a name")
        level = rule.level.name if rule.level else "MEDIUM"
        asset = own.get("asset", [])
        return ir.Meta(
            id=rule_id,
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

    def _correlation(self) -> ir.Correlation:
        body = self.document["correlation"]
        kind = body.get("type") if isinstance(body, dict) else None
        if kind in OWN_CORRELATIONS:
            return self._own_correlation(body, kind)
        rule = SigmaCorrelationRule.from_dict(self.document)
        name = rule.type.name.lower()
        if name not in ("event_count", "value_count", "temporal", "temporal_ordered"):
            raise RuleError(self.path, self.line("correlation", "type"), f"correlation type {name} is not supported")
        if rule.rules is None or not hasattr(rule.condition, "op"):
            raise RuleError(
                self.path, self.line("correlation", "condition"), "a condition written as an expression is not supported"
            )
        fieldref = getattr(rule.condition, "fieldref", None)
        return ir.Correlation(
            meta=self._meta(rule),
            kind=name,
            rules=tuple(reference.reference for reference in rule.rules),
            group_by=tuple(rule.group_by or ()),
            timespan=rule.timespan.seconds,
            op=rule.condition.op.name.lower(),
            count=rule.condition.count,
            field=(fieldref,) if isinstance(fieldref, str) else tuple(fieldref or ()),
            aliases=tuple(
                (alias.alias, tuple((ref.reference, path) for ref, path in alias.mapping.items()))
                for alias in rule.aliases
            ),
        )

    def _own_correlation(self, body: dict[str, Any], kind: Literal["first_seen", "baseline"]) -> ir.Correlation:
        allowed = {"type", "rules", "group-by", "timespan", "condition", "min-history", "history", "generate"}
        for key in body.keys() - allowed:
            raise RuleError(self.path, self.line("correlation", key), f"{kind} has no setting {key!r}")
        condition = body.get("condition")
        if not isinstance(condition, dict) or not body.get("rules"):
            raise RuleError(self.path, self.line("correlation"), f"{kind} needs rules and a condition")
        # pySigma reads the attributes around the correlation; the correlation itself is ours.
        stand_in = {"type": "event_count", "rules": body["rules"], "timespan": "1m", "condition": {"gte": 1}}
        rule = SigmaCorrelationRule.from_dict({**self.document, "correlation": stand_in})
        fieldref = condition.get("field", ())
        if kind == "first_seen" and not fieldref:
            raise RuleError(self.path, self.line("correlation", "condition"), "first_seen needs the field to watch")
        rules, group_by = body["rules"], body.get("group-by", [])
        return ir.Correlation(
            meta=self._meta(rule),
            kind=kind,
            rules=(rules,) if isinstance(rules, str) else tuple(rules),
            group_by=(group_by,) if isinstance(group_by, str) else tuple(group_by),
            timespan=self._seconds(body, "timespan", "30d" if kind == "first_seen" else "1h"),
            count=float(condition.get("gte", 1)),
            field=(fieldref,) if isinstance(fieldref, str) else tuple(fieldref),
            min_history=self._seconds(body, "min-history", "7d" if kind == "first_seen" else "3d"),
            history=self._seconds(body, "history", "14d"),
            factor=float(condition.get("factor", 10)),
        )

    def _seconds(self, body: Mapping[str, Any], key: str, default: str) -> int:
        try:
            return SigmaCorrelationTimespan(body.get(key, default)).seconds
        except SigmaError as error:
            raise RuleError(self.path, self.line("correlation", key), str(error)) from error

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
        raise RuleError(self.path, self.line("detection"), f"{type(node).__name__} is not supported")

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
                raise RuleError(self.path, self.line("detection"), "timestamp modifiers are not supported")
            case st.SigmaNumber():
                return ir.Number(field, value.number)
            case st.SigmaNull():
                return ir.Null(field)
            case st.SigmaExists():
                return ir.Not(ir.Null(field)) if value else ir.Null(field)
            case st.SigmaRegularExpression():
                return ir.Regex(field, self._regex(value))
            case st.SigmaCIDRExpression():
                return ir.Cidr(field, str(value.network))
            case st.SigmaCompareExpression():
                op = value.op.name.lower()
                if op == "neq":
                    return ir.Not(ir.Number(field, value.number.number))
                return ir.Compare(field, op, value.number.number)
            case st.SigmaFieldReference():
                how: Any = {(False, False): "equals", (True, False): "startswith", (False, True): "endswith"}.get(
                    (value.starts_with, value.ends_with), "contains"
                )
                return ir.FieldRef(field, value.field, how)
        raise RuleError(self.path, self.line("detection"), f"a value of type {type(value).__name__} is not supported")

    def _keyword(self, value: st.SigmaType) -> ir.Condition:
        match value:
            case st.SigmaExpansion():
                return _join(ir.Or, [self._keyword(each) for each in value.values])
            case st.SigmaString():
                cased = isinstance(value, st.SigmaCasedString)
                return _join(ir.Or, [ir.Keyword(pattern, cased) for pattern in self._patterns(value)])
            case st.SigmaNumber() | st.SigmaBool():
                return ir.Keyword((str(value).lower(),))
        raise RuleError(self.path, self.line("detection"), f"a keyword of type {type(value).__name__} is not supported")

    def _patterns(self, value: st.SigmaString) -> Iterator[ir.Pattern]:
        """The string's pattern, once for every combination of its placeholders' values."""
        names = [part.name for part in value.s if isinstance(part, st.Placeholder)]
        for name in names:
            if name not in self.placeholders:
                raise RuleError(
                    self.path, self.line("detection"), f"placeholder %{name}% has no value: set it in [detect.placeholders]"
                )
        if not names:
            yield tuple(part if isinstance(part, str) else _WILDCARDS[part] for part in value.s)
            return
        for replaced in value.replace_placeholders(lambda found: iter(self.placeholders[found.name])):
            yield from self._patterns(replaced)

    def _regex(self, value: st.SigmaRegularExpression) -> str:
        flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
        pattern = (f"(?{flags})" if flags else "") + value.regexp.to_plain(regex=True)
        try:
            re2.compile(pattern, _RE2_OPTIONS)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
            raise RuleError(
                self.path,
                self.line("detection"),
                f"regular expression {pattern!r}: {reason} (RE2 syntax: no look-around, no back-references, "
                "since their time has no bound)",
            ) from error
        return pattern

    def line(self, *keys: str) -> int:
        """The line (from 1) at which the value under these nested keys starts, or its nearest ancestor's."""
        node, line = self.node, self.node.start_mark.line + 1
        for key in keys:
            if not isinstance(node, yaml.MappingNode):
                break
            for key_node, value_node in node.value:
                if key_node.value == key:
                    node, line = value_node, key_node.start_mark.line + 1
                    break
        return line

    def error(self, error: SigmaError) -> RuleError:
        """pySigma's error, at the line of the thing that it is about."""
        reason = str(error.args[0]) if error.args else str(error)
        word = type(error).__name__.removeprefix("Sigma").removesuffix("Error").lower()
        if word == "condition":
            return RuleError(self.path, self.line("detection", "condition"), reason)
        keys = [key for key in self.document if word and str(key).startswith(word[:5])] if isinstance(self.document, dict) else []
        if keys and word not in ("detection", "value", "modifier", "type"):
            return RuleError(self.path, self.line(str(keys[0])), reason)
        if "correlation" in self.document:
            return RuleError(self.path, self.line("correlation"), reason)
        return RuleError(self.path, self._failing_item(self.node) or self.line("detection"), reason)

    def _failing_item(self, node: yaml.Node) -> int | None:
        """The line of the first detection item that pySigma does not take."""
        if isinstance(node, yaml.SequenceNode):
            return next((line for child in node.value if (line := self._failing_item(child))), None)
        if not isinstance(node, yaml.MappingNode):
            return None
        for key, value in node.value:
            if "|" in str(key.value):
                try:
                    SigmaDetectionItem.from_mapping(key.value, yaml.safe_load(yaml.serialize(value)))
                except (SigmaError, TypeError, ValueError):
                    return int(key.start_mark.line) + 1
            if line := self._failing_item(value):
                return line
        return None


_WILDCARDS = {st.SpecialChars.WILDCARD_MULTI: ir.Wildcard.MANY, st.SpecialChars.WILDCARD_SINGLE: ir.Wildcard.ONE}
_RE2_OPTIONS = re2.Options()
_RE2_OPTIONS.log_errors = False


def _is_technique(tag: str) -> bool:
    return len(tag) > 8 and tag[7] in "tT" and tag[8].isdigit()


def _join(kind: type[ir.And] | type[ir.Or], children: list[ir.Condition]) -> ir.Condition:
    """The children under one And or Or, its own kind flattened; a single child stands for itself."""
    flat: list[ir.Condition] = []
    for child in children:
        flat.extend(child.children if isinstance(child, kind) else (child,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
