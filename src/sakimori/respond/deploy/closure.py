"""Which of our modules the function needs, and which packages they import: what their source says, lazy imports too."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

OURS = "sakimori"


@dataclass(frozen=True, slots=True)
class Needs:
    """Our modules with their files, and the top names of what they import from elsewhere."""

    modules: dict[str, Path]
    imported: frozenset[str]


def needs(entries: Iterable[str]) -> Needs:
    """What these modules need; of a package that ends in `.*`, all its modules are entries. Imports that are for the
    type checker only do not count."""
    modules: dict[str, Path] = {}
    imported: set[str] = set()
    waiting = [name for entry in entries for name in _entries(entry)]
    while waiting:
        name = waiting.pop()
        if name in modules or (place := _place(name)) is None:
            continue
        modules[name] = place
        waiting.append(name.rpartition(".")[0] or OURS)
        for found in _imports(name, place):
            top = found.partition(".")[0]
            if top == OURS:
                waiting.append(found)
            elif top not in sys.stdlib_module_names:
                imported.add(top)
    return Needs(dict(sorted(modules.items())), frozenset(imported))


def _entries(entry: str) -> list[str]:
    if not entry.endswith(".*"):
        return [entry]
    package = entry.removesuffix(".*")
    place = _place(package)
    files = sorted(place.parent.glob("*.py")) if place else []
    return [package, *(f"{package}.{each.stem}" for each in files if each.stem != "__init__")]


def _place(name: str) -> Path | None:
    """Where a module of ours is; None for a name that a `from` takes out of a module."""
    base = Path(str(importlib.util.find_spec(OURS).origin)).parent  # type: ignore[union-attr]  # this is ours
    under = base.joinpath(*name.split(".")[1:])
    for place in (under / "__init__.py", under.with_suffix(".py")):
        if place.is_file():
            return place
    return None


def _imports(name: str, place: Path) -> Iterator[str]:
    tree = ast.parse(place.read_text(encoding="utf-8"))
    skipped = {id(inner) for node in ast.walk(tree) if _is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
