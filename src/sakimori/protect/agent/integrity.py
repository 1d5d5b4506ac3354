"""Integrity monitoring: a baseline of the files that rules watch, and what has changed since.

A change is told once: what was found becomes the baseline. A rule that is new, or whose pattern changed, gets its own
baseline and tells nothing that time. What could not be read is said, and never taken for deleted.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sakimori.protect.agent.file_tree import Entry, Unreadable, bases, files, look

ATTRIBUTES = {
    "PERMISSIONS": "permissions",
    "OWNER": "owner",
    "GROUP": "group",
    "SIZE": "size",
    "MODIFIED": "modified",
    "LASTMODIFIED": "modified",
    "CONTENTS": "contents",
    "TYPE": "type",
}
"""How the API names what is compared. `STANDARD` is all but the contents."""

Rule = Mapping[str, Any]


class Watched(msgspec.Struct):
    """What one rule saw. `pattern` tells whether the rule is still the same one."""

    pattern: str
    entries: dict[str, Entry]


class Baseline(msgspec.Struct):
    """Rule ID -> what it saw."""

    made_at: int
    rules: dict[int, Watched]


class Change(msgspec.Struct, frozen=True):
    """`change` is created, updated or deleted; `attributes` are name -> [before, after] of those that differ."""

    rule: int
    severity: str
    change: str
    path: str
    attributes: dict[str, list[str]]


class Scan(msgspec.Struct):
    """What a scan found. `not_evaluated` are (rule ID, what, reason)."""

    baseline: Baseline
    changes: list[Change]
    new_rules: list[int]
    not_evaluated: list[tuple[int, str, str]]


def scan(root: Path, rules: Sequence[Rule], before: Baseline | None) -> Scan:
    """Looks at all that the rules watch below `root`, and compares it with the baseline, if there is one."""
    seen: dict[Path, Entry | None] = {}
    result = Scan(Baseline(int(time.time() * 1000), {}), [], [], [])
    for rule in rules:
        if rule.get("template") != "file":
            reason = "only files are looked at here, not registry keys or custom rules"
            result.not_evaluated.append((rule["ID"], rule.get("name", ""), reason))
            continue
        names = _compared(rule)
        unreadable: dict[str, str] = {}
        now = Watched(_pattern(rule), _entries(root, rule, "contents" in names, seen, unreadable))
        known = before.rules.get(rule["ID"]) if before is not None else None
        if known is None or known.pattern != now.pattern:
            result.new_rules.append(rule["ID"])
        else:
            _keep_unread(known.entries, now.entries, unreadable)
            result.changes += _changes(rule, names, known.entries, now.entries)
        result.not_evaluated += [(rule["ID"], path, reason) for path, reason in unreadable.items()]
        result.baseline.rules[rule["ID"]] = now
    return result


def _entries(
    root: Path, rule: Rule, contents: bool, seen: dict[Path, Entry | None], unreadable: dict[str, str]
) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for base, folder in bases(root, str(rule.get("fileBaseDirectory") or "/")):
        listing = files(
            folder,
            subfolders=bool(rule.get("fileIncludeSubDirectories")),
            include=rule.get("fileIncludedValues") or (),
            exclude=rule.get("fileExcludedValues") or (),
        )
        for item in listing:
            if isinstance(item, Unreadable):
                unreadable[_joined(base, item.path)] = item.reason
                continue
            path, place = _joined(base, item), folder / item
            try:
                entry = seen.get(place)
                if entry is None or (contents and not entry.contents):
                    entry = seen[place] = look(place, contents=contents)
            except OSError as error:
                unreadable[path] = error.strerror or str(error)
                continue
            if entry is not None:
                found[path] = entry
    return found


def _joined(base: str, path: str) -> str:
    return "/".join(part.strip("/") for part in ("", base, path) if part.strip("/") or not part)


def _keep_unread(known: Mapping[str, Entry], now: dict[str, Entry], unreadable: Iterable[str]) -> None:
    """What could not be read this time is as it was, as far as anybody knows."""
    for place in unreadable:
        for path, entry in known.items():
            if path == place or path.startswith(place.rstrip("/") + "/"):
                now.setdefault(path, entry)


def _changes(rule: Rule, names: Sequence[str], known: Mapping[str, Entry], now: Mapping[str, Entry]) -> list[Change]:
    found = []
    severity = str(rule.get("severity") or "medium")
    for path in sorted(known.keys() | now.keys()):
        before, after = known.get(path), now.get(path)
        if before is None or after is None:
            change = "created" if before is None else "deleted"
            found.append(Change(rule["ID"], severity, change, path, _differences(names, before, after)))
        elif differing := _differences(names, before, after):
            found.append(Change(rule["ID"], severity, "updated", path, differing))
    return found


def _differences(names: Sequence[str], before: Entry | None, after: Entry | None) -> dict[str, list[str]]:
    """The attributes that differ; all of them for what is new or gone, "" where there is no value."""
    found = {}
    for name in names:
        values = ["" if entry is None else str(getattr(entry, name)) for entry in (before, after)]
        if values[0] != values[1]:
            found[name] = values
    return found


def _compared(rule: Rule) -> tuple[str, ...]:
    asked = [str(each).upper() for each in rule.get("fileAttributes") or ("STANDARD", "CONTENTS")]
    names = [ATTRIBUTES[each] for each in asked if each in ATTRIBUTES]
    if "STANDARD" in asked:
        names += ["type", "permissions", "owner", "group", "size", "modified"]
    return tuple(dict.fromkeys(names))


def _pattern(rule: Rule) -> str:
    """What makes the rule look at other files or compare other things, as a short digest."""
    said = [rule.get(name) for name in sorted(rule) if name.startswith("file")]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]
