"""An access key is known to others (AWS Health says so, or a finding does): deactivate it.

A key that begins with AKIA is a user's and is deactivated; credentials of a role's session are ended at the role.
"""

from __future__ import annotations

from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event, State
from sakimori.model.said import say
from sakimori.respond.world import World

KEY = "AWS::IAM::AccessKey"
USES = ("deactivate-access-key",)
KINDS = ("AWS_RISK_CREDENTIALS_EXPOS", "AWS_RISK_IAM_QUARANTINE", "SensitiveData:S3Object/Credentials")


def subscribes(event: Event) -> bool:
    return event.product == "health" and event.state is State.OPEN and event.kind.startswith(KINDS)


def plan(event: Event, world: World) -> Plan:
    why = say("the key is known to others")
    keys = [each for each in event.of_type(KEY) if each.uid.startswith("AKIA")]
    others = [each.uid for each in event.of_type(KEY) if not each.uid.startswith("AKIA")]
    missing: list[str] = [
        say("{key} is of a role's session: find the role in CloudTrail and quarantine it", key=uid) for uid in others
    ]
    if not event.of_type(KEY):
        missing.append(say("the event names no access key: look at it in the AWS Health Dashboard"))
    steps = tuple(Step("deactivate-access-key", Target(KEY, k.uid, k.account, k.region, k.details), why) for k in keys)
    return Plan("deactivate-access-key" if steps else "tell", why, steps, tuple(missing), tell=True)
