"""On schedule: propose the managed rule groups of AWS WAF that fit what runs behind each web ACL, as Count first.

For every load balancer and CloudFront distribution: its web ACL, the instances behind it, the application types of the
intrusion prevention rules that protect them, and from these (`waf.yml`, which users replace in SAKIMORI_HOME) the
groups that fit and are offered, within the capacity of the ACL. Classic load balancers cannot have a web ACL, and are
named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event, Resource
from sakimori.respond import protected
from sakimori.respond.actions.add_waf_rule_group import rule
from sakimori.respond.manager import ask
from sakimori.respond.user_table import TableRow, chosen, rows
from sakimori.respond.world import World

IAM_ACTIONS = (
    "cloudfront:ListDistributions",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "wafv2:GetWebACLForResource",
    "wafv2:GetWebACL",
    "wafv2:ListAvailableManagedRuleGroups",
    "wafv2:CheckCapacity",
)
USES = ("add-waf-rule-group",)
TABLE = Path(__file__).with_suffix(".yml")
CAPACITY = 1500
"""WCU of a web ACL in its base price ("AWS WAF web ACL capacity units")."""

INSTANCE = "AWS::EC2::Instance"


@dataclass(slots=True)
class Front:
    """A web ACL with the instances behind what it protects."""

    acl: str
    region: str
    fronts: list[str] = field(default_factory=list)
    instances: set[str] = field(default_factory=set)


def subscribes(event: Event) -> bool:
    return False  # it runs on a schedule whose name begins with sakimori-waf, or when a person asks


def plan(event: Event, world: World) -> Plan:
    missing: list[str] = []
    steps: list[Step] = []
    for front in _fronts(world, event, missing).values():
        steps += _proposed(world, event, front, missing)
    named = ", ".join(str(step.target.parameters["group"]) for step in steps)
    why = (
        f"rule groups that fit: {named}" if steps else "every web ACL has the rule groups that fit, as far as is known"
    )
    return Plan(
        "add-waf-rule-group" if steps else "nothing to do", why, tuple(steps), tuple(missing), tell=bool(missing)
    )


def _fronts(world: World, event: Event, missing: list[str]) -> dict[str, Front]:
    """Web ACL -> what is behind it."""
    found: dict[str, Front] = {}
    by_name: dict[str, set[str]] = {}
    elb, waf = (world.aws(name, event.account, event.region) for name in ("elbv2", "wafv2"))
    for balancer in elb.pages("describe_load_balancers", "LoadBalancers"):
        arn = str(balancer["LoadBalancerArn"])
        instances = _instances_behind(elb, arn, missing)
        by_name[str(balancer.get("DNSName", "")).lower()] = instances
        if balancer.get("Type") != "application":
            continue
        acl = waf.get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}).get("ARN")
        if acl:
            front = found.setdefault(acl, Front(acl, event.region))
            front.fronts.append(arn)
            front.instances |= instances
        else:
            missing.append(f"{arn} has no web ACL: nothing stops web attacks in front of it")
    for classic in world.aws("elb", event.account, event.region).pages(
        "describe_load_balancers", "LoadBalancerDescriptions"
    ):
        name = classic["LoadBalancerName"]
        by_name[str(classic.get("DNSName", "")).lower()] = {each["InstanceId"] for each in classic.get("Instances", ())}
        missing.append(
            f"the classic load balancer {name} cannot have a web ACL: move it to an application load balancer"
        )
    _distributions(world, event, by_name, found, missing)
    return found


def _distributions(
    world: World, event: Event, by_name: dict[str, set[str]], found: dict[str, Front], missing: list[str]
) -> None:
    answer = world.aws("cloudfront", event.account).list_distributions()
    for each in answer.get("DistributionList", {}).get("Items", ()):
        acl = str(each.get("WebACLId", ""))
        if not acl.startswith("arn:"):
            said = "a web ACL of WAF Classic: move it to WAFv2" if acl else "no web ACL"
            missing.append(f"the distribution {each['Id']} has {said}")
            continue
        front = found.setdefault(acl, Front(acl, "us-east-1"))
        front.fronts.append(str(each["Id"]))
        for origin in each.get("Origins", {}).get("Items", ()):
            front.instances |= by_name.get(str(origin.get("DomainName", "")).lower(), set())


def _instances_behind(elb: Any, arn: str, missing: list[str]) -> set[str]:
    found: set[str] = set()
    for group in elb.describe_target_groups(LoadBalancerArn=arn)["TargetGroups"]:
        health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        if group.get("TargetType", "instance") == "instance":
            found |= {str(each["Target"]["Id"]) for each in health}
        elif health:
            missing.append(
                f"what runs behind {group['TargetGroupArn']}: its targets are of the type {group['TargetType']}"
            )
    return found


def _proposed(world: World, event: Event, front: Front, missing: list[str]) -> Iterator[Step]:
    """The groups that fit and are not there yet, as long as they fit into the ACL's capacity."""
    applications = _applications(world, event, front, missing)
    wanted = groups_for(applications, table(world.home))
    if not wanted:
        return
    scope = "CLOUDFRONT" if ":global/" in front.acl else "REGIONAL"
    waf = world.aws("wafv2", event.account, front.region)
    offered = {each["Name"]: each["VendorName"] for each in _offered(waf, scope)}
    _, name, own_id = front.acl.rpartition(":")[2].split("/")[1:]
    rules = waf.get_web_acl(Name=name, Id=own_id, Scope=scope)["WebACL"].get("Rules", [])
    there = {each["Statement"].get("ManagedRuleGroupStatement", {}).get("Name") for each in rules}
    for group in wanted:
        if group in there:
            continue
        if group not in offered:
            missing.append(f"the rule group {group} is not offered in {front.region} for {scope}")
            continue
        parameters = {"vendor": offered[group], "group": group}
        target = Target("AWS::WAFv2::WebACL", front.acl, event.account, front.region, parameters)
        added = rule(target, max((each["Priority"] for each in rules), default=-1) + 1)
        used = waf.check_capacity(Scope=scope, Rules=[*rules, added])["Capacity"]
        if used > CAPACITY:
            missing.append(f"{group} would take {front.acl} to {used} WCU, more than the {CAPACITY} in its base price")
            continue
        rules = [*rules, added]
        behind = ", ".join(sorted(front.instances))
        yield Step("add-waf-rule-group", target, f"{', '.join(sorted(applications))} run behind it on {behind}")


def _offered(waf: Any, scope: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    marker: dict[str, str] = {}
    while True:
        answer = waf.list_available_managed_rule_groups(Scope=scope, **marker)
        found += answer.get("ManagedRuleGroups", ())
        if not answer.get("NextMarker"):
            return found
        marker = {"NextMarker": answer["NextMarker"]}


def _applications(world: World, event: Event, front: Front, missing: list[str]) -> set[str]:
    """The application types of the intrusion prevention rules in force on the instances behind."""
    from sakimori.protect.client import host

    names: set[str] = set()
    for instance in sorted(front.instances):
        uid = f"arn:aws:ec2:{event.region}:{event.account}:instance/{instance}"
        found = protected.look(world, Resource(INSTANCE, uid, event.account, event.region))
        if not found.protected:
            missing.append(f"what runs on {instance}: {found.unknown or '; '.join(found.reasons)}")
            continue
        computer = found.computer.id
        types = ask(world, lambda client, computer=computer: client.assignments(host(computer)).application_types)  # type: ignore[misc]
        for number in sorted(types):
            kind = ask(world, lambda client, number=number: client.application_type(number))  # type: ignore[misc]
            names.add(str(kind.get("name", "")))
    return names


def groups_for(applications: set[str], rows: list[dict[str, list[str]]]) -> list[str]:
    """The groups of the rows that fit any of the application types, in the order of the table."""
    lower = [name.lower() for name in sorted(applications)]
    fitting = [
        group
        for row in rows
        if any(fnmatchcase(name, pattern.lower()) for pattern in row["application"] for name in lower)
        for group in row["groups"]
    ]
    return list(dict.fromkeys(fitting))


def table(home: Path | None) -> list[dict[str, list[str]]]:
    """The user's table, else ours. Raises RespondError for one that cannot be meant so, with the line."""
    return [_row(each) for each in rows(chosen(home, TABLE))]


def _row(given: TableRow) -> dict[str, list[str]]:
    for name in given.columns:
        if name not in ("application", "groups"):
            raise given.wrong(f"there is no column {name!r}: a row has `application` and `groups`", name)
    if given.columns.keys() != {"application", "groups"}:
        raise given.wrong("a row has the lists `application` and `groups`")
    return {name: list(given.texts(name)) for name in ("application", "groups")}
