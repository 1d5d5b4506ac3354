"""What a product tells, taken out of JSON that may hold anything anywhere: a value of the wrong type is as absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.finding import Finding
from sakimori.model.partition import partition_of
from sakimori.model.said import made_of
from sakimori.model.severity import Severity

LONGEST_ID = 2048
"""Characters of an id; ARNs are shorter. What is longer is hostile."""


class NotRead(Exception):
    """The document is refused: says what it is and why it gives no event."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A document as a product's plug-in gets it: EventBridge's envelope where there is one, and the object inside."""

    detail: Mapping[str, Any]
    source: str = ""
    detail_type: str = ""
    account: str = ""
    region: str = ""
    time: str = ""
    id: str = ""
    resources: tuple[str, ...] = field(default=())


Reader = Callable[[Telling], Iterable["Event | NotRead"]]
"""Gives what a telling holds, one by one; raises NotRead where all of it is refused."""


def obj(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at the path; {} where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text(value: Any, *path: str) -> str:
    """The text at the path, or the number as text; "" where there is none."""
    found = obj(value, *path[:-1]).get(path[-1]) if path else value
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        return ""
    return str(found)


def number(value: Any, *path: str) -> float | None:
    """The number at the path, also where it is spelt as text; None where there is none."""
    try:
        found = float(text(value, *path))
    except ValueError:
        return None
    return found if abs(found) < 1e15 else None


def objects(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """The objects of the list at the path; what else is in the list is left out."""
    found = obj(value, *path[:-1]).get(path[-1]) if path else value
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def texts(value: Any, *path: str) -> list[str]:
    """The texts of the list at the path."""
    found = obj(value, *path[:-1]).get(path[-1]) if path else value
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def tags(value: Any, *path: str) -> dict[str, str]:
    """Tags in whichever spelling a product has: an object, or a list of objects with a key (a name) and a value."""
    *outer, last = path
    found = obj(value, *outer).get(last)
    if isinstance(found, Mapping):
        return {str(name): str(each) for name, each in found.items()}
    names = ("key", "Key", "name")
    spelt = ((next(filter(None, (text(each, name) for name in names)), ""), each) for each in objects(value, *path))
    return {name: text(each, "value") or text(each, "Value") for name, each in spelt if name}


def identity(value: str, what: str) -> str:
    """An id that can be one. Raises NotRead, naming what it should have been."""
    if not value:
        raise NotRead(f"it tells no {what}")
    if len(value) > LONGEST_ID:
        raise NotRead(f"its {what} has {len(value)} characters, more than the {LONGEST_ID} that are plausible")
    return value


def when(value: Any) -> str:
    """A time as products spell it, in ISO 8601, UTC, to the second; "" where it is none.

    Seconds: the feeds of one finding differ in what they keep of the fraction. Besides ISO 8601 with any fraction there
    are Inspector's `Wed Sep 04 16:59:44.356 UTC 2024`, Health's RFC 5322 dates, and numbers (seconds or milliseconds).
    """
    try:
        moment = _moment(value)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1970 else ""
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return ""


def _moment(value: Any) -> datetime:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if abs(value) >= 1e11 else value, UTC)
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError
    spelt = value.strip()
    if spelt[:4].isdigit():
        head, dot, tail = spelt.partition(".")
        digits = len(tail) - len(tail.lstrip("0123456789"))
        moment = datetime.fromisoformat(head + (tail[digits:] if dot else ""))
    elif spelt[3:4] == ",":
        moment = parsedate_to_datetime(spelt)
    else:
        day, month, date, clock, _zone, year = spelt.split()
        moment = datetime.strptime(f"{day} {month} {date} {clock[:8]} {year}", "%a %b %d %H:%M:%S %Y")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def each_of(
    telling: Telling, name: str, read: Callable[[Mapping[str, Any]], Event], empty: str
) -> Iterator[Event | NotRead]:
    """Every object of the list of this name, read; one that cannot be does not spoil the others. Raises NotRead, which
    says that the list is `empty`."""
    found = telling.detail.get(name)
    if not isinstance(found, list) or not found:
        raise NotRead(empty)
    for one in found:
        try:
            if not isinstance(one, Mapping):
                raise NotRead(f"one of its {name} is no JSON object")
            yield read(one)
        except NotRead as refused:
            yield refused


def finding(
    product: str,
    key: str,
    *,
    kind: str,
    title: str,
    description: str,
    severity: Severity,
    account: str,
    region: str,
    resources: tuple[Resource, ...],
    first: str,
    last: str,
    revision: str,
    facts: Mapping[str, Any],
    actor: str = "",
    source_ip: str = "",
    tactics: tuple[str, ...] = (),
    count: float | None = None,
) -> Finding:
    """Another product's finding in our shape. Its record is the revision: a new one counts, the same again does not.
    A title or a description that we write is given as a sentence (`say`)."""
    return Finding(
        uid=event_uid(product, key),
        rule=f"{product}/{kind}",
        title=str(title or kind),
        severity=severity,
        tactics=tactics,
        techniques=(),
        account=account,
        region=region,
        actor=actor,
        source_ip=source_ip,
        asset=resources[0].uid if resources else "",
        count=max(1, int(count or 1)),
        first_seen=first or last,
        last_seen=last or first,
        records=(f"{key}@{revision}",),
        matched={name: value for name, value in facts.items() if value not in ("", None, [], {})},
        description=str(description),
        times=(last or first,),
        said=made_of((title, description)) or None,
    )


def is_of_another(finding: Finding) -> bool:
    """Whether it is another product's finding, as `finding` makes them: its uid is that of its product and key."""
    parts = finding.rule.split("/")
    products = ["/".join(parts[:count]) for count in range(1, len(parts))]
    keys = {record.rpartition("@")[0] for record in finding.records[:1]}
    return any(event_uid(product, key) == finding.uid for product in products for key in keys)


def state_revision(time: str, state: State, fallback: str = "") -> str:
    """Which telling of a finding it is: when the product last changed it, and whether it is open then.

    Feeds differ in how they call what is not open (archived, suppressed, resolved, closed).
    """
    return f"{time or fallback or 'untimed'}/{'open' if state is State.OPEN else 'shut'}"


def arn(service: str, region: str, account: str, resource: str, partition: str = "") -> str:
    """The ARN of a resource that a product names by its id; of the region's partition, where the product names none."""
    return f"arn:{partition or partition_of(region)}:{service}:{region}:{account}:{resource}"
