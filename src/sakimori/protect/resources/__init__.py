"""The resources of the API, one file each: the file's name is the resource's id and its path."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping

from sakimori.protect.declare import Resource


@functools.cache
def all_resources() -> Mapping[str, Resource]:
    """Every resource by its id."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").RESOURCE for name in names}
