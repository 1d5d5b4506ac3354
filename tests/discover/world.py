"""Discovering the simulated AWS in this process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from sakimori.aws.clients import Clients
from sakimori.discover.engine import inventory, units
from sakimori.discover.live import LiveSource, Wanted, plan
from sakimori.discover.services import services
from sakimori.discover.snapshot import Recording
from sakimori.model.asset import Inventory
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws, told
from sakimori.simulate.recognise import Operation

SECRET = "hunter2"
"""What tests write wherever people write secrets."""


def discovered(
    *names: str,
    regions: Sequence[str] = ("us-east-1",),
    snapshot: Path | None = None,
    clients: Clients | None = None,
) -> Inventory:
    """What these services (none: all) find in our own account; with clients that were made before, or new ones."""
    chosen = {name: service for name, service in services().items() if not names or name in names}
    with nullcontext(clients) if clients else Clients() as used:
        planned = plan(used, Wanted(regions=regions))
        source = LiveSource(used, planned.keys)
        wanted = list(units(planned.places, chosen, planned.home.account))
        if snapshot is None:
            return inventory(source, wanted)
        with Recording(source, snapshot, planned.home.partition, planned.home.account) as recording:
            return inventory(recording, wanted)


def ties(found: Inventory, uid: str) -> set[tuple[str, str]]:
    """The kinds and targets of the relations that start at an asset."""
    return {(each.kind, each.target) for each in found.relations if each.source == uid}


def arn(service: str, resource: str) -> str:
    """An ARN in the simulated account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def answer(aws: SimulatedAws, client: str, operation: str, result: dict[str, Any]) -> None:
    """Has the simulated AWS answer what it has no answer to, in the operation's own protocol."""
    aws.handlers[f"{client}:{operation}"] = lambda call: told(Operation(client, operation), result)


def found_in(service: str) -> dict[str, tuple[str, Any, set[tuple[str, str]]]]:
    """What the service has: type -> uid, config and relations. Nothing is refused, and no secret is in it."""
    inventory = discovered(service)
    assert inventory.not_evaluated == []
    found = {asset.type: (asset.uid, asset.config, ties(inventory, asset.uid)) for asset in inventory}
    assert SECRET not in str(found)
    return found
