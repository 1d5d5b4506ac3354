"""One file a product whose events are understood; the file's name is the product's.

A plug-in declares, beside its code,

    EVENTS = {(source, detail-type): reader}   # EventBridge events; "*" stands for any source
    OBJECTS = ((sign, reader), ...)            # objects without an envelope (API answers, rule invocations): the keys
                                               # that tell one, and what reads it

and a reader gives an Event, or a NotRead with the reason, for each thing that it finds (`told.py`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from sakimori.collect.told import Reader


@dataclass(frozen=True, slots=True)
class Plugin:
    """A product's declarations."""

    name: str
    events: Mapping[tuple[str, str], Reader]
    objects: tuple[tuple[frozenset[str], Reader], ...]


@cache
def plugins() -> tuple[Plugin, ...]:
    """Every product, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return tuple(_declared(name, importlib.import_module(f"{__name__}.{name}")) for name in names)


def _declared(name: str, module: ModuleType) -> Plugin:
    objects = tuple((frozenset(sign), reader) for sign, reader in getattr(module, "OBJECTS", ()))
    return Plugin(name, getattr(module, "EVENTS", {}), objects)


def reader_of_event(source: str, detail_type: str) -> Reader | None:
    """What reads EventBridge events of this kind."""
    for wanted in ((source, detail_type), ("*", detail_type)):
        for plugin in plugins():
            if wanted in plugin.events:
                return plugin.events[wanted]
    return None


def reader_of_object(document: Mapping[str, Any]) -> Reader | None:
    """What reads an object without an envelope: whoever's sign has the most keys, of those that are all there."""
    fits = [(len(sign), reader) for plugin in plugins() for sign, reader in plugin.objects if sign <= document.keys()]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None
