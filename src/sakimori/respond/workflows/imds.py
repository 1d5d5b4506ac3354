"""An instance hands out its role's credentials to anybody who can make it ask (IMDSv1): require IMDSv2.

Started by Security Hub's and Config's findings about it (EC2.8, ec2-imdsv2-check) and by GuardDuty's finding that
credentials of an instance are used from elsewhere.
"""

from __future__ import annotations

from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event, State
from sakimori.model.said import say
from sakimori.respond.world import World

INSTANCE = "AWS::EC2::Instance"
USES = ("require-imdsv2",)
CONTROLS = ("EC2.8", "ec2-imdsv2-check", "ec2_instance_imdsv2_enabled", "PCI.EC2.8")
STOLEN = "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration"


def subscribes(event: Event) -> bool:
    if event.finding is None or event.state is not State.OPEN:
        return False
    about = any(control in event.kind for control in CONTROLS) or event.kind.startswith(STOLEN)
    return about and bool(event.of_type(INSTANCE))


def plan(event: Event, world: World) -> Plan:
    why = say("IMDSv1 answers forged requests, and gives them the role's credentials")
    steps = tuple(
        Step("require-imdsv2", Target(each.type, each.uid, each.account, each.region), why)
        for each in event.of_type(INSTANCE)
    )
    if not steps:
        return Plan("nothing to do", say("the event names no EC2 instance"))
    return Plan("require-imdsv2", why, steps)
