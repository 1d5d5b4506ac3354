"""What a change comes to, as people read it: the lines of the state before that go, and those that come."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any


def changed_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """`- "HttpTokens": "optional"`, `+ "HttpTokens": "required"`, with a line around each change."""
    old, new = (json.dumps(each, indent=2, sort_keys=True, default=str).splitlines() for each in (before, after))
    return [
        f"{line[0]} {line[1:]}".rstrip()
        for line in difflib.unified_diff(old, new, n=1, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
