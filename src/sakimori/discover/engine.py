"""The one algorithm: ask what a service declares, page by page, and turn the answers into assets and relations.

A *unit* is a service in a place. Units run side by side, and so do the calls for single items within a unit. What
could not be asked is a NotEvaluated, and the kinds of assets that it could have told of are not counted as seen.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sakimori.aws.errors import AwsError
from sakimori.discover.declare import Detail, Item, Listing, Place, Reach, Resource, Service
from sakimori.discover.detail import Details
from sakimori.discover.paths import Scope, fill
from sakimori.discover.source import Answer, Question, Source, whole
from sakimori.discover.transform import to_asset
from sakimori.model.asset import GLOBAL, Asked, Asset, Inventory, NotEvaluated, Relation

UNITS, CALLS = 6, 16
"""Units that run at once, and calls for single items beside them. Memory holds a page of assets for each unit."""

WAITING = 64
"""Parcels that wait to be taken; past that the units wait."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Unit:
    """One service in one place; `name` is the service file's."""

    place: Place
    name: str
    service: Service


@dataclass(slots=True)
class Found:
    """A parcel of what a unit has found. The last one of a unit is `done`, and names the asset types seen whole.

    `asked` are the keys of config that further calls fill; `incomplete` the uids of assets of which not all could be
    asked, True if it is the description itself that is missing; `in_part` says that any key may be missing.
    """

    unit: Unit
    assets: list[Asset] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    asked: frozenset[str] = frozenset()
    incomplete: dict[str, bool] = field(default_factory=dict)
    done: bool = False
    whole: frozenset[str] = frozenset()
    in_part: bool = False


def units(places: Iterable[Place], services: Mapping[str, Service], home: str) -> Iterator[Unit]:
    """The units of these services in these regional places; `home` is the account that we are in ourselves.

    Region by region: all accounts are asked by the same clients, of which only so many are kept.
    """
    accounts: dict[str, Place] = {}
    for place in sorted(places, key=lambda place: place.region):
        accounts.setdefault(place.account, Place(place.account, GLOBAL, place.partition))
        if place.region != GLOBAL:
            for name, service in services.items():
                if service.reach is Reach.REGIONAL:
                    yield Unit(place, name, service)
    for place in accounts.values():
        for name, service in services.items():
            if service.reach is Reach.GLOBAL or (service.reach is Reach.ORGANIZATION and place.account == home):
                yield Unit(place, name, service)


def discover(source: Source, wanted: Iterable[Unit]) -> Iterator[Found]:
    """What the units find, in parcels, in no particular order. Closing the iterator stops the work at its next call."""
    found: queue.Queue[Found] = queue.Queue(WAITING)
    stop = threading.Event()
    planned = list(wanted)
    with ThreadPoolExecutor(UNITS, "unit") as unit_pool, ThreadPoolExecutor(CALLS, "call") as call_pool:

        def work(unit: Unit) -> None:
            try:
                _Look(unit, source, call_pool, lambda parcel: _put(found, parcel, stop)).run()
            except _Stopped:
                pass
            except Exception as error:
                _put_quietly(found, _broken(unit, error), stop)

        left = len(planned)
        try:
            for unit in planned:
                unit_pool.submit(work, unit)
            while left:
                parcel = found.get()
                left -= parcel.done
                yield parcel
        finally:
            stop.set()
            if left:
                source.stop()
            unit_pool.shutdown(wait=False, cancel_futures=True)
            call_pool.shutdown(wait=False, cancel_futures=True)


class _Stopped(Exception):
    """Nobody wants the rest."""


def _put(found: queue.Queue[Any], parcel: Any, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            found.put(parcel, timeout=0.2)
        except queue.Full:
            continue
        return
    raise _Stopped


def _broken(unit: Unit, error: Exception) -> Found:
    """An answer that we do not understand ends its unit, and nothing else."""
    place, kind = unit.place, type(error).__name__
    told = NotEvaluated(
        f"{unit.service.prefix or unit.service.client}:*", place.account, place.region, "", kind, str(error)
    )
    return Found(unit, not_evaluated=[told], done=True)


def _put_quietly(found: queue.Queue[Any], parcel: Found, stop: threading.Event) -> None:
    try:
        _put(found, parcel, stop)
    except _Stopped:
        return


def inventory(source: Source, wanted: Iterable[Unit]) -> Inventory:
    """All that the units find, in memory. What an account sees of another's counts only where that one told nothing."""
    gathered = Inventory()
    foreign: list[Asset] = []
    asked: set[Asked] = set()
    relations: dict[tuple[str, str, str], Relation] = {}
    for parcel in sorted(discover(source, wanted), key=_place_order):
        for asset in parcel.assets:
            if asset.account == parcel.unit.place.account:
                gathered.add(asset)
            else:
                foreign.append(asset)
        for relation in parcel.relations:
            relations[relation.source, relation.kind, relation.target] = relation
        gathered.not_evaluated += parcel.not_evaluated
        if parcel.done:
            asked.add(Asked(parcel.unit.place.account, parcel.unit.place.region, parcel.unit.name))
    for asset in foreign:
        if gathered.get(asset.uid) is None:
            gathered.add(asset)
    gathered.asked = frozenset(asked)
    gathered.relations += relations.values()
    gathered.point_to_owners()
    return gathered


def _place_order(parcel: Found) -> tuple[str, str, str]:
    return parcel.unit.place.account, parcel.unit.place.region, parcel.unit.name


@dataclass(slots=True)
class _Look:
    """One unit being looked at."""

    unit: Unit
    source: Source
    calls: ThreadPoolExecutor
    emit: Callable[[Found], None]
    unseen: set[str] = field(default_factory=set)
    details: Details = field(init=False)

    def __post_init__(self) -> None:
        self.details = Details(self._ask_whole, self._each, self.unit.place)

    def run(self) -> None:
        for listing in self.unit.service.lists:
            if not listing.home_only or self.unit.place.region == self.unit.place.home:
                self._list(listing)
        types = {resource.type for _, resource in self.unit.service.resources()}
        self.emit(Found(self.unit, done=True, whole=frozenset(types - self.unseen)))

    def _list(self, listing: Listing) -> None:
        """A listing of the whole place: get -> transform, a page at a time."""
        try:
            for answer in self._ask(listing, listing.parameters):
                self._take(listing, [(answer, None)])
        except AwsError as error:
            self._failed(listing, error, "")

    def _list_below(self, listing: Listing, parents: Sequence[Item], uids: Sequence[str]) -> None:
        """A listing for each of the items above it."""

        def ask(parent: Item) -> Answer | AwsError:
            scope = Scope(parent, self.unit.place.values())
            try:
                return whole(self._ask(listing, fill(listing.parameters, scope)))
            except AwsError as error:
                return error

        answers = list(zip(parents, uids, self._each(ask, parents), strict=True))
        for _, uid, answer in answers:
            if isinstance(answer, AwsError):
                self._failed(listing, answer, uid)
        self._take(listing, [(answer, parent) for parent, _, answer in answers if not isinstance(answer, AwsError)])

    def _take(self, listing: Listing, answers: Sequence[tuple[Answer, Item | None]]) -> None:
        for resource in listing.gives:
            items = [(item, parent) for answer, parent in answers for item in self._items(resource, answer, parent)]
            if not items:
                continue
            parcel = Found(self.unit, asked=frozenset(filter(None, (each.under for each in resource.details))))
            missing = self.details.merge(resource, [item for item, _ in items])
            undescribed = {index for index, detail, _ in missing if not detail.under}
            uids = [
                self._transform(resource, item, parent, parcel, described=index not in undescribed)
                for index, (item, parent) in enumerate(items)
            ]
            for index, detail, error in missing:
                named = uids[index] or _called(items[index][0])
                parcel.not_evaluated.append(self._not_evaluated(detail, error, named))
                parcel.incomplete[uids[index]] = parcel.incomplete.get(uids[index], False) or not detail.under
            self.emit(parcel)
            for below in resource.lists:
                self._list_below(below, [item for item, _ in items], uids)

    def _items(self, resource: Resource, answer: Answer, parent: Item | None) -> list[Item]:
        """The items of an answer, with what they have from the one above them."""
        scope = Scope(parent, self.unit.place.values())
        inherited = {key: fill(template, scope) for key, template in resource.inherit.items()}
        return [{**item, **inherited} for item in resource.found(answer)]

    def _transform(self, resource: Resource, item: Item, parent: Item | None, parcel: Found, *, described: bool) -> str:
        """One item as an asset with its relations; its uid, "" if it cannot be told. Why not is said already if its
        description could not be asked."""
        place = self.unit.place
        told = to_asset(resource, item, parent, place)
        if told is None:
            self.unseen.add(resource.type)
            missing = f"{resource.type}: the answer does not hold what {resource.arn} needs"
            given = NotEvaluated("", place.account, place.region, _called(item), "NoIdentity", missing)
            parcel.not_evaluated += [given] if described else []
            return ""
        asset, relations = told
        parcel.assets.append(asset)
        parcel.relations += relations
        return asset.uid

    # Asking

    @property
    def _home(self) -> str:
        """The region in which the service is asked, "" for the place's own."""
        return self.unit.service.homes.get(self.unit.place.partition, "")

    def _ask(self, listing: Listing, parameters: Mapping[str, Any]) -> Iterator[Answer]:
        given = {name: value for name, value in parameters.items() if value is not None}
        service = self.unit.service
        yield from self.source.pages(
            Question(
                self.unit.place,
                self.unit.name,
                listing.client or service.client,
                listing.operation,
                service.action(listing),
                fill(given, Scope({}, self.unit.place.values())),
                region=self._home,
                sparse=service.sparse,
                page_size=listing.page_size,
                secrets=listing.secrets,
            )
        )

    def _ask_whole(self, detail: Detail, parameters: Mapping[str, Any], region: str) -> Answer:
        service = self.unit.service
        question = Question(
            self.unit.place,
            self.unit.name,
            detail.client or service.client,
            detail.operation,
            service.action(detail),
            parameters,
            region=region or self._home,
            first_page=detail.first_page,
            sparse=service.sparse,
            prepare=detail.prepare,
            job=detail.job,
            batch=bool(detail.batch),
            secrets=detail.secrets,
        )
        return whole(self.source.pages(question))

    def _each(self, ask: Callable[[T], R], values: Sequence[T]) -> list[R]:
        """The answers in the order of the values, many of them asked at once."""
        return [ask(values[0])] if len(values) == 1 else list(self.calls.map(ask, values))

    # Saying no

    def _failed(self, listing: Listing, error: AwsError, resource: str) -> None:
        if listing.nothing(error):
            if listing.otherwise is not None:
                self._take(listing, [(dict(listing.otherwise), None)])
            return
        below = Service(client="", lists=(listing,)).resources()
        self.unseen.update(found.type for _, found in below)
        self.emit(Found(self.unit, not_evaluated=[self._not_evaluated(listing, error, resource)]))

    def _not_evaluated(self, call: Listing | Detail, error: AwsError, resource: str) -> NotEvaluated:
        place = self.unit.place
        action = error.action or self.unit.service.action(call)
        return NotEvaluated(action, place.account, place.region, resource, error.code, error.message)


def _called(item: Item) -> str:
    """What an item without an ARN is called: its texts."""
    return ", ".join(value for value in item.values() if isinstance(value, str))[:200]
