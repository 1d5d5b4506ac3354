"""What a rule file may say: one struct a kind. `reading.py` refuses every key that is not here.

Where a rule's field is also one of the API's, it means the same; `when` and `affects` say on which hosts a rule is
recommended (see `sakimori.protect.recommend`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Severity = Literal["low", "medium", "high", "critical"]
Os = Literal["any", "linux", "windows"]
Text = Annotated[str, Meta(min_length=1)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Cve = Annotated[str, Meta(pattern=r"^CVE-\d{4}-\d{4,}$")]
Technique = Annotated[str, Meta(pattern=r"^T\d{4}(\.\d{3})?$")]
Date = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Affected(_Struct, frozen=True, kw_only=True):
    """A package, or a product that no package manager knows (`generic`), from one version up to the one that fixes it.

    `from` "" is open, `fixed` "" means that nothing fixes it; `last` is the last affected version where no fix has a
    number. `distribution` narrows an operating system's package down, such as `debian-12`: each has its own fix.
    """

    ecosystem: Text
    package: Text
    since: str = msgspec.field(default="", name="from")
    fixed: str = ""
    last: str = ""
    distribution: str = ""


class When(_Struct, frozen=True, kw_only=True):
    """On which hosts a rule that no single vulnerability calls for is of use: those that have any of these.

    `files` are shell patterns; `applications` are ids of application types with a port that the host listens on.
    """

    packages: tuple[Text, ...] = ()
    files: tuple[Text, ...] = ()
    applications: tuple[Text, ...] = ()
    always: bool = False


class PatchTests(_Struct, frozen=True, kw_only=True):
    """Requests that the signature must and must not match; see `sakimori.protect.catalogue.payload` for their form."""

    attacks: Annotated[tuple[Text, ...], Meta(min_length=1)]
    benign: Annotated[tuple[Text, ...], Meta(min_length=1)]


class VirtualPatch(_Struct, frozen=True, kw_only=True):
    """An intrusion prevention rule. `signatures` are Suricata's; `sid` says what their numbers are."""

    id: Annotated[int, Meta(ge=1_001, le=4_999)]
    name: Text
    description: Text
    application: Text
    cves: Annotated[tuple[Cve, ...], Meta(min_length=1)]
    cvss: Annotated[float, Meta(ge=0, le=10)]
    severity: Severity
    issued: Date
    affects: Annotated[tuple[Affected, ...], Meta(min_length=1)]
    requires: tuple[int, ...] = ()
    signatures: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=9)]
    tests: PatchTests
    slug: str = ""

    def sid(self, number: int) -> int:
        """The sid of the n-th signature (from 0), in the range that Suricata leaves to local rules."""
        return (100_000 + self.id) * 10 + number


def rule_of_sid(sid: int) -> int:
    """The id of the virtual patch whose signature has this sid."""
    return sid // 10 - 100_000


class IntegrityRule(_Struct, frozen=True, kw_only=True):
    """An integrity monitoring rule: what is watched below one base folder (or registry key), and which attributes.

    `include` and `exclude` are shell patterns of paths relative to the base, or of names where they have no `/`.
    """

    id: Annotated[int, Meta(ge=5_001, le=5_999)]
    name: Text
    description: Text
    severity: Severity
    techniques: Annotated[tuple[Technique, ...], Meta(min_length=1)]
    os: Os
    issued: Date
    when: When
    base: Text
    registry: bool = False
    subfolders: bool = False
    include: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()
    attributes: Annotated[
        tuple[Literal["modified", "permissions", "owner", "group", "size", "contents", "type"], ...],
        Meta(min_length=1),
    ]
    slug: str = ""


class LogFile(_Struct, frozen=True, kw_only=True):
    """Where a log is (a shell pattern), and how its lines begin."""

    location: Text
    format: Literal["syslog", "apache", "nginx", "json", "windows-event", "lines"] = "lines"


class LogTests(_Struct, frozen=True, kw_only=True):
    """Lines (one a list item; of a rule with a frequency, all of the hits together) that must and must not be seen."""

    hits: Annotated[tuple[Text, ...], Meta(min_length=1)]
    misses: Annotated[tuple[Text, ...], Meta(min_length=1)]


class LogRule(_Struct, frozen=True, kw_only=True):
    """A log inspection rule. It fires on a line that its pattern is found in (RE2 syntax).

    With a `frequency` it fires once that many such lines came within `timeframe` seconds, which must agree in the
    pattern's groups whose names begin with `same_`. `requires` are rules that the same line must match too.
    """

    id: Annotated[int, Meta(ge=6_001, le=7_999)]
    name: Text
    description: Text
    level: Annotated[int, Meta(ge=0, le=15)]
    groups: Annotated[tuple[Text, ...], Meta(min_length=1)]
    techniques: tuple[Technique, ...] = ()
    os: Os
    issued: Date
    when: When
    logs: Annotated[tuple[LogFile, ...], Meta(min_length=1)]
    pattern: Text
    frequency: Annotated[int, Meta(ge=2)] | None = None
    timeframe: Annotated[int, Meta(ge=1)] | None = None
    requires: tuple[int, ...] = ()
    tests: LogTests
    slug: str = ""


class FirewallTemplate(_Struct, frozen=True, kw_only=True):
    """A firewall rule in the API's own fields."""

    id: Annotated[int, Meta(ge=8_001, le=8_999)]
    name: Text
    description: Text
    action: Literal["log-only", "allow", "deny", "force-allow", "bypass"]
    priority: Literal["0", "1", "2", "3", "4"] = "0"
    direction: Literal["incoming", "outgoing"]
    protocol: Literal["any", "icmp", "tcp", "udp", "tcp-udp", "icmpv6"]
    ports: tuple[Text, ...] = ()
    sources: tuple[Text, ...] = ()
    destinations: tuple[Text, ...] = ()


class WebCategory(_Struct, frozen=True, kw_only=True):
    """What kind of page a URL leads to, and how risky that is."""

    id: Annotated[int, Meta(ge=1, le=999)]
    name: Text
    description: Text
    risk: Literal["dangerous", "highly-suspicious", "suspicious", "untested", "safe"]


class ApplicationType(_Struct, frozen=True, kw_only=True):
    """A kind of service: what virtual patches protect, found by the ports that it listens on."""

    id: Annotated[int, Meta(ge=1, le=999)]
    name: Text
    description: Text
    direction: Literal["incoming", "outgoing"] = "incoming"
    protocol: Literal["icmp", "tcp", "udp", "tcp-udp"] = "tcp"
    ports: Annotated[tuple[Port, ...], Meta(min_length=1)]


Rule = VirtualPatch | IntegrityRule | LogRule
