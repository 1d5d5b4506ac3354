"""Inspector finds a CVE on a protected instance: assign the intrusion prevention rules for exactly that CVE.

To the instance's policy, or with `assign_to = "computer"` in [respond.inspector] to the computer alone. When the
finding closes, what this workflow assigned for it is withdrawn, and nothing else: rules that were there before, and
rules that another open finding needs, stay.
"""

from __future__ import annotations

from typing import Any

from sakimori.model.action import Plan, Step
from sakimori.model.event import Event, State
from sakimori.model.said import joined, say
from sakimori.respond import protected
from sakimori.respond.protected import Guarded
from sakimori.respond.protection import ask
from sakimori.respond.runs import ActionRow, ActionState
from sakimori.respond.world import World

INSTANCE, MODULE = "AWS::EC2::Instance", "intrusionPrevention"
USES = ("assign-rules", "withdraw-rules")


def subscribes(event: Event) -> bool:
    return event.product == "inspector2" and event.finding is not None and bool(cves(event))


def cves(event: Event) -> list[str]:
    """The CVEs that the finding is about."""
    named = event.finding.matched.get("vulnerabilities", ()) if event.finding else ()
    return [each for each in named if str(each).startswith("CVE-")]


def plan(event: Event, world: World) -> Plan:
    if event.state is not State.OPEN:
        return _withdrawn(event, world)
    if not cves(event):
        return Plan("nothing to do", say("the finding names no CVE"))
    steps: list[Step] = []
    missing: list[str] = []
    bare: list[Guarded] = []
    said: list[str] = []
    for resource in event.of_type(INSTANCE):
        found = protected.look(world, resource)
        if found.unknown:
            missing.append(protected.not_known(found))
        elif not found.protected:
            bare.append(found)
        else:
            assigned = _assigned(found, cves(event), world, said)
            module = found.computer.modules.get(MODULE)
            if assigned and not (module and module.enforces):
                missing.append(
                    say(
                        "intrusion prevention does not run on {instance}: the rules wait until it does",
                        instance=resource.id,
                    )
                )
            steps += assigned
    unprotected = tuple(protected.finding_of(each, event) for each in bare)
    why = joined("; ", said) or _without_rules(bare, missing)
    return Plan(
        _decision(steps, bare, missing), why, tuple(steps), tuple(missing), tell=bool(bare), findings=unprotected
    )


def _decision(steps: list[Step], bare: list[Guarded], missing: list[str]) -> str:
    if steps:
        return "assign-rules"
    if bare:
        return "tell that it is not protected"
    return "nothing can be done" if missing else "nothing to do"


def _without_rules(bare: list[Guarded], missing: list[str]) -> str:
    """Why no rule is spoken of."""
    if bare:
        return say("{reasons}: {install}", reasons=protected.reasons_of(bare), install=protected.INSTALL)
    if missing:
        return say("whether it is protected is not known")
    return say("the finding names no EC2 instance")


def _assigned(found: Guarded, wanted: list[str], world: World, said: list[str]) -> list[Step]:
    """The rules of the CVEs, with those that they depend on, which are not in force yet."""
    from sakimori.protect.client import host

    rules = [rule for cve in wanted for rule in ask(world, lambda client, cve=cve: client.rules_for_cve(cve))]  # type: ignore[misc]
    numbers = {rule.id for rule in rules} | {each for rule in rules for each in rule.depends_on}
    name = say("{cves} on {instance}", cves=joined(", ", wanted), instance=found.resource.id)
    if not numbers:
        said.append(say("no intrusion prevention rule is for {name}: install the fix", name=name))
        return []
    in_force = ask(world, lambda client: client.assignments(host(found.computer.id), MODULE).assigned)
    left = sorted(numbers - in_force)
    if not left:
        said.append(say("the rules for {name} are in force already", name=name))
        return []
    alone = world.settings.get("inspector", {}).get("assign_to", "policy") == "computer" or not found.computer.policy
    place = {} if alone else {"policy": found.computer.policy}
    titles = ", ".join(sorted(rule.name for rule in rules))
    said.append(say("rules for {name}: {titles}", name=name, titles=titles))
    return [Step("assign-rules", found.target(rules=left, **place), say("virtual patch: {titles}", titles=titles))]


def _withdrawn(event: Event, world: World) -> Plan:
    """What was assigned for this finding and is needed for no other."""
    runs = world.done_by("inspector")
    withdrawn = {
        _key(row, rule) for run in runs for row in run.actions if _done(row, "withdraw-rules") for rule in _rules(row)
    }
    steps = []
    for run in runs:
        for row in run.actions if run.event_uid == event.uid else ():
            if not _done(row, "assign-rules"):
                continue
            others = {
                _key(other, rule)
                for each in runs
                if each.event_uid != event.uid
                for other in each.actions
                if _done(other, "assign-rules")
                for rule in _rules(other)
            }
            mine = [rule for rule in _rules(row) if _key(row, rule) not in others | withdrawn]
            if mine:
                target = row.target
                parameters = {**target.parameters, "rules": mine}
                kept = type(target)(target.type, target.uid, target.account, target.region, parameters)
                steps.append(Step("withdraw-rules", kept, say("the finding is closed")))
    if not steps:
        why = say("the finding is closed, and nothing was assigned for it that no other needs")
        return Plan("nothing to do", why)
    why = say("the finding is closed: what was assigned for it is withdrawn")
    return Plan("withdraw-rules", why, tuple(steps))


def _done(row: ActionRow, action: str) -> bool:
    return row.action == action and row.state is ActionState.DONE


def _rules(row: ActionRow) -> list[int]:
    """The rules that an action really added or took: those that were there before are not its own."""
    before, after = (set(state.get("rules", {}).get(MODULE, ())) for state in (row.before, row.after))
    return sorted(before ^ after)


def _key(row: ActionRow, rule: int) -> tuple[Any, Any, int]:
    parameters = row.target.parameters
    policy = parameters.get("policy")
    return (policy, None if policy else parameters.get("computer"), rule)
