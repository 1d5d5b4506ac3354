"""Further calls for the items of a listing, one each, in batches, or one for all, merged into the items."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sakimori.aws.errors import AwsError
from sakimori.discover.declare import Detail, Item, Place, Resource
from sakimori.discover.paths import Scope, fill, find, find_all
from sakimori.discover.source import Answer

Missing = tuple[int, Detail, AwsError]
"""The item (by its index) that lacks a detail, and why."""


class Each(Protocol):
    """Asks many things at once; the answers are in the order of what was asked."""

    def __call__(self, ask: Callable[[Any], Any], values: Sequence[Any], /) -> list[Any]: ...


@dataclass(slots=True)
class Details:
    """The details of a unit's items. What is shared by all is asked once."""

    ask: Callable[[Detail, Mapping[str, Any], str], Answer]
    each: Each
    place: Place
    _shared: dict[tuple[str, str, str], Answer | AwsError] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def merge(self, resource: Resource, items: Sequence[Item]) -> list[Missing]:
        """Merges the resource's details into the items, in the order in which they are declared; what is missing."""
        return [missing for detail in resource.details for missing in self._merge(detail, items)]

    def _merge(self, detail: Detail, items: Sequence[Item]) -> Iterator[Missing]:
        wanted = [index for index, item in enumerate(items) if detail.when is None or detail.when(item)]
        for index in sorted({*range(len(items))}.difference(wanted)) if detail.under else ():
            items[index].setdefault(detail.under, None)
        if not wanted:
            return
        if detail.shared:
            yield from self._put_members(detail, items, wanted, self._once(detail))
        elif detail.batch:
            batches = self._batches(detail, items, wanted)
            answers = self.each(lambda batch: self._ask_batch(detail, [items[index] for index in batch]), batches)
            for batch, answer in zip(batches, answers, strict=True):
                yield from self._put_members(detail, items, batch, answer)
        else:
            answers = self.each(lambda index: self._ask_one(detail, items[index]), wanted)
            for index, answer in zip(wanted, answers, strict=True):
                if isinstance(answer, AwsError):
                    if detail.nothing(answer):
                        _put(detail, items[index], None)
                    else:
                        yield index, detail, answer
                else:
                    _put(detail, items[index], _part(detail, answer))
                    if detail.truncated and find(answer, detail.truncated):
                        yield index, detail, AwsError("", "", "Truncated", f"{detail.operation} did not tell all")

    def _ask_one(self, detail: Detail, item: Item) -> Answer | AwsError:
        given = fill(detail.parameters, Scope(item, self.place.values()))
        return self._answer(detail, given, self._region(detail, item))

    def _batches(self, detail: Detail, items: Sequence[Item], wanted: Sequence[int]) -> list[list[int]]:
        """Items whose other parameters and regions are equal, no more of them than one call takes."""
        alike: dict[str, list[int]] = {}
        for index in wanted:
            same = self._others(detail, items[index]), self._region(detail, items[index])
            alike.setdefault(repr(same), []).append(index)
        return [batch[at : at + detail.batch] for batch in alike.values() for at in range(0, len(batch), detail.batch)]

    def _ask_batch(self, detail: Detail, items: Sequence[Item]) -> Answer | AwsError:
        template = detail.parameters[detail.each]
        values = [fill(template, Scope(item, self.place.values())) for item in items]
        given = {**self._others(detail, items[0]), detail.each: values}
        return self._answer(detail, given, self._region(detail, items[0]))

    def _region(self, detail: Detail, item: Item) -> str:
        """The region that is asked, "" for the place's own."""
        return fill(detail.region, Scope(item, self.place.values())) or "" if detail.region else ""

    def _others(self, detail: Detail, item: Item) -> dict[str, Any]:
        scope = Scope(item, self.place.values())
        return {name: fill(template, scope) for name, template in detail.parameters.items() if name != detail.each}

    def _answer(self, detail: Detail, parameters: Mapping[str, Any], region: str) -> Answer | AwsError:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            return self.ask(detail, given, region)
        except AwsError as error:
            return error

    def _once(self, detail: Detail) -> Answer | AwsError:
        with self._lock:
            key = detail.client, detail.operation, repr(detail.parameters)  # kinds of assets may share it, too
            if key not in self._shared:
                self._shared[key] = self._answer(detail, detail.parameters, "")
            return self._shared[key]

    def _put_members(
        self, detail: Detail, items: Sequence[Item], wanted: Sequence[int], answer: Answer | AwsError
    ) -> Iterator[Missing]:
        if isinstance(answer, AwsError) and not detail.nothing(answer):
            yield from ((index, detail, answer) for index in wanted)
            return
        members: dict[Any, list[Item]] = {}
        for member in [] if isinstance(answer, AwsError) else _members(detail, answer):
            members.setdefault(find(member, detail.key), []).append(member)
        for index in wanted:
            mine = members.get(fill(detail.of, Scope(items[index], self.place.values())), [])
            if detail.value:
                mine = [find(member, detail.value) for member in mine]
            _put(detail, items[index], mine if detail.many else mine[0] if mine else None)


def _members(detail: Detail, answer: Answer) -> list[Item]:
    return detail.parse(answer) if detail.parse else [each for each in find_all(answer, detail.path) if each]


def _part(detail: Detail, answer: Answer) -> Any:
    """The part of an answer that is merged: the whole, what the path leads to, or all that it leads to."""
    if detail.parse:
        return detail.parse(answer)
    if not detail.path:
        return answer
    return find_all(answer, detail.path) if "[]" in detail.path else find(answer, detail.path)


def _put(detail: Detail, item: Item, value: Any) -> None:
    if detail.under:
        item[detail.under] = value
    elif isinstance(value, Mapping):
        item.update(value)
