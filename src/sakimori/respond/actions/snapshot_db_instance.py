"""Take a snapshot of an RDS database, as evidence and for recovery.

Source: "Creating a DB snapshot" (RDS user guide). The snapshot's name comes from the run, so that it is taken once;
undo deletes it, and no other. A database of an Aurora cluster is snapshotted with its cluster, and refused here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import tags_of
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

ASSET = "AWS::RDS::DBInstance"
IAM_ACTIONS = (
    "rds:DescribeDBInstances",
    "rds:DescribeDBSnapshots",
    "rds:CreateDBSnapshot",
    "rds:AddTagsToResource",
    "rds:DeleteDBSnapshot",
)

OF_RUN = "sakimori:run"
PREFIX = "sakimori-"


def tags(world: World, target: Target) -> dict[str, str]:
    return tags_of(_database(world, target).get("TagList", ()))


def before(world: World, target: Target) -> dict[str, Any]:
    _database(world, target)
    return {"snapshots": sorted(each["DBSnapshotIdentifier"] for each in _snapshots(world, target))}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"snapshots": [*before["snapshots"], "one more"]}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    name = f"{PREFIX}{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    if any(each["DBSnapshotIdentifier"] == name for each in _snapshots(world, target)):
        return
    described = [{"Key": OF_RUN, "Value": key}]
    _rds(world, target).create_db_snapshot(
        DBSnapshotIdentifier=name, DBInstanceIdentifier=_name(target), Tags=described
    )


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    found = [each for each in _snapshots(world, target) if each["DBSnapshotIdentifier"] not in before_it["snapshots"]]
    taken = [each for each in found if each["Status"] in ("creating", "available")]
    why = say("there is no snapshot")
    if taken:
        about = {"snapshot": taken[0]["DBSnapshotIdentifier"], "status": taken[0]["Status"]}
        why = say("the snapshot {snapshot} is {status}", **about)
    return Proof(bool(taken), before(world, target), why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for name in sorted(set(after["snapshots"]) - set(before["snapshots"])):
        _rds(world, target).delete_db_snapshot(DBSnapshotIdentifier=name)


def _database(world: World, target: Target) -> dict[str, Any]:
    found: dict[str, Any] = _rds(world, target).describe_db_instances(DBInstanceIdentifier=_name(target))[
        "DBInstances"
    ][0]
    if found.get("DBClusterIdentifier"):
        cluster = found["DBClusterIdentifier"]
        of_cluster = {"database": _name(target), "cluster": cluster}
        raise RespondError(
            say("the database {database} is of the Aurora cluster {cluster}: snapshot that", **of_cluster)
        )
    return found


def _snapshots(world: World, target: Target) -> list[dict[str, Any]]:
    """Those that we took."""
    found = _rds(world, target).pages("describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=_name(target))
    return [each for each in found if each["DBSnapshotIdentifier"].startswith(PREFIX)]


def _name(target: Target) -> str:
    """`arn:aws:rds:REGION:ACCOUNT:db:NAME` -> NAME"""
    return target.id


def _rds(world: World, target: Target) -> Any:
    return world.aws("rds", target.account, target.region)
