"""Which rules are in force on a policy or a computer: POST adds, PUT replaces, DELETE takes away.

What is inherited stays: it can be taken away only where it was assigned.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sakimori.protect import accept, holders, recommendations
from sakimori.protect.calls import Call, Operation, Shape
from sakimori.protect.declare import Resource, choice, moment, numbers
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.holders import Holder
from sakimori.protect.objects import Shown, must_exist
from sakimori.protect.policies import OVERRIDES, application_types
from sakimori.protect.resources import all_resources
from sakimori.protect.work import MODULES, RULE_RESOURCES

RULE_IDS = Shape("RuleIDs", (numbers("ruleIDs"),))
_RECOMMENDED = (
    choice("recommendationScanStatus", "none valid out-of-date unknown"),
    moment("lastRecommendationScanDate"),
    numbers("recommendedToAssignRuleIDs"),
    numbers("recommendedToUnassignRuleIDs"),
)


def _gives(module: str) -> Shape:
    model = module[:1].upper() + module[1:] + "Assignments"
    if MODULES[module] not in RULE_RESOURCES:
        return Shape(model, (numbers("assignedRuleIDs"),))
    types = (numbers("assignedApplicationTypeIDs"),) if module == "intrusionPrevention" else ()
    return Shape(model, (numbers("assignedRuleIDs"), *types, *_RECOMMENDED))


def operations() -> Iterator[Operation]:
    """For policies and computers, for each module that has rules."""
    for resource in holders.both():
        for module in MODULES:
            yield from _of(resource, module)


def _of(resource: Resource, module: str) -> Iterator[Operation]:
    one = {"policies": "policy", "computers": "computer"}[resource.id]
    base = f"/{resource.id}/{{{resource.key}}}/{module.lower()}/assignments"
    rules = all_resources()[MODULES[module]]
    name = f"{module.lower()}_rule_ids_on_{one}"
    table = (
        ("GET", base, f"list_{name}", "Lists the rules in force.", _list, False),
        ("POST", base, f"add_{name}", "Adds rules to those that are assigned.", _add, True),
        ("PUT", base, f"set_{name}", "Assigns these rules and no others.", _set, True),
        ("DELETE", f"{base}/{{{rules.key}}}", f"remove_{name}", "Takes a rule away.", _remove, True),
    )
    for method, path, operation, says, run, writes in table:
        yield Operation(
            method,
            path,
            operation,
            f"{resource.id}/{module.lower()}",
            says,
            partial(run, resource, module),
            right=holders.EDIT[resource.id] if writes else "",
            writes=writes,
            takes=RULE_IDS if method in ("POST", "PUT") else Shape(""),
            gives=_gives(module),
            query=(OVERRIDES,),
            reach=one,
        )


def _list(resource: Resource, module: str, call: Call) -> Shown:
    return _shown(call, holders.of(call, resource), module)


def _add(resource: Resource, module: str, call: Call) -> Shown:
    holder = holders.of(call, resource)
    return _assign(call, holder, module, [*holder.own_rules(module), *_sent(call, module)])


def _set(resource: Resource, module: str, call: Call) -> Shown:
    return _assign(call, holders.of(call, resource), module, _sent(call, module))


def _remove(resource: Resource, module: str, call: Call) -> Shown:
    holder = holders.of(call, resource)
    id = call.id(all_resources()[MODULES[module]].key)
    own = holder.own_rules(module)
    if id not in own:
        if id in holder.above().rules[MODULES[module]]:
            raise Invalid(f"rule {id} is inherited: take it away from the policy above that assigns it")
        raise NotFound(f"rule {id} is not assigned here")
    return _assign(call, holder, module, [each for each in own if each != id])


def _sent(call: Call, module: str) -> list[int]:
    sent = call.body.get("ruleIDs") if isinstance(call.body, dict) else None
    if sent is None:
        raise Invalid('the body must be {"ruleIDs": [...]}')
    ids = accept.integers(sent, "ruleIDs")
    must_exist(call, MODULES[module], set(ids))
    return ids


def _assign(call: Call, holder: Holder, module: str, ids: list[int]) -> Shown:
    rules = recommendations.closed(call.connection, call.tenant, MODULES[module], ids)
    values = {**(holder.body.get(module) or {}), "ruleIDs": rules}
    return _shown(call, holder.store(call, {**holder.body, module: values}), module)


def _shown(call: Call, holder: Holder, module: str) -> Shown:
    rules = MODULES[module]
    in_force = holder.effective().rules[rules]
    assigned = holder.own_rules(module) if call.flag("overrides") else list(in_force)
    shown: Shown = {"assignedRuleIDs": assigned}
    if module == "intrusionPrevention":
        shown["assignedApplicationTypeIDs"] = application_types(call.connection, call.tenant, tuple(assigned))
    if rules not in RULE_RESOURCES:
        return shown
    scans = holder.scans(call, rules)
    if not scans:
        return shown | {
            "recommendationScanStatus": "none",
            "recommendedToAssignRuleIDs": [],
            "recommendedToUnassignRuleIDs": [],
        }
    # A policy's computers together need what any of them needs.
    scan = recommendations.Scan(
        min(scan.scanned_at for scan in scans.values()), frozenset().union(*(scan.fits for scan in scans.values()))
    )
    to_assign, to_unassign = recommendations.changes(call.connection, call.tenant, rules, scan, in_force)
    return shown | {
        "recommendationScanStatus": scan.status,
        "lastRecommendationScanDate": scan.scanned_at,
        "recommendedToAssignRuleIDs": to_assign,
        "recommendedToUnassignRuleIDs": to_unassign,
    }
