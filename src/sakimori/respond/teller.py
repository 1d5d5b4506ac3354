"""Tells people for a function: of everything by its topic, and by the routes that went with it; its outbox is in its
table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sakimori.notify import routes as routing
from sakimori.notify.asking import Links
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message
from sakimori.notify.routes import Route
from sakimori.notify.sender import People, Sender
from sakimori.respond.bookkeeping import Bookkeeping
from sakimori.respond.decisions import Decisions
from sakimori.respond.errors import Passing
from sakimori.respond.guard import Guard
from sakimori.respond.table_outbox import TableOutbox

TOPIC = "the topic"
"""The name of the route that every deployment has."""


class Teller(Sender):
    """Sends by the topic and these routes. Those in `lacking` cannot be used for now: name -> why."""

    def __init__(
        self,
        waiting: TableOutbox,
        topic: Route,
        routes: Iterable[Route],
        links: Links,
        people: People,
        book: Bookkeeping,
        *,
        guard: Guard,
        lacking: Mapping[str, str],
        has_time: Callable[[], bool],
    ) -> None:
        super().__init__(waiting, [topic, *routes], links, people, Decisions(book, links))
        self._guard, self._lacking, self._has_time = guard, lacking, has_time

    def fitting(self, message: Message) -> list[Route]:
        """The topic, and of the routes those that the message fits: the topic is none that leaves nothing to others."""
        topic, *routes = self.routes
        return [topic, *routing.fitting(routes, message)]

    def told(self, route: Route, message: Message) -> str | None:
        """See Sender. Calls keep to the paces of their channel."""
        if why := self._lacking.get(route.name, ""):
            raise NotifyError(why)
        try:
            return self._guard.call(route.channel, "", lambda: super(Teller, self).told(route, message))
        except Passing as error:
            raise NotifyError(str(error), passing=True) from error

    def has_time(self) -> bool:
        """See Sender."""
        return self._has_time()
