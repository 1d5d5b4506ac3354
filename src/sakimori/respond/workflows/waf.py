"""On schedule: propose the managed rule groups of AWS WAF that fit what runs behind each web ACL, as Count first.

For every application load balancer, stage of a REST API and CloudFront distribution: its web ACL, the instances and ECS
services behind it, what runs there (the policies of the instances and the application types of the intrusion prevention
rules that protect them, the images of the services), and from these (`waf.yml`, which users replace in SAKIMORI_HOME)
the groups that fit and are offered, within the capacity of the ACL. Classic load balancers and HTTP APIs cannot have a
web ACL, and are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event, Resource
from sakimori.model.partition import partition_of
from sakimori.model.said import joined, say
from sakimori.respond import behind, fronts, protected
from sakimori.respond.actions.add_waf_rule_group import rule
from sakimori.respond.errors import Passing, RespondError
from sakimori.respond.fronts import CLOUDFRONT_REGION, Front, Fronts
from sakimori.respond.guard import PASSING
from sakimori.respond.protection import ask
from sakimori.respond.user_table import TableRow, chosen, rows
from sakimori.respond.world import World

IAM_ACTIONS = (
    *fronts.IAM_ACTIONS,
    *behind.IAM_ACTIONS,
    "wafv2:GetWebACL",
    "wafv2:ListAvailableManagedRuleGroups",
    "wafv2:DescribeManagedRuleGroup",
    "wafv2:CheckCapacity",
)
USES = ("add-waf-rule-group",)
TABLE = Path(__file__).with_suffix(".yml")
CAPACITY = 1500
"""WCU of a web ACL in its base price ("AWS WAF web ACL capacity units"); `capacity` in [respond.waf] allows more."""

INSTANCE = "AWS::EC2::Instance"
SIGNS = ("application", "policy", "image", "platform")
"""The columns of the table that are patterns of what runs behind a web ACL."""


@dataclass(slots=True)
class Running:
    """What is known to run behind a web ACL, by the table's columns, and how it is told to people."""

    signs: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in SIGNS})
    where: set[str] = field(default_factory=set)

    def told(self) -> str:
        names = {
            "application": say("application"),
            "policy": say("policy"),
            "image": say("image"),
            "platform": say("platform"),
        }
        parts = [
            say("{sign} {values}", sign=names[name], values=joined(", ", sorted(values)))
            for name, values in self.signs.items()
            if values
        ]
        return say("behind it on {where}: {what}", where=joined(", ", sorted(self.where)), what=joined("; ", parts))


def subscribes(event: Event) -> bool:
    return False  # it runs on a schedule whose name begins with sakimori-waf, or when a person asks


def plan(event: Event, world: World) -> Plan:
    found = Fronts(world, event)
    steps: list[Step] = []
    for front in found.found.values():
        steps += _proposed(world, event, front, found.missing)
    missing = list(dict.fromkeys(found.missing))
    named = joined(", ", [str(step.target.parameters["group"]) for step in steps])
    why = say("every web ACL has the rule groups that fit, as far as is known")
    if steps:
        why = say("rule groups that fit: {groups}", groups=named)
    return Plan(
        "add-waf-rule-group" if steps else "nothing to do", why, tuple(steps), tuple(missing), tell=bool(missing)
    )


def _proposed(world: World, event: Event, front: Front, missing: list[str]) -> Iterator[Step]:
    """The groups that fit and are not there yet, as long as they fit into the ACL's capacity."""
    running = _running(world, event, front, missing)
    scope = "CLOUDFRONT" if ":global/" in front.acl else "REGIONAL"
    waf = world.aws("wafv2", event.account, CLOUDFRONT_REGION if scope == "CLOUDFRONT" else front.region)
    table_rows = [row for row in table(world.home) if fits(row, running.signs)]
    if not table_rows:
        return
    where = say("in {region} for {scope}", region=front.region, scope=scope)
    wanted = groups_for(table_rows, _offered(waf, scope), where, missing)
    _, name, own_id = front.acl.rpartition(":")[2].split("/")[1:]
    rules = waf.get_web_acl(Name=name, Id=own_id, Scope=scope)["WebACL"].get("Rules", [])
    there = {each["Statement"].get("ManagedRuleGroupStatement", {}).get("Name") for each in rules}
    limit = int(world.settings.get("waf", {}).get("capacity", CAPACITY))
    for vendor, group in wanted:
        if group in there:
            continue
        target = Target(
            "AWS::WAFv2::WebACL", front.acl, event.account, front.region, {"vendor": vendor, "group": group}
        )
        added = rule(target, max((each["Priority"] for each in rules), default=-1) + 1)
        try:
            own = waf.describe_managed_rule_group(VendorName=vendor, Name=group, Scope=scope)["Capacity"]
            used = waf.check_capacity(Scope=scope, Rules=[*rules, added])["Capacity"]
        except AwsError as error:
            if isinstance(error, PASSING):
                raise
            missing.append(say("whether {group} fits into {acl}: {error}", group=group, acl=front.acl, error=error))
            continue
        if used > limit:
            missing.append(
                say(
                    "{group} takes {own} WCU and {acl} to {used}, more than the {limit} that it may have",
                    group=group,
                    own=own,
                    acl=front.acl,
                    used=used,
                    limit=limit,
                )
            )
            continue
        rules = [*rules, added]
        yield Step(
            "add-waf-rule-group",
            target,
            say(
                "{own} WCU, {used} of {limit} with the others; {behind}",
                own=own,
                used=used,
                limit=limit,
                behind=running.told(),
            ),
        )


def _offered(waf: Any, scope: str) -> list[tuple[str, str]]:
    """(vendor, name) of every managed rule group that the account may use."""
    found: list[dict[str, Any]] = []
    marker: dict[str, str] = {}
    while True:
        answer = waf.list_available_managed_rule_groups(Scope=scope, **marker)
        found += answer.get("ManagedRuleGroups", ())
        if not answer.get("NextMarker"):
            return [(str(each["VendorName"]), str(each["Name"])) for each in found]
        marker = {"NextMarker": answer["NextMarker"]}


def _running(world: World, event: Event, front: Front, missing: list[str]) -> Running:
    """The application types of the intrusion prevention rules in force on the instances behind, the names of their
    policies and platforms, and the images of the services."""
    running = Running()
    running.signs["image"] |= front.behind.images
    running.where |= front.behind.services
    for instance in sorted(front.behind.instances):
        uid = f"arn:{partition_of(event.region)}:ec2:{event.region}:{event.account}:instance/{instance}"
        found = protected.look(world, Resource(INSTANCE, uid, event.account, event.region))
        if not found.protected:
            why = found.unknown or joined("; ", found.reasons)
            missing.append(say("what runs on {instance}: {why}", instance=instance, why=why))
            continue
        running.where.add(instance)
        try:
            _signs_of(world, found.computer, running.signs)
        except Passing:
            raise
        except RespondError as error:
            missing.append(say("what runs on {instance}: {why}", instance=instance, why=error))
    if not front.behind.instances and front.behind.services and not any(running.signs.values()):
        services = joined(", ", sorted(front.behind.services))
        missing.append(say("what runs in {services}: its tasks have no host with an agent", services=services))
    return running


def _signs_of(world: World, computer: Any, signs: dict[str, set[str]]) -> None:
    from sakimori.protect.client import host

    for number in sorted(ask(world, lambda client: client.assignments(host(computer.id)).application_types)):
        kind = ask(world, lambda client, number=number: client.application_type(number))  # type: ignore[misc]
        signs["application"].add(str(kind.get("name", "")))
    policy = ask(world, lambda client: client.call("GET", f"/policies/{computer.policy}"))
    signs["policy"].add(str(policy.get("name", "")))
    signs["platform"].add(str(computer.answer.get("platform", "")))
    for values in signs.values():
        values.discard("")


def fits(row: Mapping[str, Sequence[str]], signs: Mapping[str, set[str]]) -> bool:
    """Whether any pattern of a row fits what runs. Case does not matter."""
    return any(
        fnmatchcase(value.lower(), pattern.lower())
        for name in SIGNS
        for pattern in row.get(name, ())
        for value in signs.get(name, ())
    )


def groups_for(
    fitting: Sequence[Mapping[str, Sequence[str]]],
    offered: Sequence[tuple[str, str]],
    where: str,
    missing: list[str],
) -> list[tuple[str, str]]:
    """(vendor, name) of the rows' groups that are offered, in the order of the table."""
    found: list[tuple[str, str]] = []
    for row in fitting:
        for name in row.get("groups", ()):
            own = [each for each in offered if each[1] == name]
            found += own
            if not own:
                missing.append(say("the rule group {group} is not offered {where}", group=name, where=where))
        for pattern in row.get("subscribed", ()):
            found += [each for each in offered if fnmatchcase("/".join(each).lower(), pattern.lower())]
    return list(dict.fromkeys(found))


def table(home: Path | None) -> list[dict[str, tuple[str, ...]]]:
    """The user's table, else ours. Raises RespondError for one that cannot be meant so, with the line."""
    return [_row(each) for each in rows(chosen(home, TABLE))]


def _row(given: TableRow) -> dict[str, tuple[str, ...]]:
    known = (*SIGNS, "groups", "subscribed")
    given.only(known)
    found = {name: given.texts(name) for name in given.columns}
    if not any(found.get(name) for name in SIGNS) or not (found.get("groups") or found.get("subscribed")):
        raise given.wrong(say("a row has one of {signs}, and `groups` or `subscribed`", signs=joined(", ", SIGNS)))
    return found
