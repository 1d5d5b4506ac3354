"""AWS Config asks a custom rule about an instance: has it the policy, is the module really on, are there no warnings.

The rule's parameters say what is asked: `policy` (its name), `module` (`antiMalware`, ...), or neither, for no
warnings; `dsPolicy`, `dsControl` and the names of Trend's retired sample rules are understood too. An instance that is
deleted or has left the rule's scope is NOT_APPLICABLE; one that the manager does not know is NON_COMPLIANT; a manager
that does not answer gives no evaluation at all. Evaluations carry the time at which the configuration was captured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event
from sakimori.model.said import joined, say
from sakimori.respond.errors import RespondError
from sakimori.respond.guard import PASSING
from sakimori.respond.protected import NO_MANAGER
from sakimori.respond.protection import ask
from sakimori.respond.world import World

IAM_ACTIONS = ("ec2:DescribeInstances", "config:GetResourceConfigHistory")
USES = ("put-evaluations",)

INSTANCE = "AWS::EC2::Instance"
GONE = ("ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded")
ANNOTATION = 256
MOST_TOLD = 5

MODULES = {
    "anti_malware": "antiMalware",
    "web_reputation": "webReputation",
    "firewall": "firewall",
    "intrusion_prevention": "intrusionPrevention",
    "integrity_monitoring": "integrityMonitoring",
    "log_inspection": "logInspection",
}
"""Modules as the retired sample rules spell them -> as the API does."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a rule asks of an instance: a policy's name, a module, or ("", "") for no warnings."""

    policy: str = ""
    module: str = ""


def subscribes(event: Event) -> bool:
    return event.product == "config" and event.kind.startswith("Config Rule Invocation")


def plan(event: Event, world: World) -> Plan:
    if not subscribes(event):
        kind = repr(event.kind)
        raise RespondError(
            say("{kind} is no question of a custom Config rule: give what Lambda is invoked with", kind=kind)
        )
    question = asked(event)
    invoking: Mapping[str, Any] = event.detail["invokingEvent"]
    missing: list[str] = []
    item = _item(event, invoking, world, missing)
    time = (item or {}).get("configurationItemCaptureTime") or invoking.get("notificationCreationTime")
    evaluations: list[dict[str, Any]] = []
    told: list[str] = []
    for kind, instance, gone in _subjects(event, item, world) if item is not None else ():
        answer = _not_applicable(kind, gone) or _verdict(world, instance, question, missing)
        if answer is None:
            continue
        verdict, why = answer
        told.append(say("{instance}: {why}", instance=instance, why=why))
        evaluations.append(
            {
                "ComplianceResourceType": kind,
                "ComplianceResourceId": instance,
                "ComplianceType": verdict,
                "Annotation": why[:ANNOTATION],
                "OrderingTimestamp": time,
            }
        )
    rule = str(event.detail.get("configRuleArn") or event.detail.get("configRuleName"))
    parameters = {
        "evaluations": evaluations,
        "result_token": event.detail.get("resultToken", ""),
        "rule": str(event.detail.get("configRuleName", "")),
    }
    target = Target("AWS::Config::ConfigRule", rule, event.account, event.region, parameters)
    counts = ", ".join(sorted({each["ComplianceType"] for each in evaluations}))
    steps = (Step("put-evaluations", target, counts),) if evaluations else ()
    shown = joined("; ", told[:MOST_TOLD]) or say("none")
    why = say("{count} evaluations: {shown}", count=len(evaluations), shown=shown)
    return Plan(counts or "no evaluation", why, steps, tuple(missing))


def _item(event: Event, invoking: Mapping[str, Any], world: World, missing: list[str]) -> Mapping[str, Any] | None:
    """The configuration item that is asked about; {} on schedule, None where it cannot be had.

    Of an item that is too big for a notification only a summary comes: it is read from the resource's history
    ("Example oversized configuration item change notifications").
    """
    summary: Mapping[str, Any] = invoking.get("configurationItemSummary") or {}
    if not summary:
        return invoking.get("configurationItem") or {}
    if summary.get("configurationItemStatus") in GONE:
        return summary
    config = world.aws("config", event.account, event.region)
    about = {"resourceType": summary.get("resourceType"), "resourceId": summary.get("resourceId")}
    try:
        found = config.get_resource_config_history(
            **about, laterTime=summary.get("configurationItemCaptureTime"), limit=1
        )["configurationItems"]
    except AwsError as error:
        if isinstance(error, PASSING):
            raise
        told = say(
            "{id}: its configuration is too big for the notification, and {error}", id=about["resourceId"], error=error
        )
        missing.append(told)
        return None
    if not found:
        told = say("{id}: its configuration is too big for the notification, and not recorded", id=about["resourceId"])
        missing.append(told)
        return None
    return {**summary, "configurationItemStatus": found[0].get("configurationItemStatus", "OK")}


def _not_applicable(kind: str, gone: bool) -> tuple[str, str] | None:
    if gone:
        return "NOT_APPLICABLE", say("it is gone, or not in the rule's scope")
    return None if kind == INSTANCE else ("NOT_APPLICABLE", say("{kind} is no instance", kind=kind))


def asked(event: Event) -> Question:
    """The rule's question. Raises RespondError for a module that is none."""
    parameters: Mapping[str, Any] = event.detail.get("ruleParameters") or {}
    name = str(event.detail.get("configRuleName", ""))
    policy = str(parameters.get("policy") or parameters.get("dsPolicy") or "")
    module = str(parameters.get("module") or parameters.get("dsControl") or "")
    if not module and "ProtectedByAntiMalware" in name:
        module = "antiMalware"
    spelt = MODULES.get(module.strip().lower().replace(" ", "_").replace("-", "_"), module.strip())
    if spelt and spelt not in MODULES.values():
        about = {"rule": name, "module": repr(module), "known": joined(", ", MODULES.values())}
        raise RespondError(say("the rule {rule} asks about the module {module}: there are {known}", **about))
    return Question(policy.strip(), spelt)


def _subjects(event: Event, item: Mapping[str, Any], world: World) -> list[tuple[str, str, bool]]:
    """(type, id, whether it is gone) of what is asked about; on schedule, every instance of the account and region."""
    if item:
        gone = event.detail.get("eventLeftScope") is True or item.get("configurationItemStatus") in GONE
        return [(str(item.get("resourceType", "")), str(item.get("resourceId", "")), gone)]
    pages = world.aws("ec2", event.account, event.region).pages("describe_instances", "Reservations")
    found = [each for reservation in pages for each in reservation["Instances"]]
    return [(INSTANCE, str(each["InstanceId"]), each["State"]["Name"] == "terminated") for each in found]


def _verdict(world: World, instance: str, question: Question, missing: list[str]) -> tuple[str, str] | None:
    """COMPLIANT or not, and why; None where it cannot be known. Raises Passing while the manager is away."""
    if not world.has_manager:
        missing.append(say("{instance}: {why}", instance=instance, why=NO_MANAGER))
        return None
    try:
        computer = ask(world, lambda client: client.find_computer(instance_id=instance))
        if computer is None:
            return "NON_COMPLIANT", say("the protection manager does not know it")
        if question.policy:
            return _has_policy(world, computer, question.policy)
        need = (question.module,) if question.module else ()
        found = ask(world, lambda client: client.protection(computer, need))
    except RespondError as error:
        if type(error) is not RespondError:
            raise
        missing.append(say("{instance}: {why}", instance=instance, why=error))
        return None
    if question.module:
        module = found.computer.modules.get(question.module)
        on = found.computer.agent_status == "active" and module is not None and module.enforces
        said = (module.message or module.state) if module else say("unknown")
        status = found.computer.agent_status
        why = say("{module}: {state}, agent {status}", module=question.module, state=said, status=status)
        return ("COMPLIANT" if on else "NON_COMPLIANT"), why
    return ("NON_COMPLIANT", joined("; ", found.reasons)) if found.reasons else ("COMPLIANT", say("no warnings"))


def _has_policy(world: World, computer: Any, name: str) -> tuple[str, str]:
    policy = ask(world, lambda client: client.policy_named(name))
    if policy is None:
        return "NON_COMPLIANT", say("the manager has no policy {name}", name=name)
    if computer.policy == policy["ID"]:
        return "COMPLIANT", say("its policy is {name}", name=policy["name"])
    return "NON_COMPLIANT", say("its policy is not {name}", name=policy["name"])
