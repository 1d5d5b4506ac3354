"""An event bus of EventBridge, so that rules start what is to be started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.aws.errors import asking
from sakimori.aws.session import client
from sakimori.model.said import say
from sakimori.notify.channels.webhook import document
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded
from sakimori.notify.outside import as_json

SETTINGS = {"bus": True, "region": False}
PEOPLE = False
IAM_ACTIONS = ("events:PutEvents",)

SOURCE = "sakimori"


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Puts an event whose detail-type is `Sakimori` and the kind of the message."""
    bus = str(settings["bus"])
    entry = {
        "Source": SOURCE,
        "DetailType": f"Sakimori {message.kind}",
        "Detail": as_json(document(message, said)).decode(),
    }
    with asking("events:PutEvents", bus):
        events = client("events", region=settings.get("region"))
        answer = events.put_events(Entries=[entry | {"EventBusName": bus}])
    if answer["FailedEntryCount"]:
        why = answer["Entries"][0].get("ErrorMessage") or say("no reason given")
        raise NotifyError(say("the event bus {bus} did not take the event: {why}", bus=bus, why=why))
