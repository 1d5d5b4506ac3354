"""One call of the API, and what an operation is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from sakimori.protect import accept
from sakimori.protect.declare import Field
from sakimori.protect.keys import Holder

if TYPE_CHECKING:
    from sakimori.protect.manager import Manager


@dataclass(slots=True)
class Call:
    """A call whose caller is known and allowed. `ids` are the path's parameters, `body` the decoded JSON."""

    manager: Manager
    connection: Connection
    holder: Holder
    ids: Mapping[str, Any]
    query: Mapping[str, Sequence[str]]
    body: Any = None
    warnings: list[str] = field(default_factory=list)

    @property
    def tenant(self) -> int:
        return self.holder.tenant

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false, as Python or JavaScript write it; false if it is missing."""
        sent = self.query.get(name)
        return accept.boolean(sent[-1], name) if sent else False

    def id(self, name: str) -> int:
        value: int = self.ids[name]
        return value


@dataclass(frozen=True, slots=True)
class Shape:
    """What a body is, for OpenAPI: a model's fields, or a list of models under a key."""

    model: str
    fields: tuple[Field, ...] = ()
    many: str = ""
    """The key of a reply that lists the model."""


NOTHING = Shape("")
SETTING = Shape("SettingValue", (Field("value", "text"),))


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    `run` gets a call within a transaction, a writing one if the operation `writes`. `reach` says which object of the
    path the caller's role must reach: "computer", "policy" or "". `agent` operations are for agents, not for keys.
    `quick` says of a call that it will read a few rows at most, so that it need not leave the event loop.
    """

    method: str
    path: str
    name: str
    tag: str
    says: str
    run: Callable[[Call], Any]
    right: str = ""
    writes: bool = False
    takes: Shape = NOTHING
    gives: Shape = NOTHING
    query: tuple[Field, ...] = ()
    reach: str = ""
    primary: bool = False
    """Only for the primary tenant's keys."""
    quick: Callable[[Any], bool] = lambda body: False
