"""The dead-man alarms: they ring when nothing comes through, when what came waits, and when something was given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sakimori.respond.deploy.design import OLDEST, Design
from sakimori.respond.deploy.permissions import ACCOUNT, PARTITION, REGION
from sakimori.respond.function import NAMESPACE

Alarm = dict[str, Any]
"""An alarm as CloudWatch takes it, with its words in lower case: `alarm_name` is AlarmName; `period` is in seconds."""


def alarms(design: Design) -> dict[str, Alarm]:
    """Name within the deployment -> alarm. The heartbeat is due every 5 minutes: three that are missing ring."""
    look = f"look at the log /aws/lambda/{design.named('respond')}"
    heartbeat = {
        "alarm_description": f"No heartbeat came through from EventBridge to the function for 15 minutes: {look}",
        "namespace": NAMESPACE,
        "metric_name": "Heartbeat",
        "dimensions": {"Deployment": design.name},
        "statistic": "Sum",
        "evaluation_periods": 3,
        "threshold": 1,
        "comparison_operator": "LessThanThreshold",
        "treat_missing_data": "breaching",
    }
    waiting = {
        "alarm_description": f"An event has waited for more than {OLDEST // 60} minutes: {look}",
        **_of_queue(design.named("events"), "ApproximateAgeOfOldestMessage", OLDEST),
    }
    given_up = {
        "alarm_description": (
            "An event could not be handled: `sakimori respond dlq list` and the dead-letter queue say which and why"
        ),
        **_of_queue(design.named("events-dead"), "ApproximateNumberOfMessagesVisible", 0),
    }
    found = {"heartbeat": heartbeat, "waiting": waiting, "given-up": given_up}
    return {name: {"alarm_name": design.named(name), "period": 300, **alarm} for name, alarm in found.items()}


def _of_queue(queue: str, metric: str, most: int) -> Alarm:
    """An alarm that rings when a queue's metric is above `most`."""
    return {
        "namespace": "AWS/SQS",
        "metric_name": metric,
        "dimensions": {"QueueName": queue},
        "statistic": "Maximum",
        "evaluation_periods": 1,
        "threshold": most,
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": "notBreaching",
    }


def alarm_arns(design: Design, text: Callable[[str], Any]) -> list[Any]:
    """The ARNs of the alarms; `text` gives an ARN with placeholders in the language of the template."""
    prefix = f"arn:{PARTITION}:cloudwatch:{REGION}:{ACCOUNT}:alarm:"
    return [text(prefix + design.named(name)) for name in alarms(design)]
