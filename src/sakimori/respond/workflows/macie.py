"""Macie finds sensitive or exposed data: scan every protected instance that may read the bucket, close a public bucket.

Which instances may read it, and through which role, is worked out from the inventory (`sakimori access who ...
--through instances`). Instances that may read it and are not protected are named.
"""

from __future__ import annotations

from sakimori.model.action import Plan, Step, Target
from sakimori.model.asset import NotEvaluated
from sakimori.model.event import Event, Resource, State
from sakimori.model.said import joined, say
from sakimori.respond import protected
from sakimori.respond.protected import Guarded
from sakimori.respond.world import World

BUCKET, INSTANCE = "AWS::S3::Bucket", "AWS::EC2::Instance"
USES = ("block-public-access", "recommendation-scan", "apply-recommendations", "integrity-scan")
MOST_NAMED = 10
UNKNOWN = say("which instances may read the bucket is not known")


def subscribes(event: Event) -> bool:
    return event.product == "macie" and event.finding is not None and event.state is State.OPEN


def plan(event: Event, world: World) -> Plan:
    steps: list[Step] = []
    missing: list[str] = []
    bare: list[Guarded] = []
    readers: dict[str, str] = {}
    if not event.of_type(BUCKET):
        return Plan("nothing to do", say("the event names no bucket"))
    for bucket in event.of_type(BUCKET):
        if bucket.details.get("effective_permission") == "PUBLIC" or "S3BucketPublic" in event.kind:
            target = Target(BUCKET, bucket.uid, bucket.account, bucket.region)
            steps.append(Step("block-public-access", target, say("Macie says that the bucket is public")))
        readers |= _readers(world, bucket, missing)
    told = _told(len(readers), missing)
    for uid, role in sorted(readers.items()):
        account, region = (uid.split(":") + [""] * 5)[4], (uid.split(":") + [""] * 5)[3]
        found = protected.look(world, Resource(INSTANCE, uid, account, region))
        if found.unknown:
            missing.append(protected.not_known(found))
        elif found.protected:
            why = say("it may read the bucket through {role}", role=role)
            steps += protected.scans(found, ("recommendation-scan", "integrity-scan"), why)
        else:
            bare.append(found)
    named = joined(", ", [_named(each) for each in bare])
    if bare:
        told = say("{told}; not protected: {named}: {install}", told=told, named=named, install=protected.INSTALL)
    return Plan(
        ", ".join(dict.fromkeys(step.action for step in steps)) or "tell",
        told,
        tuple(steps),
        tuple(missing),
        tell=True,
        findings=tuple(protected.finding_of(each, event) for each in bare),
    )


def _named(each: Guarded) -> str:
    return say("{instance} ({reasons})", instance=each.resource.id, reasons=joined("; ", each.reasons))


def _told(count: int, missing: list[str]) -> str:
    """How many may read it, as far as that is known."""
    if not missing:
        return say("{count} instances may read the bucket", count=count)
    if not count:
        return UNKNOWN
    return say("{count} instances are known that may read the bucket, and there may be more", count=count)


def _readers(world: World, bucket: Resource, missing: list[str]) -> dict[str, str]:
    """Instance -> the role through which it may read the bucket's objects."""
    from sakimori.assess.access.estate import estate
    from sakimori.assess.access.instances import instances_that_can

    inventory = world.inventory()
    if not len(inventory):
        missing.append(
            say("which instances may read {bucket}: no asset is known, run `sakimori discover` first", bucket=bucket.id)
        )
        return {}
    if inventory.get(bucket.uid) is None:
        missing.append(
            say("whom the policy of {bucket} lets read: discovery does not know the bucket", bucket=bucket.id)
        )
    reached = instances_that_can(estate(inventory), "s3:GetObject", f"{bucket.uid}/*")
    unseen = inventory.not_evaluated
    missing += [_unseen(each) for each in unseen[:MOST_NAMED]]
    if len(unseen) > MOST_NAMED:
        more = len(unseen) - MOST_NAMED
        missing.append(say("{count} more that discovery could not see: `sakimori discover` names them", count=more))
    return {each.instance: each.role for each in reached}


def _unseen(each: NotEvaluated) -> str:
    place = {"action": each.action, "account": each.account, "region": each.region}
    return say("{action} in {account} {region}: {message}", **place, message=each.message)
