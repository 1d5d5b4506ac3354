"""What is wrong with a rule file, and where: lines (from 1) of the YAML nodes that errors are about."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from sigma.exceptions import SigmaError
from sigma.rule.detection import SigmaDetectionItem


class RuleError(ValueError):
    """A rule that cannot be used: `path:line: reason`."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path, self.line, self.reason = path, line, reason


def line_of(node: yaml.Node, *keys: str) -> int:
    """The line at which the value under these nested keys is set, or its nearest ancestor's that is there."""
    line = node.start_mark.line + 1
    for key in keys:
        found = next((pair for pair in _pairs(node) if pair[0].value == key), None)
        if found is None:
            break
        node, line = found[1], found[0].start_mark.line + 1
    return int(line)


def under(node: yaml.Node, key: str) -> yaml.Node | None:
    """The value of a key of a map."""
    return next((value for found, value in _pairs(node) if found.value == key), None)


def line_with(node: yaml.Node | None, text: str) -> int | None:
    """The line of the first key or scalar below `node` that holds the text."""
    for scalar in _scalars(node):
        if text in scalar.value:
            return int(scalar.start_mark.line) + 1
    return None


def repeated_key(node: yaml.Node) -> tuple[str, int] | None:
    """A key that one map states twice, with the line of the second: YAML would keep the last and drop the rest."""
    waiting, known = [node], set()
    while waiting:
        node = waiting.pop()
        if id(node) in known:
            continue
        known.add(id(node))
        keys: set[tuple[str, str]] = set()
        for key, value in _pairs(node):
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in keys:
                    return key.value, int(key.start_mark.line) + 1
                keys.add((key.tag, key.value))
            waiting.append(value)
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
    return None


def failing_item(detection: yaml.Node | None) -> int | None:
    """The line of the first field of a detection that pySigma does not take with its value."""
    for name, search in _pairs(detection):
        if name.value not in ("condition", "timeframe"):
            for key, value in _items(search):
                try:
                    SigmaDetectionItem.from_mapping(key.value, yaml.safe_load(yaml.serialize(value)))
                except (SigmaError, TypeError, ValueError, AttributeError):
                    return int(key.start_mark.line) + 1
    return None


def _items(search: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The field and value pairs of a search identifier: a map, or a list with maps in it."""
    if isinstance(search, yaml.SequenceNode):
        for each in search.value:
            yield from _items(each)
    yield from _pairs(search)


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)
    for key, value in _pairs(node):
        yield from _scalars(key)
        yield from _scalars(value)
