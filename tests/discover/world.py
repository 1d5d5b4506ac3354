"""Discovering the simulated AWS in this process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from sakimori.aws.clients import Clients
from sakimori.discover.engine import inventory, units
from sakimori.discover.live import LiveSource, Wanted, plan
from sakimori.discover.services import services
from sakimori.discover.snapshot import Recording
from sakimori.model.asset import Inventory


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
