"""The obviously right evaluator: one record, one condition, from the definitions. Every execution is held to it."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import re2

from sakimori.detect import ir
from sakimori.detect.fields import number, record_text, text, values


def holds(condition: ir.Condition, record: dict[str, Any]) -> bool:
    match condition:
        case ir.And(children):
            return all(holds(child, record) for child in children)
        case ir.Or(children):
            return any(holds(child, record) for child in children)
        case ir.Not(child):
            return not holds(child, record)
        case ir.Keyword(pattern, cased):
            return fits((ir.Wildcard.MANY, *pattern, ir.Wildcard.MANY), cased, record_text(record))
        case ir.Null(field):
            return all(value is None for value in values(record, field))
        case ir.OtherAccount(field):
            own = {text(value) for value in values(record, "recipientAccountId")}
            texts = [text(value) or "" for value in values(record, field)]
            named = {each for found in texts for each in re.findall(r"(?<![\w-])[0-9]{12}(?![\w-])", found, re.ASCII)}
            return bool(named - own)
        case ir.Exists(field):
            return there(record, field.split("."))
        case ir.FieldRef(field, other, how):
            ours = [text(value) for value in values(record, field)]
            theirs = [text(value) for value in values(record, other)]
            return any(refers(a, b, how) for a in ours if a is not None for b in theirs if b is not None)
        case _:
            return any(value_holds(condition, value) for value in values(record, condition.field))


def value_holds(predicate: ir.Predicate, value: Any) -> bool:
    match predicate:
        case ir.Text(_, pattern, cased):
            found = text(value)
            return found is not None and fits(pattern, cased, found)
        case ir.Regex(_, pattern):
            found = text(value)
            return found is not None and re2.search(pattern, found) is not None
        case ir.Number(_, wanted):
            return number(value) == wanted
        case ir.Compare(_, op, wanted):
            found = number(value)
            if found is None:
                return False
            return {"lt": found < wanted, "lte": found <= wanted, "gt": found > wanted, "gte": found >= wanted}[op]
        case ir.Cidr(_, network):
            try:
                return isinstance(value, str) and ipaddress.ip_address(value) in ipaddress.ip_network(network)
            except ValueError:
                return False
    raise AssertionError(predicate)


def there(value: Any, keys: list[str]) -> bool:
    """The keys lead to something, through objects and every element of a list."""
    if not keys:
        return True
    if isinstance(value, list):
        return any(there(element, keys) for element in value)
    return isinstance(value, dict) and keys[0] in value and there(value[keys[0]], keys[1:])


def fits(pattern: ir.Pattern, cased: bool, found: str) -> bool:
    """The whole of `found` fits the pattern; without `cased` both are lower-cased first."""
    parts = {ir.Wildcard.MANY: ".*", ir.Wildcard.ONE: "."}
    expression = "".join(
        parts[part] if isinstance(part, ir.Wildcard) else re.escape(part if cased else part.lower()) for part in pattern
    )
    return re.fullmatch(expression, found if cased else found.lower(), re.DOTALL) is not None


def refers(ours: str, theirs: str, how: str) -> bool:
    a, b = ours.lower(), theirs.lower()
    return {"equals": a == b, "startswith": a.startswith(b), "endswith": a.endswith(b), "contains": b in a}[how]
