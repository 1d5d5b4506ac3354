"""Assertions about the network that users write, in sentences in YAML files:

    - assert: no path from internet to tag:tier=db
    - assert: tag:pci=true only from sg:bastion on tcp/22
    - assert: all egress from tag:tier=app goes through a NAT or an endpoint
    - assert: a path from internet to name:web on tcp/443

An entry may have an `id` (else the sentence is it), a `severity` and a `why`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sakimori.assess.network.filters import protocol_number
from sakimori.assess.network.space import FULL, ICMP, PORTS, Space, box, minus
from sakimori.model.severity import Severity


class BadAssertion(ValueError):
    """A sentence or a file that is no assertion: says which, why, and what there could be."""


NO_PATH, A_PATH, ONLY_FROM, THROUGH = "no path", "a path", "only from", "through"

VIA = {
    "nat": ("nat-",),
    "endpoint": ("vpce-",),
    "transit gateway": ("tgw-",),
    "firewall": ("arn:aws:network-firewall", "arn:aws-cn:network-firewall", "arn:aws-us-gov:network-firewall"),
    "vpn": ("vgw-", "vpn-"),
}
"""What egress may have to go through, by how the ids of such nodes begin."""

KINDS = ("tag", "sg", "vpc", "subnet", "account", "name", "cidr", "id")


@dataclass(frozen=True, slots=True)
class Ends:
    """`internet`, or what selectors (kind, value) name, any of them: `tag:tier=db or sg:bastion`."""

    selectors: tuple[tuple[str, str], ...]

    @property
    def internet(self) -> bool:
        return ("internet", "") in self.selectors

    def __str__(self) -> str:
        return " or ".join(f"{kind}:{value}" if value else kind for kind, value in self.selectors)


@dataclass(frozen=True, slots=True)
class Assertion:
    """One sentence. `packets` is what it is about, `ports` those packets in words."""

    id: str
    text: str
    kind: str
    source: Ends
    target: Ends
    packets: Space = FULL
    ports: str = ""
    via: tuple[str, ...] = ()
    severity: Severity = Severity.HIGH
    why: str = ""

    @property
    def others(self) -> Space:
        """All packets that it is not about."""
        return minus(FULL, self.packets)


_END = r"(?:internet|(?:" + "|".join(KINDS) + r"):(?:\"[^\"]+\"|\S+))"
_ENDS = rf"{_END}(?:\s+or\s+{_END})*"
_PORTS = r"(?:\s+on\s+(?P<ports>\S+(?:\s*,\s*\S+)*))?"
_FORMS = (
    (NO_PATH, re.compile(rf"no path from (?P<source>{_ENDS}) to (?P<target>{_ENDS}){_PORTS}", re.IGNORECASE)),
    (A_PATH, re.compile(rf"a path from (?P<source>{_ENDS}) to (?P<target>{_ENDS}){_PORTS}", re.IGNORECASE)),
    (ONLY_FROM, re.compile(rf"(?P<target>{_ENDS}) only from (?P<source>{_ENDS}){_PORTS}", re.IGNORECASE)),
    (
        THROUGH,
        re.compile(rf"all egress from (?P<source>{_ENDS}) goes through (?P<via>.+)", re.IGNORECASE),
    ),
)
_HELP = (
    "it should be `no path from ENDS to ENDS [on PORTS]`, `a path from ENDS to ENDS [on PORTS]`, "
    "`ENDS only from ENDS [on PORTS]` or `all egress from ENDS goes through a NAT [or an endpoint ...]`"
)


def parse(text: str, *, id: str = "", severity: Severity = Severity.HIGH, why: str = "") -> Assertion:
    """One sentence. Raises BadAssertion with what is wrong and what there could be."""
    sentence = " ".join(text.split())
    for kind, form in _FORMS:
        match = form.fullmatch(sentence)
        if match is None:
            continue
        found = match.groupdict()
        ports = found.get("ports") or ""
        target = _ends(found["target"]) if found.get("target") else Ends((("internet", ""),))
        return Assertion(
            id=id or sentence,
            text=sentence,
            kind=kind,
            source=_ends(found["source"]),
            target=target,
            packets=_packets(ports) if ports else FULL,
            ports=ports,
            via=_via(found["via"]) if kind == THROUGH else (),
            severity=severity,
            why=why,
        )
    raise BadAssertion(f"`{sentence}` is no assertion: {_HELP}")


def _ends(text: str) -> Ends:
    selectors = []
    for each in re.findall(_END, text, flags=re.IGNORECASE):
        kind, _, value = each.partition(":")
        value = value[1:-1] if value[:1] == value[-1:] == '"' and len(value) > 1 else value
        if kind.lower() == "tag" and "=" not in value:
            raise BadAssertion(f"`{each}`: a tag is named as tag:KEY=VALUE (VALUE may be *)")
        selectors.append((kind.lower(), value))
    return Ends(tuple(selectors))


def _via(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for each in re.split(r"\s+or\s+", text.strip(), flags=re.IGNORECASE):
        name = re.sub(r"^(an?|the)\s+", "", each.strip(), flags=re.IGNORECASE).lower()
        name = name.removesuffix(" gateway") if name == "nat gateway" else name
        if name in VIA:
            found += VIA[name]
        elif re.fullmatch(r"[a-z]+-[0-9a-z-]+", name):
            found.append(name)
        else:
            raise BadAssertion(f"`{each}`: egress can go through {', '.join(VIA)} or something's id")
    return tuple(found)


def _packets(text: str) -> Space:
    """`tcp/22`, `tcp/80,udp/53`, `tcp/1000-2000`, `tcp`, `icmp`."""
    found: Space = ()
    for each in re.split(r"\s*,\s*", text):
        name, _, ports = each.partition("/")
        try:
            number = protocol_number(name)
            low, _, high = ports.partition("-")
            span = (int(low), int(high or low)) if ports else (0, PORTS)
        except ValueError:
            raise BadAssertion(f"`{each}`: ports are named as tcp/22, udp/1000-2000, tcp or icmp") from None
        if not 0 <= span[0] <= span[1] <= PORTS or (ports and number in (None, ICMP)):
            raise BadAssertion(f"`{each}`: ports are named as tcp/22, udp/1000-2000, tcp or icmp")
        protocol = (0, 255) if number is None else (number, number)
        found += (box(protocol=protocol, server=span),)
    return found


def read_assertions(place: Path) -> tuple[list[Assertion], list[str]]:
    """The assertions of a file or of all `*.yaml` in a folder, and what is wrong with the others."""
    files = sorted([*place.glob("*.yaml"), *place.glob("*.yml")]) if place.is_dir() else [place]
    found: list[Assertion] = []
    problems: list[str] = []
    for file in files:
        try:
            entries = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            problems.append(f"{file}: cannot be read: {' '.join(str(error).split())}")
            continue
        for number, entry in enumerate(_entries(entries), 1):
            try:
                found.append(_assertion(entry))
            except BadAssertion as error:
                problems.append(f"{file}: entry {number}: {error}")
    for id in {each.id for each in found if sum(other.id == each.id for other in found) > 1}:
        problems.append(f"{place}: more than one assertion has the id {id}: give each its own")
    return found, problems


def _entries(document: Any) -> Iterator[Any]:
    if isinstance(document, Mapping):
        document = document.get("assertions", [document])
    if document is not None:  # an empty file
        yield from document if isinstance(document, list) else [document]


def _assertion(entry: Any) -> Assertion:
    if isinstance(entry, str):
        return parse(entry)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("assert"), str):
        raise BadAssertion("an entry is a sentence, or has one under `assert`")
    unknown = sorted(map(str, set(entry) - {"assert", "id", "severity", "why"}))
    if unknown:
        raise BadAssertion(f"`{unknown[0]}` means nothing here: an entry has assert, id, severity and why")
    try:
        severity = Severity.parse(str(entry.get("severity", "high")))
    except ValueError as error:
        raise BadAssertion(str(error)) from None
    return parse(entry["assert"], id=str(entry.get("id", "")), severity=severity, why=str(entry.get("why", "")))
