"""An event: what another product told us, about which resources, and which telling of it this is.

Two feeds of one finding (GuardDuty's own and Security Hub's, either format) give the same `uid` and `revision`, so that
whatever is delivered twice, by whichever way, is known for the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sakimori.model.finding import Finding


class State(StrEnum):
    """Where the product says that it stands."""

    OPEN = "open"
    CLOSED = "closed"
    SUPPRESSED = "suppressed"
    NONE = "none"  # it is no finding


@dataclass(frozen=True, slots=True)
class Resource:
    """What an event is about: `type` in CloudFormation's spelling, `uid` the ARN (the id where no ARN is told).

    `details` is what workflows need of it, in snake_case, such as `user_name` and `user_type` of an access key; `tags`
    are those that the product tells of it.
    """

    type: str
    uid: str
    account: str = ""
    region: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The resource's own id: what stands behind the last `/` or `:` of the ARN."""
        return self.uid.rpartition(":")[2].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Event:
    """One telling. Times are ISO 8601 in UTC; unknown text is "".

    `product` is who found it (`guardduty`), `feed` who told us (`guardduty`, `securityhub`); `kind` is the product's
    own type (`Recon:EC2/Portscan`) or what happened (`Object Created`). `asked` is the id of the custom action that a
    person chose, or the name of a schedule; `asked_name` is what people call the action. `detail` is the product's own
    object, as it came.
    """

    product: str
    feed: str
    kind: str
    uid: str
    revision: str
    account: str
    region: str
    time: str
    state: State = State.NONE
    resources: tuple[Resource, ...] = ()
    finding: Finding | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    asked: str = ""
    asked_name: str = ""

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """The resources of these CloudFormation types."""
        return tuple(resource for resource in self.resources if resource.type in types)

    def tags_of(self, uid: str) -> Mapping[str, str]:
        """The tags that are told of a resource."""
        return next((each.tags for each in self.resources if each.uid == uid and each.tags), {})

    def to_json(self) -> dict[str, Any]:
        """What `sakimori respond show` and the dead-letter list print, without the product's own object."""
        return {
            "product": self.product,
            "feed": self.feed,
            "kind": self.kind,
            "uid": self.uid,
            "revision": self.revision,
            "account": self.account,
            "region": self.region,
            "time": self.time,
            "state": str(self.state),
            "asked": self.asked,
            "resources": [{"type": each.type, "uid": each.uid} for each in self.resources],
            "finding": self.finding.to_json() if self.finding else None,
        }


def event_uid(product: str, *identity: str) -> str:
    """The identity of what an event is about, from the product's own id of it."""
    parts = "\x1f".join((product, *identity))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]
