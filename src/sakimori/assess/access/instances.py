"""Through which EC2 instances a thing can be done: each hands out sessions of its role to whatever runs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sakimori.assess.access.arns import is_pattern
from sakimori.assess.access.beside import ways_in
from sakimori.assess.access.callers import session_of
from sakimori.assess.access.catalogue import actions_like
from sakimori.assess.access.estate import INSTANCE, PROFILE, Estate, Identity, asset_of, instance_role, resource_account
from sakimori.assess.access.gaps import unknowns
from sakimori.assess.access.questions import MOST_ACTIONS, Row, meant_resource, row_of, through, who_can
from sakimori.assess.access.symbolic import OUTCOMES
from sakimori.assess.access.unasked import unasked
from sakimori.assess.access.unlisted import unlisted


@dataclass(frozen=True, slots=True)
class Through:
    """An EC2 instance that can, by the role that it hands out to whatever runs on it."""

    instance: str
    role: str
    imdsv1: bool
    row: Row

    def to_json(self) -> dict[str, Any]:
        return {"instance": self.instance, "role": self.role, "imdsv1": self.imdsv1, **self.row.to_json()}


def instances_that_can(found: Estate, action: str, resource: str) -> list[Through]:
    """The EC2 instances that can do it, each through its own session of its role, or by roles which that may assume.

    Of a pattern of actions, those that can do one of them.
    """
    if is_pattern(action):
        meant = actions_like(action)[:MOST_ACTIONS]
        every = [each for one in meant for each in instances_that_can(found, one, resource)]
        every.sort(key=lambda each: OUTCOMES.index(each.row.outcome), reverse=True)
        return [*{each.instance: each for each in every}.values()]
    subject = meant_resource(found, action, resource)
    asset = asset_of(found, subject)
    reached: list[Through] = []
    by_path = {row.path[0]: row for row in who_can(found, action, resource).rows if len(row.path) > 1}
    for instance in found.inventory.of_type(INSTANCE):
        role = instance_role(found, instance)
        if role is None:
            continue
        name = role.principal.role
        partition = role.arn.split(":")[1]
        session = session_of(role, f"arn:{partition}:sts::{role.account}:assumed-role/{name}/{instance.id}")
        account = resource_account(found, subject) or session.account
        row = row_of(found, session, action, subject, asset, account) or _by_access_point(
            found, session, action, subject
        )
        row = row or by_path.get(role.arn)
        if row is not None:
            options = instance.config.get("MetadataOptions") or {}
            imdsv1 = options.get("HttpTokens") != "required" and options.get("HttpEndpoint") != "disabled"
            reached.append(Through(instance.uid, role.arn, imdsv1, row))
    return reached


def _by_access_point(found: Estate, identity: Identity, action: str, subject: str) -> Row | None:
    """The surest row of an identity through an access point of the bucket."""
    asked = ((via, asset_of(found, via), resource_account(found, via)) for via in ways_in(found, subject))
    rows = [
        through(row, via)
        for via, asset, account in asked
        if (row := row_of(found, identity, action, via, asset, account)) is not None
    ]
    return min(rows, key=lambda row: OUTCOMES.index(row.outcome), default=None)


def unlooked_at(found: Estate, action: str, resource: str) -> tuple[str, ...]:
    """What could not be looked at of all that has a say about a resource, or of the instances, a sentence each."""
    subject = meant_resource(found, action, resource)
    held, kinds = found.inventory, (INSTANCE, PROFILE)
    unseen_instances = [*unlisted(held.not_evaluated, kinds), *unasked(held, kinds)]
    return (*unknowns(found, action, asset_of(found, subject), subject), *(reason for _, reason in unseen_instances))
