"""GuardDuty finds something: scan the protected instance, name the unprotected, contain keys, roles, buckets and tasks.

What is done about which type of finding is a table (`guardduty.yml`), which users replace with their own in
SAKIMORI_HOME. A type of finding that no row is for is named as not evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event, Resource, State
from sakimori.model.partition import partition_of
from sakimori.model.said import joined, say
from sakimori.respond import protected
from sakimori.respond.protected import Guarded
from sakimori.respond.user_table import TableRow, chosen, rows
from sakimori.respond.world import World

TABLE = Path(__file__).with_suffix(".yml")
INSTANCE = "AWS::EC2::Instance"
IF_ON = "integrity-scan-if-on"

MODULES = frozenset(
    ("antiMalware", "webReputation", "firewall", "intrusionPrevention", "integrityMonitoring", "logInspection")
)
SCANS = frozenset(("recommendation-scan", "integrity-scan", "malware-scan", IF_ON))
ACTIONS = {
    "snapshot-instance": INSTANCE,
    "isolate-instance": INSTANCE,
    "require-imdsv2": INSTANCE,
    "block-public-access": "AWS::S3::Bucket",
    "deactivate-access-key": "AWS::IAM::AccessKey",
    "quarantine-role": "AWS::IAM::Role",
    "isolate-task": "AWS::ECS::Task",
    "stop-task": "AWS::ECS::Task",
    "snapshot-db-instance": "AWS::RDS::DBInstance",
    "tag-cluster": "AWS::EKS::Cluster",
}
"""What a row's actions may be, each with the type of resource that it takes."""

TELL = "tell"
"""What a row's actions may be, too: people are told of every finding, and this row has nothing else for them."""

TAG = "sakimori:finding"

USES = (
    *(name for name in ACTIONS if name != "tag-cluster"),
    "tag-resource",
    "recommendation-scan",
    "apply-recommendations",
    "integrity-scan",
    "malware-scan",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    types: tuple[str, ...]
    scans: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


def subscribes(event: Event) -> bool:
    return event.product == "guardduty" and event.finding is not None and event.state is State.OPEN


def plan(event: Event, world: World) -> Plan:
    found_row = row_for(event.kind, table(world.home))
    row = found_row or Row((event.kind,), actions=(TELL,))
    steps: list[Step] = []
    missing: list[str] = []
    if found_row is None:
        name = chosen(world.home, TABLE).name
        missing.append(say("what to do about {kind}: no row of {table} is for that type", kind=event.kind, table=name))
    bare: list[Guarded] = []
    for resource in event.of_type(INSTANCE) if row.scans else ():
        found = protected.look(world, resource, row.modules)
        if found.unknown:
            missing.append(protected.not_known(found))
        elif not found.protected:
            bare.append(found)
        else:
            steps += protected.scans(found, _scans(row, found), say("{kind} on a protected instance", kind=event.kind))
    steps += _contained(event, row, missing)
    return Plan(
        _decision(steps, bare),
        _why(event, found_row, steps, bare),
        tuple(steps),
        tuple(missing),
        tell=True,
        findings=tuple(protected.finding_of(each, event) for each in bare),
    )


def _decision(steps: list[Step], bare: list[Guarded]) -> str:
    parts = list(dict.fromkeys(step.action for step in steps))
    return ", ".join((["tell that it is not protected"] if bare else []) + parts) or "tell"


def _why(event: Event, row: Row | None, steps: list[Step], bare: list[Guarded]) -> str:
    kind = event.kind
    if bare:
        return say(
            "{kind} on an instance that is not protected ({reasons}): {install}",
            kind=kind,
            reasons=protected.reasons_of(bare),
            install=protected.INSTALL,
        )
    if row is None:
        return say("{kind}: no row of guardduty.yml is for it", kind=kind)
    if steps:
        return say("{kind}: as its row of guardduty.yml says", kind=kind)
    if row.scans or set(row.actions) - {TELL}:
        return say("{kind}: nothing that its row of guardduty.yml says can be done", kind=kind)
    return say("{kind}: its row of guardduty.yml says to tell people", kind=kind)


def _scans(row: Row, found: Guarded) -> tuple[str, ...]:
    """Without a baseline from before, an integrity scan would take what the attacker left for right."""
    on = protected.module_is_on(found, "integrityMonitoring")
    named = ("integrity-scan" if scan == IF_ON and on else scan for scan in row.scans)
    return tuple(scan for scan in named if scan != IF_ON)


def _contained(event: Event, row: Row, missing: list[str]) -> Iterator[Step]:
    """The row's actions on the resources that the finding names."""
    why = say("the finding {kind} names it", kind=event.kind)
    named = [_role_or_key(each) for each in event.resources]
    for action in row.actions:
        for each in named if action != TELL else ():
            if each.type != ACTIONS[action]:
                continue
            refused = _cannot(each) if action == "deactivate-access-key" else ""
            if refused:
                missing.append(refused)
                continue
            details = {"tags": {TAG: _tag_value(event.kind)}} if action == "tag-cluster" else each.details
            name = "tag-resource" if action == "tag-cluster" else action
            yield Step(name, Target(each.type, each.uid, each.account, each.region, details), why)


def _cannot(key: Resource) -> str:
    """Why a key cannot be deactivated; "" if it can be."""
    if key.details.get("user_type") == "Root":
        return say("{key} is a key of the account's root user: sign in as root and delete it", key=key.uid)
    if not key.uid.startswith("AKIA"):
        return say("{key} is no long-term access key of an IAM user: it cannot be deactivated", key=key.uid)
    return ""


def _tag_value(kind: str) -> str:
    """A finding type in the letters that a tag's value may have."""
    return re.sub(r"[^\w .:/=+@-]", "-", kind)[:256]


def _role_or_key(each: Resource) -> Resource:
    """Temporary credentials are those of a role, and are ended there; a function's are those of its role."""
    kind = str(each.details.get("user_type", ""))
    if each.type == "AWS::IAM::AccessKey" and kind in ("AssumedRole", "Role") and each.details.get("user_name"):
        role = f"arn:{partition_of(each.region)}:iam::{each.account}:role/{each.details['user_name']}"
        return Resource("AWS::IAM::Role", role, each.account, each.region)
    if each.type == "AWS::Lambda::Function" and str(each.details.get("role", "")).startswith("arn:"):
        return Resource("AWS::IAM::Role", str(each.details["role"]), each.account, each.region)
    return each


def row_for(kind: str, rows: list[Row]) -> Row | None:
    """The first row that fits a finding type; None where none does."""
    return next((row for row in rows if any(fnmatchcase(kind, pattern) for pattern in row.types)), None)


def table(home: Path | None) -> list[Row]:
    """The user's table, else ours. Raises RespondError for one that cannot be meant so, with the line."""
    return [_row(each) for each in rows(chosen(home, TABLE))]


def _row(given: TableRow) -> Row:
    known = {"types": None, "scans": SCANS, "modules": MODULES, "actions": {TELL, *ACTIONS}}
    given.only(known)
    for name in given.columns:
        allowed = known[name]
        wrong = [value for value in given.texts(name) if allowed is not None and value not in allowed]
        if wrong:
            may = {"value": repr(wrong[0]), "column": repr(name), "known": joined(", ", sorted(allowed or ()))}
            raise given.wrong(say("{value} is nothing that {column} may hold: {known}", **may), name)
    if not given.texts("types"):
        raise given.wrong(say("a row needs `types`"))
    return Row(**{name: given.texts(name) for name in known})
