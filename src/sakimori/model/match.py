"""A match: one record that one rule held for, with what grouping and correlation need of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sakimori.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Observed:
    """What the rules made of one log object: matches that correlations need, and the findings of single records."""

    matches: Sequence[Match] = ()
    findings: Collection[Finding] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One rule, one record. (`rule`, `record_id`) is its identity: seen again, it is the same match.

    `time` is ISO 8601 in UTC as CloudTrail writes it; `group_key` is the JSON text of what the rule groups by;
    `matched` maps a field's path to the value that made the rule hold. Unknown text is "".
    """

    rule: str
    record_id: str
    time: str
    account: str
    region: str
    actor: str
    source_ip: str
    asset: str
    group_key: str = "[]"
    matched: Mapping[str, Any] = field(default_factory=dict)
