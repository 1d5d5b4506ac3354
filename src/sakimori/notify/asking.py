"""What a message asks of whoever gets it: the signed link, or the command, that acknowledges it or decides.

Links and tokens are made when a message is sent, for the person that it is sent to, and are kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message
from sakimori.notify.signing import Signer

ACKNOWLEDGE = "acknowledge"
"""The purpose of tokens that acknowledge, and the page that takes them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a token acknowledges: `news`, which was sent to `person` by `route`."""

    route: str
    news: str
    person: str


@dataclass(frozen=True, slots=True)
class Links:
    """Makes them. `address` is where people reach our pages, "" if they cannot: then messages hold commands."""

    signer: Signer
    address: str = ""

    def acknowledge(self, seen: Seen, language: str) -> str:
        """What acknowledges a message."""
        token = self.signer.sign(ACKNOWLEDGE, (seen.route, seen.news, seen.person))
        return self.page(ACKNOWLEDGE, token, language) or f"sakimori notify ack {token}"

    def page(self, page: str, token: str, language: str) -> str:
        """The address of a page for a token; "" if people cannot reach our pages."""
        return f"{self.address}/{page}?{urlencode({'token': token, 'language': language})}" if self.address else ""

    def seen(self, token: str) -> Seen:
        """What a token acknowledges. Raises NotifyError for what was not sent from here."""
        parts = self.signer.read(ACKNOWLEDGE, token)
        if parts is None or len(parts) != 3:
            raise NotifyError("this acknowledges nothing that was sent from here")
        return Seen(*parts)


class Asks(Protocol):
    """What those know who ask for decisions: `respond`, which is a room below."""

    def decide(self, message: Message, route: str, person: str, language: str) -> Mapping[str, str]:
        """The facts that let a person decide what the message asks."""
        ...

    def is_open(self, message: Message) -> bool:
        """Whether what the message is about still waits for somebody."""
        ...


class NoAsks:
    """Where nobody asks for decisions."""

    def decide(self, message: Message, route: str, person: str, language: str) -> Mapping[str, str]:
        """See Asks."""
        return {}

    def is_open(self, message: Message) -> bool:
        """See Asks."""
        return True
