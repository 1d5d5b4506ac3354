"""What a discovery tells the ledger, and what the ledger tells of assets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sakimori.model.asset import Asset, NotEvaluated, Relation
from sakimori.store.diff import Change


class Event(StrEnum):
    """What an entry of an asset's history tells."""

    CHANGED = "changed"
    GONE = "gone"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry of an asset's history; see `diff.Change` for what changed."""

    at: str
    run: int
    event: Event
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class KnownAsset:
    """An asset, there or gone, with when it was first seen, last changed and found gone ("" while it is there), and the
    relations that start or end at it."""

    asset: Asset
    first_seen: str
    changed_at: str
    gone_at: str
    relations: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A discovery. `ended_at` is "" if it is under way or was interrupted."""

    number: int
    source: str
    started_at: str
    ended_at: str


@dataclass(frozen=True, slots=True)
class Scope:
    """A unit of discovery."""

    account: str
    region: str
    service: str


Settled = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


def all_of_it(_type: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whatever differs in a config is a change."""
    return config


@dataclass(frozen=True, slots=True)
class Seen:
    """Assets and relations that a unit saw. `asked` are keys of config that further calls fill: where one is missing,
    it could not be asked, which is no change; `in_part` is a source of which any key may be missing. `incomplete` are
    the uids of assets that lack such keys, True if what could not be asked is the description itself. `settled` gives,
    of a type and its config, what is a change if it differs."""

    scope: Scope
    assets: Sequence[Asset] = ()
    relations: Sequence[Relation] = ()
    asked: frozenset[str] = frozenset()
    incomplete: Mapping[str, bool] = field(default_factory=dict)
    settled: Settled = all_of_it
    in_part: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A unit came to its end: the asset types that it saw whole, the uids of assets of which not all could be asked,
    and all that it could not see."""

    scope: Scope
    whole: Collection[str] = ()
    incomplete: Collection[str] = ()
    missing: Sequence[NotEvaluated] = ()


@dataclass(slots=True)
class Recorded:
    """How many assets were new, changed, came back and went."""

    new: int = 0
    changed: int = 0
    returned: int = 0
    gone: int = 0

    def __add__(self, other: Recorded) -> Recorded:
        return Recorded(
            self.new + other.new,
            self.changed + other.changed,
            self.returned + other.returned,
            self.gone + other.gone,
        )
