"""Answers that hold whatever the request's context is, or say what it must be.

A context key that the inventory does not settle stays open: the answer is Allowed, "allowed if aws:SourceVpce =
vpce-1", denied, or Unknown with the reason. Each key is tried with one value for each way in which its tests can turn
out (`representatives.py`), so the answer is exact; where that is too much to try, it is Unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice, product
from math import prod

from sakimori.assess.access.arns import is_pattern, likely, resource_glob
from sakimori.assess.access.conditions import Test, holds
from sakimori.assess.access.engine import Answer, Level, Policies, Request, Response, decide
from sakimori.assess.access.globs import ANY, Glob, TooManyAtoms, covers, distinct, matcher
from sakimori.assess.access.narrowing import (
    can_be_allowed,
    meant_patterns,
    narrowed,
    stands_for_many,
    statements_of,
)
from sakimori.assess.access.policy import Policy, Statement
from sakimori.assess.access.representatives import ABSENT, TooManyValues, Values, representatives
from sakimori.assess.access.variables import (
    Context,
    anything_filled_in,
    captured,
    filled_in,
    has_variables,
    named,
    unshielded,
)
from sakimori.assess.access.words import conditions_in_words

MAX_TRIES = 8_192
"""Contexts tried for one principal and one resource."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known of an open context: keys that are never there, values that a key never has, and likely ones."""

    absent: Callable[[str], bool] = lambda key: False
    impossible: Callable[[str, Values], bool] = lambda key, values: False
    likely: Callable[[str], tuple[Values, ...]] = lambda key: ()


NO_LIMITS = Limits()


class Outcome(StrEnum):
    """What a question about a principal comes to."""

    ALLOWED = "Allowed"
    CONDITIONAL = "AllowedIf"
    DENIED = "Denied"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The outcome with a witness: a request that `decide` answers as the outcome says, and its answer.

    `conditions` holds what the context must be, a sentence each, where the outcome is CONDITIONAL; `why` says the rest.
    """

    outcome: Outcome
    witness: Request
    answer: Answer
    conditions: tuple[str, ...] = ()
    why: str = ""

    @property
    def possible(self) -> bool:
        return self.outcome in (Outcome.ALLOWED, Outcome.CONDITIONAL)


def conclude(
    request: Request,
    policies: Policies,
    limits: Limits | None = None,
) -> Conclusion:
    """What comes of a request whose context is open but for `request.context` and what `limits` rules out.

    Wildcards in the resource stand for whatever they match.
    """
    relevant = narrowed(request, policies)
    if not can_be_allowed(request, relevant):
        # What comes of it does not turn on the context: at most a denial becomes explicit.
        return Conclusion(Outcome.DENIED, request, _plain_denial(request, relevant))
    resources = [request.resource]
    if stands_for_many(request):
        try:
            resources = [*_witnesses(request, relevant)]
        except TooManyAtoms as error:
            return _unknown(request, f"the patterns of resources overlap in too many ways: {error}")
    best: Conclusion | None = None
    for resource in resources:
        asked = replace(request, resource=resource)
        found = _concluded(asked, narrowed(asked, relevant), limits or NO_LIMITS, many=resources != [request.resource])
        if best is None or OUTCOMES.index(found.outcome) < OUTCOMES.index(best.outcome):
            best = found
        if best.outcome is Outcome.ALLOWED:
            break
    return best or Conclusion(Outcome.DENIED, request, _plain_denial(request, relevant))


OUTCOMES = (Outcome.ALLOWED, Outcome.CONDITIONAL, Outcome.UNKNOWN, Outcome.DENIED)
"""The surest first."""


def _unknown(request: Request, why: str) -> Conclusion:
    return Conclusion(Outcome.UNKNOWN, request, Answer(Response.UNKNOWN, (), why), why=why)


def _plain_denial(request: Request, relevant: Policies) -> Answer:
    if is_pattern(request.resource):
        return Answer(Response.IMPLICITLY_DENIED, (), f"no policy allows {request.action} on {request.resource}")
    return decide(request, relevant)


# ---- resources


def _witnesses(request: Request, relevant: Policies) -> Iterator[str]:
    globs = frozenset(patterns_in_play(request, relevant))
    for pattern in meant_patterns(request):
        within = resource_glob(pattern)
        found = distinct(within, frozenset(glob for glob in globs if not covers(glob, within)))
        yield from map(likely, found)


def patterns_in_play(request: Request, policies: Policies) -> Iterator[Glob]:
    """The patterns of resources in all statements, but those that match anything."""
    for statement in statements_of(policies):
        complete = statement.principals is None
        for pattern in statement.resources or ():
            text: str | None = pattern
            if has_variables(pattern) and statement.variables:
                settled = named(pattern).keys() <= request.context.keys()
                text = filled_in(pattern, request.context) if settled else anything_filled_in(pattern, "?*")
            if text is None:
                continue
            glob = unshielded(resource_glob(text, complete=complete))
            if glob != (ANY,):
                yield glob


# ---- contexts


def _concluded(request: Request, relevant: Policies, limits: Limits, *, many: bool) -> Conclusion:
    """What comes of a request for one resource; `many`: which stands for others that match the same patterns."""
    if not can_be_allowed(request, relevant):
        return Conclusion(Outcome.DENIED, request, decide(request, relevant))
    tests = _open_tests(request, relevant, limits)
    patterns = _open_patterns(request, relevant, limits)
    where = f"{', '.join(sorted({name for _, names in patterns for name in names}))} stands in a pattern of resources"
    if any(len(names) > 1 for _, names in patterns):
        return _by_bounds(request, relevant, where)
    for _, (name,) in patterns:
        tests.setdefault(name, [])
    if not tests:
        answer = decide(request, relevant)
        outcome = {Response.ALLOWED: Outcome.ALLOWED, Response.UNKNOWN: Outcome.UNKNOWN}.get(answer.response)
        return Conclusion(outcome or Outcome.DENIED, request, answer, why=answer.why if outcome else "")
    try:
        tried = {
            key: _apart(
                key,
                tests,
                [
                    value
                    for value in (
                        *limits.likely(key),
                        *_values(key, tests, request.context),
                        *_captured(key, patterns, request.resource),
                    )
                    if not limits.impossible(key, value)
                ],
                lambda context: _matches(patterns, request, context),
            )
            for key in tests
        }
    except TooManyValues as error:
        return _by_bounds(request, relevant, f"its conditions can turn out in too many ways: {error}")
    if prod(map(len, tried.values())) > MAX_TRIES:
        return _by_bounds(request, relevant, f"its conditions on {', '.join(sorted(tried))} combine in too many ways")
    found = _searched(request, relevant, tried, tests)
    if patterns and many and found.outcome is Outcome.DENIED:
        return _by_bounds(request, relevant, where)
    return found


def _open_tests(request: Request, relevant: Policies, limits: Limits) -> dict[str, list[Test]]:
    """The keys that statements test and nothing settles, each with its tests."""
    found: dict[str, list[Test]] = {}
    for statement in statements_of(relevant):
        for test in statement.tests:
            names = [test.name]
            if test.variables:
                names += [name for value in test.values for name in named(value)]
            for name in names:
                if name not in request.context and not limits.absent(name):
                    found.setdefault(name, []).append(test)
    return found


def _values(key: str, tests: Mapping[str, list[Test]], context: Context) -> tuple[Values, ...]:
    """The values to try; of a key that is compared with another's by a variable, also those that meet or fail that."""
    found: dict[Values, None] = dict.fromkeys(_alone(key, tests, context))
    for test in tests[key]:
        for pattern in test.values if test.variables else ():
            for name in named(pattern):
                if key == name:
                    compared = _alone(test.name, tests, context)
                    texts = [text for values in compared for text in values]
                    found.update(dict.fromkeys(compared))
                    found.update(((each,), None) for text in texts for each in captured(pattern, text, key))
                elif key == test.name:
                    for values in _alone(name, tests, context):
                        known = {**context, name: values} if values else context
                        found.update(dict.fromkeys((values, *representatives([test], known))))
    if any(test.quantifier for test in tests[key] if test.name == key):
        found["x-one", "x-two"] = None  # of a key with two values a variable has none
    return tuple(found)


def _alone(key: str, tests: Mapping[str, list[Test]], context: Context) -> tuple[Values, ...]:
    """The value of a key, or those that its tests tell apart, whatever other keys there are."""
    if key in context:
        return (context[key],)
    own = [test for test in tests.get(key, ()) if test.name == key]
    found = representatives(own, context) if own else (ABSENT,)
    linked = any(test.variables for test in tests.get(key, ()))
    return (*found, ("x-one",), ("x-two",)) if linked else found


def _apart(
    key: str,
    tests: Mapping[str, list[Test]],
    values: Sequence[Values],
    matches: Callable[[Context], tuple[bool, ...]],
) -> list[Values]:
    """One of the values for each way in which the key's tests turn out, and the patterns that it stands in match; all
    of them where a test has variables."""
    if any(test.variables for test in tests[key]):
        return [*dict.fromkeys(values)]
    found: dict[tuple[bool, ...], Values] = {}
    for value in dict.fromkeys(values):
        context = {key: value} if value else {}
        found.setdefault((*(holds(test, context) for test in tests[key]), *matches(context)), value)
    return [*found.values()]


Patterns = tuple[tuple[str, tuple[str, ...]], ...]
"""Patterns of resources, each with the open keys that it takes variables from."""


def _open_patterns(request: Request, relevant: Policies, limits: Limits) -> Patterns:
    found: dict[str, tuple[str, ...]] = {}
    for statement in statements_of(relevant):
        for pattern in (statement.resources or ()) if statement.variables else ():
            names = [name for name in named(pattern) if name not in request.context and not limits.absent(name)]
            if names:
                found[pattern] = tuple(names)
    return tuple(found.items())


MAX_CAPTURED = 2_000
"""Values of a key that a resource may be made of, and are tried."""


def _captured(key: str, patterns: Patterns, resource: str) -> list[Values]:
    """The values of a key that stands in patterns of resources with which one of these can match, and others."""
    found: dict[str, None] = {}
    for pattern, names in patterns:
        if key in names:
            found.update(dict.fromkeys(islice(captured(pattern, resource, key), MAX_CAPTURED + 1)))
            if len(found) > MAX_CAPTURED:
                raise TooManyValues(f"{resource} can be made of {key} in more than {MAX_CAPTURED:,} ways")
    return [(text,) for text in (*found, "x-one", "x-two")] if any(key in names for _, names in patterns) else []


def _matches(patterns: Patterns, request: Request, context: Context) -> tuple[bool, ...]:
    """Which of the patterns match the resource, with variables from the request's context and this."""
    known = {**request.context, **context}
    texts = (filled_in(pattern, known) for pattern, _ in patterns)
    return tuple(
        text is not None and bool(matcher(unshielded(resource_glob(text)))(request.resource)) for text in texts
    )


def _searched(
    request: Request, relevant: Policies, tried: Mapping[str, Sequence[Values]], tests: Mapping[str, list[Test]]
) -> Conclusion:
    keys = [*tried]
    allowed: list[tuple[Values, ...]] = []
    refused: Answer | None = None
    unclear: Answer | None = None
    verdicts: dict[tuple[Values, ...], bool] = {}
    for combination in product(*tried.values()):
        answer = decide(with_context(request, keys, combination), relevant)
        verdicts[combination] = answer.allowed
        if answer.allowed:
            allowed.append(combination)
        elif answer.response is Response.UNKNOWN:
            unclear = unclear or answer
        else:
            refused = refused or answer
    if not allowed:
        if unclear:
            return Conclusion(Outcome.UNKNOWN, request, unclear, why=unclear.why)
        return Conclusion(Outcome.DENIED, request, refused or decide(request, relevant))
    best = min(allowed, key=lambda combination: sum(map(bool, combination)))
    witness = with_context(request, keys, best)
    answer = decide(witness, relevant)
    if len(allowed) == len(verdicts):
        return Conclusion(Outcome.ALLOWED, witness, answer)
    decisive = [
        key
        for at, key in enumerate(keys)
        if any(not verdicts[(*best[:at], other, *best[at + 1 :])] for other in tried[key])
    ]
    # Where no key decides alone, for one makes up for another, what the witness has is a way to meet them.
    told = decisive or [key for key, values in zip(keys, best, strict=True) if values] or keys
    return Conclusion(Outcome.CONDITIONAL, witness, answer, tuple(conditions_in_words(told, witness, relevant, tests)))


def with_context(request: Request, keys: Sequence[str], values: Sequence[Values]) -> Request:
    """The request with these keys; an empty value is a key that it lacks."""
    added = {key: value for key, value in zip(keys, values, strict=True) if value}
    return replace(request, context={**request.context, **added})


def _by_bounds(request: Request, relevant: Policies, why: str) -> Conclusion:
    """Where not all can be tried: right where the worst case is allowed or the best is not, else Unknown."""
    worst = decide(request, assumed(relevant, request.context, favourable=False))
    if worst.allowed:
        return Conclusion(Outcome.ALLOWED, request, worst)
    best = decide(request, assumed(relevant, request.context, favourable=True))
    if not best.allowed and best.response is not Response.UNKNOWN:
        return Conclusion(Outcome.DENIED, request, best)
    return _unknown(request, why)


def assumed(policies: Policies, context: Context, *, favourable: bool) -> Policies:
    """The policies with every open condition decided for or against the request."""

    def statement(each: Statement) -> Statement | None:
        open_ = any(test.name not in context or test.variables for test in each.tests)
        if has_open_resource(each, context):
            open_ = True
            each = each._replace(resources=("*",), not_resources=False)
        if not open_:
            return each
        return each._replace(tests=()) if each.allows == favourable else None

    def policy(each: Policy) -> Policy:
        return Policy(each.name, each.kind, tuple(kept for kept in map(statement, each.statements) if kept))

    def levels(each: tuple[Level, ...]) -> tuple[Level, ...]:
        return tuple(Level(level.name, tuple(map(policy, level.policies))) for level in each)

    return Policies(
        identity=tuple(map(policy, policies.identity)),
        resource=policy(policies.resource) if policies.resource else None,
        scps=levels(policies.scps),
        rcps=levels(policies.rcps),
        boundaries=tuple(map(policy, policies.boundaries)),
        session=policy(policies.session) if policies.session else None,
        endpoints=tuple(map(policy, policies.endpoints)),
        also=tuple(map(policy, policies.also)),
    )


def has_open_resource(statement: Statement, context: Context) -> bool:
    return statement.variables and any(
        has_variables(pattern) and not named(pattern).keys() <= context.keys() for pattern in statement.resources or ()
    )
