"""IAM's evaluation as one formula for z3: the plain statement of the rules, against which the engine is held.

The resource and the context are variables; who asks, for what and under which policies is fixed. It is written from
the user guide and shares nothing with the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import z3

from random_policies import ADDRESS, MANY, NUMBER, SINGLE, TRUTH


@cache
def regex(pattern: str) -> Any:
    parts: list[Any] = []
    for character in pattern:
        if character == "*":
            parts.append(z3.Star(z3.AllChar(z3.ReSort(z3.StringSort()))))
        elif character == "?":
            parts.append(z3.AllChar(z3.ReSort(z3.StringSort())))
        else:
            parts.append(z3.Re(character))
    return z3.Concat(*parts) if len(parts) > 1 else parts[0]


def like(text: Any, pattern: str) -> Any:
    if "*" not in pattern and "?" not in pattern:
        return text == z3.StringVal(pattern)
    return z3.InRe(text, regex(pattern))


@dataclass
class Variables:
    """The open parts of a request."""

    resource: Any = field(default_factory=lambda: z3.String("resource"))
    has: dict[str, Any] = field(
        default_factory=lambda: {k: z3.Bool(f"has {k}") for k in (SINGLE, NUMBER, TRUTH, ADDRESS)}
    )
    text: Any = field(default_factory=lambda: z3.String("text"))
    many: tuple[Any, Any] = field(default_factory=lambda: (z3.String("many 1"), z3.String("many 2")))
    count: Any = field(default_factory=lambda: z3.Int("count"))
    number: Any = field(default_factory=lambda: z3.Int("number"))
    truth: Any = field(default_factory=lambda: z3.Bool("truth"))
    address: Any = field(default_factory=lambda: z3.BitVec("address", 32))

    def sane(self) -> Any:
        return z3.And(
            self.count >= 0, self.count <= 2, z3.Length(self.text) > 0, *(z3.Length(v) > 0 for v in self.many)
        )

    def of(self, resource: str, context: Mapping[str, Any]) -> list[tuple[Any, Any]]:
        """The values of one request, to put in place of the variables."""
        many = list(context.get(MANY, ()))
        values = [
            (self.resource, z3.StringVal(resource)),
            (self.text, z3.StringVal(context.get(SINGLE, ""))),
            (self.count, z3.IntVal(len(many))),
            (self.number, z3.IntVal(int(context.get(NUMBER, 0)))),
            (self.truth, z3.BoolVal(context.get(TRUTH) == "true")),
            (self.address, z3.BitVecVal(_bits(context.get(ADDRESS, "0.0.0.0")), 32)),
        ]
        values += [(v, z3.StringVal(many[n] if n < len(many) else "")) for n, v in enumerate(self.many)]
        return values + [(v, z3.BoolVal(key in context)) for key, v in self.has.items()]


def _bits(address: str) -> int:
    bits = 0
    for part in address.split("."):
        bits = bits << 8 | int(part)
    return bits


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ---- policy variables: at most one in a pattern, and wildcards on one side of it at most

_VARIABLE = re.compile(r"\$\{\s*([^},*]+?)\s*(?:,\s*'([^']*)')?\s*\}")
_STAR = "${*}"


def met(text: Any, pattern: str, v: Variables, *, wild: bool = True) -> Any:
    """Does the text match a pattern that may have a variable? Not `wild`: asterisks are characters."""
    found = _VARIABLE.search(pattern)
    if found is None:
        return _constant(text, pattern, wild)
    before, after = pattern[: found.start()], pattern[found.end() :]
    return _or(z3.And(given, _around(text, before, value, after, wild)) for given, value in _values(found, v))


def _constant(text: Any, pattern: str, wild: bool) -> Any:
    if _STAR not in pattern:
        return like(text, pattern) if wild else text == z3.StringVal(pattern)
    before, _, after = pattern.partition(_STAR)
    return _around(text, before, z3.StringVal("*"), after, wild)


def _around(text: Any, before: str, value: Any, after: str, wild: bool) -> Any:
    """`before` the value and `after` it: on one side of it a plain text."""
    if not wild:
        return text == z3.Concat(z3.StringVal(before), value, z3.StringVal(after.replace(_STAR, "*")))
    if "*" in before:
        start, _, end = before.partition("*")
        assert not end, "no text between the asterisk and the variable"
        tail = z3.Concat(value, z3.StringVal(after))
        long_enough = z3.Length(text) >= len(start) + z3.Length(tail)
        return z3.And(z3.PrefixOf(z3.StringVal(start), text), z3.SuffixOf(tail, text), long_enough)
    head = z3.Concat(z3.StringVal(before), value)
    rest = z3.SubString(text, z3.Length(head), z3.Length(text) - z3.Length(head))
    return z3.And(z3.PrefixOf(head, text), _constant(rest, after, True) if after else rest == z3.StringVal(""))


def _values(found: re.Match[str], v: Variables) -> list[tuple[Any, Any]]:
    """The values that a variable may take, each with when it does: of a key with two values it has none."""
    many = found[1].lower() == MANY
    present, absent = (v.count == 1, v.count == 0) if many else (v.has[SINGLE], z3.Not(v.has[SINGLE]))
    values = [(present, v.many[0] if many else v.text)]
    if found[2] is not None:
        values.append((absent, z3.StringVal(found[2])))
    return values


def condition(operator: str, key: str, values: list[str], v: Variables) -> Any:
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        present = v.count > 0 if key == MANY else v.has[key]
        return z3.Or(*(z3.Not(present) if value == "true" else present for value in values))
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    if key == MANY:
        each = [z3.Xor(z3.Or(*(_text(name, m, value, v) for value in values)), negated) for m in v.many]
        given = [z3.And(v.count > n, each[n]) for n in range(2)]
        if quantifier == "ForAllValues":
            return z3.And(*(z3.Implies(v.count > n, each[n]) for n in range(2)))
        return z3.Or(z3.And(v.count == 0, optional), *given)
    one = z3.Or(*(_one(name, key, value, v) for value in values))
    return z3.If(v.has[key], z3.Xor(one, negated), z3.BoolVal(optional or negated))


def _text(name: str, text: Any, value: str, v: Variables) -> Any:
    return met(text, value, v, wild="Like" in name)


def _one(name: str, key: str, value: str, v: Variables) -> Any:
    if key == SINGLE:
        return _text(name, v.text, value, v)
    if key == TRUTH:
        return v.truth == (value == "true")
    if key == ADDRESS:
        base, _, length = value.partition("/")
        shift = 32 - int(length)
        return z3.LShR(v.address, shift) == _bits(base) >> shift
    bound = int(value)
    return {
        "NumericEquals": v.number == bound,
        "NumericNotEquals": v.number == bound,
        "NumericLessThan": v.number < bound,
        "NumericLessThanEquals": v.number <= bound,
        "NumericGreaterThanEquals": v.number >= bound,
    }[name]


# ---- who asks


@dataclass(frozen=True)
class Caller:
    """`also` are the ARNs that a Principal may name it by beside its own."""

    arn: str
    account: str
    kind: str
    also: tuple[str, ...] = ()


def caller(arn: str) -> Caller:
    if arn == "anonymous" or ("amazonaws.com" in arn and not arn.startswith("arn:")):
        return Caller(arn, "", "anonymous" if arn == "anonymous" else "service")
    account = arn.split(":")[4]
    kind = arn.split(":")[5].partition("/")[0]
    also = (f"arn:aws:iam::{account}:role/app/web",) if kind == "assumed-role" else ()
    return Caller(arn, account, kind, also)


def named(entries: Any, who: Caller) -> set[str]:
    """How entries of a Principal mean the caller: itself, role, account, everybody."""
    found = set()
    pairs = (
        [("AWS", entries)] if isinstance(entries, str) else [(k, e) for k, es in entries.items() for e in listed(es)]
    )
    for kind, value in pairs:
        if kind == "Service":
            if who.kind == "service" and value == who.arn:
                found.add("itself")
        elif value == "*":
            found.add("everybody")
        elif value == who.arn:
            found.add("role" if who.kind == "role" else "account" if who.kind == "root" else "itself")
        elif value in who.also:
            found.add("role")
        elif who.account and value in (who.account, f"arn:aws:iam::{who.account}:root"):
            found.add("account")
    return found


@dataclass
class Layer:
    """What one kind of policy says: formulas for "some statement allows" by how it means the caller, and "denies"."""

    allows: Any
    denies: Any
    by_itself: Any
    by_role: Any


def _or(parts: Iterable[Any]) -> Any:
    return z3.Or(*parts, z3.BoolVal(False))


def layer(policies: Iterable[Any], who: Caller, action: str, v: Variables, kind: str, bounded: bool) -> Layer:
    allows, denies, by_itself, by_role = [], [], [], []
    for policy in policies:
        for s in listed(policy["Statement"]):
            means = _means(s, who, kind, bounded)
            if not means:
                continue
            met = z3.And(_about(s, action, v), *_conditions(s, v))
            if s["Effect"] == "Deny":
                denies.append(met)
                continue
            allows.append(met)
            if means & {"itself", "everybody"}:
                by_itself.append(met)
            elif "role" in means:
                by_role.append(met)
    return Layer(_or(allows), _or(denies), _or(by_itself), _or(by_role))


def _means(s: Mapping[str, Any], who: Caller, kind: str, bounded: bool) -> set[str]:
    if kind == "plain":
        return {"everybody"}
    if "Principal" in s:
        return named(s["Principal"], who)
    if "NotPrincipal" not in s:
        return {"everybody"} if kind != "resource" else set()
    listed_ = named(s["NotPrincipal"], who)
    if s["Effect"] == "Allow":
        return set() if listed_ else {"everybody"}
    if bounded:
        return {"everybody"}
    if "everybody" in listed_:
        return set()
    if who.kind == "assumed-role":
        return set() if {"itself", "role"} <= listed_ else {"everybody"}
    own = {"role": "role", "root": "account"}.get(who.kind, "itself")
    return set() if own in listed_ else {"everybody"}


def _about(s: Mapping[str, Any], action: str, v: Variables) -> Any:
    actions = [
        z3.simplify(like(z3.StringVal(action.lower()), p.lower())) for p in listed(s.get("Action") or s["NotAction"])
    ]
    about = z3.Xor(_or(actions), "NotAction" in s)
    if "Resource" not in s and "NotResource" not in s:
        return about
    resources = [met(v.resource, p, v) for p in listed(s.get("Resource") or s["NotResource"])]
    return z3.And(about, z3.Xor(_or(resources), "NotResource" in s))


def _conditions(s: Mapping[str, Any], v: Variables) -> list[Any]:
    return [
        condition(operator, key, listed(values), v)
        for operator, keys in s.get("Condition", {}).items()
        for key, values in keys.items()
    ]


# ---- the whole


def allowed_and_denied(case: Mapping[str, Any], v: Variables) -> tuple[Any, Any]:
    """Two formulas: the request is allowed; the request is explicitly denied."""
    request = case["request"]
    who, action, account = caller(request["principal"]), request["action"], request["resource"]["accountId"]
    bounded = bool(case.get("permissionBoundaries"))
    linked = "aws-service-role/" in who.arn

    def of(policies: Iterable[Any], kind: str) -> Layer:
        return layer(policies, who, action, v, kind, bounded)

    identity = of(case["identityPolicies"], "plain")
    resource = of([case["resourcePolicy"]] if case.get("resourcePolicy") else [], "resource")
    boundary = of(case.get("permissionBoundaries", ()), "plain")
    session = of([case["sessionPolicy"]] if case.get("sessionPolicy") else [], "plain")
    endpoint = of(case.get("endpointPolicies", ()), "named")
    scps = [
        of(level["policies"], "plain") for level in case.get("serviceControlPolicies", ()) if who.account and not linked
    ]
    rcps = [of(level["policies"], "named") for level in case.get("resourceControlPolicies", ()) if not linked]
    denied = _or(each.denies for each in (identity, resource, boundary, session, endpoint, *scps, *rcps))
    limits = [level.allows for level in scps] + ([endpoint.allows] if case.get("endpointPolicies") else [])
    own = identity.allows if who.kind != "root" else z3.BoolVal(True)
    if who.kind == "federated-user" and not case.get("sessionPolicy"):
        own = z3.BoolVal(False)  # it was given nothing of what its user may
    within = z3.And(
        boundary.allows if bounded and who.kind != "root" else True,
        session.allows if case.get("sessionPolicy") and who.kind != "root" else True,
    )
    if who.kind == "root" and action == "sts:AssumeRole":
        return z3.BoolVal(False), denied
    in_session = session.allows if case.get("sessionPolicy") else z3.BoolVal(True)
    if not who.account:
        granted = resource.allows
    elif who.account != account:
        granted = z3.And(own, within, resource.allows)
    else:
        own_path = z3.And(own, within)
        if action in ("kms:Decrypt", "sts:AssumeRole"):
            own_path = z3.And(own_path, resource.allows)
        granted = z3.Or(own_path, z3.And(resource.by_role, within), z3.And(resource.by_itself, in_session))
    return z3.And(z3.Not(denied), *limits, granted), denied
