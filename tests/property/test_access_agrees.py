"""The access engine against z3: the evaluator on 2,000 random policy sets, open questions on 500, and their
witnesses."""

from __future__ import annotations

import random
from collections import Counter
from copy import deepcopy
from typing import Any

import pytest
import z3

from access_z3 import Variables, allowed_and_denied
from random_policies import KEYS, TARGETS, context, policy_set, statement
from sakimori.assess.access.cases import _policies, _request, simulate
from sakimori.assess.access.engine import decide
from sakimori.assess.access.requests import answer
from sakimori.assess.access.symbolic import Limits, Outcome, conclude

SETS = 2_000
OPEN_SETS = 500


def expected(formulas: tuple[Any, Any], values: list[tuple[Any, Any]]) -> str:
    allowed, denied = (z3.is_true(z3.simplify(z3.substitute(each, *values))) for each in formulas)
    return "ExplicitlyDenied" if denied else "Allowed" if allowed else "ImplicitlyDenied"


def test_the_evaluator_agrees_with_z3() -> None:
    random_, variables, seen = random.Random(1), Variables(), Counter[str]()
    for _ in range(SETS):
        case = policy_set(random_)
        formulas = allowed_and_denied(case, variables)
        prefix, names = TARGETS[case["request"]["action"]]
        for _ in range(3):
            case["request"]["resource"]["resource"] = prefix + random_.choice(names)
            case["request"]["context"] = context(random_)
            wanted = expected(
                formulas, variables.of(case["request"]["resource"]["resource"], case["request"]["context"])
            )
            assert simulate(case).response.value == wanted, case
            seen[wanted] += 1
    assert min(seen.values()) > SETS / 20, seen


def test_open_questions_agree_with_z3_and_their_witnesses_replay() -> None:
    random_, variables, seen = random.Random(2), Variables(), Counter[Outcome]()
    for _ in range(OPEN_SETS):
        case = policy_set(random_)
        prefix, _ = TARGETS[case["request"]["action"]]
        if (case["request"]["principal"].endswith(":root"), prefix) == (True, TARGETS["sts:AssumeRole"][0]):
            continue  # in open questions a root user stands for whomever the account lets, and these assume roles
        case["request"] |= {"context": {}, "resource": case["request"]["resource"] | {"resource": f"{prefix}*"}}
        request, policies = _request(case["request"]), _policies(case)
        limits = Limits(absent=lambda key: key not in KEYS, impossible=lambda key, values: len(values) > 2)
        found = conclude(request, policies, limits=limits)
        seen[found.outcome] += 1
        allowed, _ = allowed_and_denied(case, variables)
        below = z3.And(z3.PrefixOf(z3.StringVal(prefix), variables.resource), variables.sane())
        if found.outcome is Outcome.UNKNOWN:
            assert "stands in a pattern of resources" in found.why, (found, case)
            continue
        if found.outcome is Outcome.DENIED:
            assert satisfiable(z3.And(allowed, below)) == z3.unsat, case
            continue
        assert found.possible, (found, case)
        assert decide(found.witness, policies).allowed, (found.witness, case)
        assert answer(found.witness, policies).allowed
        there = z3.And(variables.sane(), variables.resource == z3.StringVal(found.witness.resource))
        always = satisfiable(z3.And(z3.Not(allowed), there)) == z3.unsat
        assert always == (found.outcome is Outcome.ALLOWED), case
        assert (found.outcome is Outcome.CONDITIONAL) == bool(found.conditions), found
    assert min(seen[each] for each in (Outcome.ALLOWED, Outcome.CONDITIONAL, Outcome.DENIED)) > OPEN_SETS / 20, seen
    assert seen[Outcome.UNKNOWN] < OPEN_SETS / 25, seen


def satisfiable(formula: Any) -> Any:
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(formula)
    return solver.check()


# ---- properties


def every_policy(case: dict[str, Any]) -> list[dict[str, Any]]:
    found = [*case["identityPolicies"], *case.get("permissionBoundaries", ()), *case.get("endpointPolicies", ())]
    found += [case[key] for key in ("resourcePolicy", "sessionPolicy") if key in case]
    for key in ("serviceControlPolicies", "resourceControlPolicies"):
        found += [policy for level in case.get(key, ()) for policy in level["policies"]]
    return found


@pytest.mark.parametrize("effect", ["Deny", "Allow"])
def test_a_denial_never_allows_and_an_allowance_never_refuses(effect: str) -> None:
    random_, changed = random.Random(3), 0
    for _ in range(3_000):
        case = policy_set(random_)
        policies = every_policy(case)
        if not policies:
            continue
        before = simulate(case).response.value
        prefix = TARGETS[case["request"]["action"]][0]
        random_.choice(policies)["Statement"].append(statement(random_, prefix, named=True, effect=effect))
        after = simulate(case).response.value
        changed += before != after
        if effect == "Deny":
            assert after != "Allowed" or before == "Allowed", case
        else:
            assert before != "Allowed" or after == "Allowed", case
    assert changed > 30


def test_order_never_matters() -> None:
    random_ = random.Random(4)
    for _ in range(700):
        case = policy_set(random_)
        other = deepcopy(case)
        for policy in every_policy(other):
            random_.shuffle(policy["Statement"])
        for key in ("identityPolicies", "permissionBoundaries", "serviceControlPolicies", "resourceControlPolicies"):
            random_.shuffle(other.get(key, []))
        assert simulate(other).response == simulate(case).response, case


def test_an_open_key_is_never_guessed() -> None:
    """Where the outcome is Allowed, every context is; where it is denied, none is."""
    random_ = random.Random(5)
    limits = Limits(impossible=lambda key, values: len(values) > 2)
    for _ in range(400):
        case = policy_set(random_)
        case["request"]["context"] = {}
        request, policies = _request(case["request"]), _policies(case)
        found = conclude(request, policies, limits=limits)
        for _ in range(6):
            case["request"]["context"] = context(random_)
            allowed = decide(_request(case["request"]), policies).allowed
            assert not allowed or found.outcome is not Outcome.DENIED, case
            assert allowed or found.outcome is not Outcome.ALLOWED, case
