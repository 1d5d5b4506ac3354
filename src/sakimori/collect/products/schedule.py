"""Schedules: EventBridge's own clock, which starts the workflows that look at everything (`waf`).

Source: "Creating an Amazon EventBridge rule that runs on a schedule". The rule's name says which workflow is due.
"""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.collect.told import Telling
from sakimori.model.event import Event, event_uid

PRODUCT = "schedule"


def read_event(telling: Telling) -> Iterator[Event]:
    """`Scheduled Event`; `asked` is the name of the rule."""
    rule = next(iter(telling.resources), "")
    yield Event(
        PRODUCT,
        PRODUCT,
        "Scheduled Event",
        event_uid(PRODUCT, rule or telling.account, telling.region),
        telling.id or telling.time,
        telling.account,
        telling.region,
        telling.time,
        detail=telling.detail,
        asked=rule.rpartition("/")[2],
    )


EVENTS = {("aws.events", "Scheduled Event"): read_event, ("aws.scheduler", "Scheduled Event"): read_event}
