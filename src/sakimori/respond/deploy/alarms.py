"""The dead-man alarms: they ring when nothing comes through, when what came waits, and when something was given up."""

from __future__ import annotations

from dataclasses import dataclass

from sakimori.respond.deploy.design import OLDEST, Design
from sakimori.respond.function import NAMESPACE


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as CloudWatch takes it; `period` is in seconds."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: int
    periods: int
    threshold: float
    comparison: str
    missing: str


def alarms(design: Design) -> list[Alarm]:
    """The alarms of a deployment. The heartbeat is due every 5 minutes: three that are missing ring."""
    queue, dead = (("QueueName", design.named(name)) for name in ("events", "events-dead"))
    look = f"look at the log /aws/lambda/{design.named('respond')}"
    return [
        Alarm(
            "heartbeat",
            f"No heartbeat came through from EventBridge to the function for 15 minutes: {look}",
            NAMESPACE,
            "Heartbeat",
            (("Deployment", design.name),),
            "Sum",
            300,
            3,
            1,
            "LessThanThreshold",
            "breaching",
        ),
        Alarm(
            "waiting",
            f"An event has waited for more than {OLDEST // 60} minutes: {look}",
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            (queue,),
            "Maximum",
            300,
            1,
            OLDEST,
            "GreaterThanThreshold",
            "notBreaching",
        ),
        Alarm(
            "given-up",
            "An event could not be handled: `sakimori respond dlq list` and the dead-letter queue say which and why",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            (dead,),
            "Maximum",
            300,
            1,
            0,
            "GreaterThanThreshold",
            "notBreaching",
        ),
    ]
