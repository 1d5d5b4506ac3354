"""An action: one change to the outside world, with the state before it, the proof of its effect, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sakimori.model.finding import Finding


class Mode(StrEnum):
    """How far a workflow goes by itself. The order is that of caution, the most cautious first."""

    OBSERVE = "observe"  # say what would be done, and do nothing
    APPROVE = "approve"  # wait for a person
    AUTO = "auto"  # do it


@dataclass(frozen=True, slots=True)
class Target:
    """What an action changes: `type` in CloudFormation's spelling, `uid` an ARN where there is one.

    `parameters` say what the action is to do with it (the CVE's rules, the name of the group); `tags` are those that it
    had when that was planned.
    """

    type: str
    uid: str
    account: str = ""
    region: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The resource's own id: what stands behind the last `/` or `:` of the ARN."""
        return self.uid.rpartition(":")[2].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Step:
    """An action that a workflow wants, and why. With `ask` a person decides, also where the mode is auto."""

    action: str
    target: Target
    why: str = ""
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a workflow makes of an event.

    `decision` is in a few words what it comes to (`scan`, `nothing to do`, `not protected`), `why` a sentence. What
    could not be found out is in `not_evaluated`, one sentence each, and never taken for an answer. `tell` says that
    people must be told even where nothing is to be done; `findings`
    are kept in the ledger, such as of an instance that nothing protects.
    """

    decision: str
    why: str
    steps: tuple[Step, ...] = ()
    not_evaluated: tuple[str, ...] = ()
    tell: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether an action had its effect, the state that was found then, and why it is held to be so."""

    verified: bool
    after: Mapping[str, Any]
    why: str
