"""Whether EC2 instances are protected, and what to do about those that are: scans, and a finding about those that are
not.

Protected means that the manager knows the computer, its agent is active, a policy is assigned, and the modules that are
on do what they are set to (`protect/client_answers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sakimori.model.action import Step, Target
from sakimori.model.event import Event, Resource
from sakimori.model.finding import COMPLIANCE, Finding, finding_uid, titled
from sakimori.model.said import joined, made_of, say, told
from sakimori.model.severity import Severity
from sakimori.respond.errors import RespondError
from sakimori.respond.protection import ask
from sakimori.respond.world import World

RULE = "respond/unprotected-instance"

INSTALL = say(
    "install the agent and activate it: `sakimori protect deploy-script` prints the script for our manager; in Trend's "
    "console it is under Support > Deployment Scripts"
)
"""How an instance becomes protected."""

NO_MANAGER = say("no workload protection manager is set up (SAKIMORI_PROTECT_URL)")


@dataclass(frozen=True, slots=True)
class Guarded:
    """What is known of an instance: its computer at the manager, and why it is not protected, if it is not.

    `unknown` says why nothing could be found out: then `computer` and `reasons` say nothing.
    """

    resource: Resource
    computer: Any = None
    reasons: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def protected(self) -> bool:
        return self.computer is not None and not self.reasons and not self.unknown

    def target(self, **parameters: Any) -> Target:
        """The instance for an action through the manager."""
        each = self.resource
        return Target(each.type, each.uid, each.account, each.region, {"computer": self.computer.id, **parameters})


def look(world: World, resource: Resource, need: tuple[str, ...] = ()) -> Guarded:
    """Asks the manager. Raises Passing while it is away; that there is none is an answer that is not known."""
    if not world.has_manager:
        return Guarded(resource, unknown=NO_MANAGER)
    try:
        computer = ask(world, lambda client: client.find_computer(instance_id=resource.id))
        if computer is None:
            stranger = say("the protection manager does not know it: no agent was ever activated on it")
            return Guarded(resource, None, (stranger,))
        found = ask(world, lambda client: client.protection(computer, need))
    except RespondError as error:
        if type(error) is not RespondError:
            raise
        return Guarded(resource, unknown=told(error))
    return Guarded(resource, found.computer, found.reasons)


def finding_of(guarded: Guarded, event: Event) -> Finding:
    """That an instance about which something was found is not protected."""
    each, found = guarded.resource, event.finding
    title = say("{instance} is not protected, and there is a finding about it", instance=each.id)
    why = say(
        "{product} says: {title}. The instance is not protected: {reasons}.",
        product=event.product,
        title=titled(found) if found else event.kind,
        reasons=joined("; ", guarded.reasons),
    )
    remedy = say("{why}.", why=INSTALL)
    return Finding(
        uid=finding_uid(RULE, each.account, each.region, each.uid, ""),
        rule=RULE,
        title=str(title),
        severity=Severity.HIGH,
        tactics=(),
        techniques=(),
        account=each.account,
        region=each.region,
        actor="",
        source_ip="",
        asset=each.uid,
        count=1,
        first_seen=event.time,
        last_seen=event.time,
        records=(),
        description=str(why),
        class_uid=COMPLIANCE,
        evidence={"finding": event.uid, "reasons": [str(each) for each in guarded.reasons]},
        remediation=str(remedy),
        said=made_of((title, why, remedy)),
    )


def scans(guarded: Guarded, names: tuple[str, ...], why: str) -> list[Step]:
    """The scans of a protected instance, the recommendation scan with its results applied."""
    steps = []
    for name in names:
        steps.append(Step(name, guarded.target(), why))
        if name == "recommendation-scan":
            steps.append(Step("apply-recommendations", guarded.target(), say("what the scan recommends")))
    return steps


def not_known(guarded: Guarded) -> str:
    """That it could not be found out whether an instance is protected."""
    return say("whether {instance} is protected: {why}", instance=guarded.resource.id, why=guarded.unknown)


def reasons_of(bare: list[Guarded]) -> str:
    """Why each of these instances is not protected."""
    return joined(
        "; ", [say("{instance}: {why}", instance=each.resource.id, why=joined(", ", each.reasons)) for each in bare]
    )


def module_is_on(guarded: Guarded, module: str) -> bool:
    """Whether a module is on at a computer."""
    found = guarded.computer.modules.get(module) if guarded.computer is not None else None
    return bool(found and found.is_on)
