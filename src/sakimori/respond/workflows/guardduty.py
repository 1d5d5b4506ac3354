"""GuardDuty finds something: scan the protected instance, name the unprotected, contain keys, roles, buckets and tasks.

What is done about which type of finding is a table (`guardduty.yml`), which users replace with their own in
SAKIMORI_HOME.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event, Resource, State
from sakimori.respond import protected
from sakimori.respond.errors import RespondError
from sakimori.respond.protected import Guarded
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
}
"""What a row's actions may be, each with the type of resource that it takes."""

USES = (*ACTIONS, "recommendation-scan", "apply-recommendations", "integrity-scan", "malware-scan")


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
    row = row_for(event.kind, table(world.home))
    steps: list[Step] = []
    missing: list[str] = []
    bare: list[Guarded] = []
    for resource in event.of_type(INSTANCE) if row.scans else ():
        found = protected.look(world, resource, row.modules)
        if found.unknown:
            missing.append(f"whether {resource.id} is protected: {found.unknown}")
        elif not found.protected:
            bare.append(found)
        else:
            steps += protected.scans(found, _scans(row, found), f"{event.kind} on a protected instance")
    steps += _contained(event, row, missing)
    return Plan(
        _decision(steps, bare),
        _why(event, steps, bare),
        tuple(steps),
        tuple(missing),
        tell=True,
        findings=tuple(protected.finding_of(each, event) for each in bare),
    )


def _decision(steps: list[Step], bare: list[Guarded]) -> str:
    parts = list(dict.fromkeys(step.action for step in steps))
    return ", ".join((["tell that it is not protected"] if bare else []) + parts) or "tell"


def _why(event: Event, steps: list[Step], bare: list[Guarded]) -> str:
    if bare:
        reasons = "; ".join(f"{each.resource.id}: {', '.join(each.reasons)}" for each in bare)
        return f"{event.kind} on an instance that is not protected ({reasons}): {protected.INSTALL}"
    return f"{event.kind}: {'its row of the table' if steps else 'its row of the table says to tell people'}"


def _scans(row: Row, found: Guarded) -> tuple[str, ...]:
    """Without a baseline from before, an integrity scan would take what the attacker left for right."""
    on = protected.module_is_on(found, "integrityMonitoring")
    named = ("integrity-scan" if scan == IF_ON and on else scan for scan in row.scans)
    return tuple(scan for scan in named if scan != IF_ON)


def _contained(event: Event, row: Row, missing: list[str]) -> Iterator[Step]:
    """The row's actions on the resources that the finding names."""
    why = f"the finding {event.kind} names it"
    named = [_role_or_key(each) for each in event.resources]
    for action in row.actions:
        fitting = [each for each in named if each.type == ACTIONS[action]]
        for each in fitting:
            if action == "deactivate-access-key" and not each.uid.startswith("AKIA"):
                missing.append(f"{each.uid} is no long-term access key of an IAM user: it cannot be deactivated")
                continue
            yield Step(action, Target(each.type, each.uid, each.account, each.region, each.details), why)


def _role_or_key(each: Resource) -> Resource:
    """Temporary credentials are those of a role, and are ended there; a function's are those of its role."""
    kind = str(each.details.get("user_type", ""))
    if each.type == "AWS::IAM::AccessKey" and kind in ("AssumedRole", "Role") and each.details.get("user_name"):
        role = f"arn:aws:iam::{each.account}:role/{each.details['user_name']}"
        return Resource("AWS::IAM::Role", role, each.account, each.region)
    if each.type == "AWS::Lambda::Function" and str(each.details.get("role", "")).startswith("arn:"):
        return Resource("AWS::IAM::Role", str(each.details["role"]), each.account, each.region)
    return each


def row_for(kind: str, rows: list[Row]) -> Row:
    """The first row that fits a finding type; one that says nothing where none does."""
    return next((row for row in rows if any(fnmatchcase(kind, pattern) for pattern in row.types)), Row((kind,)))


def table(home: Path | None) -> list[Row]:
    """The user's table, else ours. Raises RespondError for one that cannot be meant so."""
    own = home / "guardduty.yml" if home else None
    place = own if own is not None and own.is_file() else TABLE
    try:
        rows = yaml.safe_load(place.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise RespondError(f"{place} cannot be read: {error}") from error
    if not isinstance(rows, list):
        raise RespondError(f"{place} is not a list of rows")
    return [_row(each, f"{place}, row {number}") for number, each in enumerate(rows, 1)]


def _row(given: Any, where: str) -> Row:
    if not isinstance(given, Mapping) or not given.get("types"):
        raise RespondError(f"{where}: a row needs `types`")
    known = {"types": None, "scans": SCANS, "modules": MODULES, "actions": ACTIONS.keys()}
    for name, values in given.items():
        allowed = known.get(name, frozenset())
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise RespondError(f"{where}: {name!r} is not a list of texts")
        wrong = [value for value in values if allowed is not None and value not in allowed]
        if name not in known or wrong:
            told = f"{name!r} may hold {', '.join(sorted(allowed or ()))}" if name in known else f"no column {name!r}"
            raise RespondError(f"{where}: {wrong or name}: {told}")
    return Row(**{name: tuple(given.get(name, ())) for name in known})
