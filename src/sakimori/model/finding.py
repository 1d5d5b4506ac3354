"""A finding: what was seen, how bad it is, who did it to what, and the evidence to check it by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sakimori.model.said import Made, Said, recalled
from sakimori.model.severity import Severity


def finding_uid(plug_in: str, account: str, region: str, resource: str, discriminator: str) -> str:
    """The identity of a finding: seeing it again gives the same uid, so a store updates and never adds a row."""
    parts = "\x1f".join((plug_in, account, region, resource, discriminator))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]


DETECTION, COMPLIANCE, IAM_ANALYSIS = 2004, 2003, 2008
"""OCSF's classes of findings, as far as we have them."""


class ToldDetection(msgspec.Struct, gc=False):
    """What a line of JSON says of a detection, in this order."""

    uid: str
    rule: str
    title: str
    severity: str
    severity_id: int
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    account: str
    region: str
    actor: str
    source_ip: str
    asset: str
    count: int
    first_seen: str
    last_seen: str
    records: tuple[str, ...]
    matched: Mapping[str, Any]


@dataclass(slots=True)
class Finding:
    """One finding: a value, not to be changed (frozen, it would take five times as long to make).

    Times are ISO 8601 in UTC (`2026-11-21T08:00:00Z`), as CloudTrail writes them.
    Of a detection (`class_uid` DETECTION), `records` holds the id of every record behind it, in time order, `times` the
    time of each where they are known; `matched` maps a field's path to the value that made the rule match in the first
    of them. An assessment has no records: `evidence` is what a person needs to check it again (the packet and its path,
    the request and the statements), `remediation` what to do. Unknown text is "".
    `said` is what title, description and remediation were made of, by the text, as far as they hold values (`said.py`);
    None where nothing is kept: what always stays the same is known by itself.
    """

    uid: str
    rule: str
    title: str
    severity: Severity
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    account: str
    region: str
    actor: str
    source_ip: str
    asset: str
    count: int
    first_seen: str
    last_seen: str
    records: tuple[str, ...]
    matched: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    times: tuple[str, ...] = ()
    class_uid: int = DETECTION
    evidence: Mapping[str, Any] = field(default_factory=dict)
    remediation: str = ""
    said: Mapping[str, Made] | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that `detect` and `assess` print as JSON lines: the contract that others build on."""
        told = self.told()
        if isinstance(told, dict):
            return told
        lists = {name: list(getattr(told, name)) for name in ("tactics", "techniques", "records")}
        return msgspec.structs.asdict(told) | lists | {"matched": dict(told.matched)}

    def told(self) -> ToldDetection | dict[str, Any]:
        """The same object as msgspec writes it, which of a detection takes a third of the time."""
        if self.class_uid != DETECTION:
            return self._assessment_to_json()
        level = self.severity
        return ToldDetection(
            *(self.uid, self.rule, self.title, level.label, level.real, self.tactics, self.techniques, self.account),
            *(self.region, self.actor, self.source_ip, self.asset, self.count, self.first_seen, self.last_seen),
            *(self.records, self.matched),
        )

    def _assessment_to_json(self) -> dict[str, Any]:
        return {
            "uid": self.uid,
            "class_uid": self.class_uid,
            "rule": self.rule,
            "title": self.title,
            "description": self.description,
            "severity": self.severity.label,
            "severity_id": int(self.severity),
            "account": self.account,
            "region": self.region,
            "asset": self.asset,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "remediation": self.remediation,
            "evidence": dict(self.evidence),
        }


def titled(finding: Finding) -> str:
    """The title, which may be a sentence of ours; without the full stop that others give it, for it stands in one."""
    title = recalled(finding.title, finding.said or {})
    return title if isinstance(title, Said) else title.rstrip(" .。")


def columns(class_uid: int) -> list[str]:
    """The keys of the JSON object of a finding of this class, in its order."""
    none = Finding("", "", "", Severity.INFORMATIONAL, (), (), "", "", "", "", "", 0, "", "", (), class_uid=class_uid)
    return list(none.to_json())
