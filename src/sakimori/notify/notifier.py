"""Tells people of what is new in the ledger, by the routes of this machine, and tries whether every route works."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from sakimori.aws.errors import AwsError
from sakimori.model.said import told
from sakimori.model.severity import Severity
from sakimori.notify import drills, outbox
from sakimori.notify import routes as routing
from sakimori.notify.asking import Asks, Links, Seen
from sakimori.notify.errors import NotifyError
from sakimori.notify.ledger_outbox import LedgerOutbox, LedgerPage
from sakimori.notify.message import Message, Worded, worded
from sakimori.notify.news import Told, news
from sakimori.notify.outbox import State
from sakimori.notify.routes import Route
from sakimori.notify.sender import People, Sender, Sent, state_of
from sakimori.store.database import reading, writing
from sakimori.store.findings import StoredFinding

BURST = 10
"""More new findings than this at once go to people as one digest."""


class Notifier(Sender):
    """Sends what is new in the ledger; its outbox is there, too."""

    def __init__(
        self,
        engine: Engine,
        routes: Iterable[Route],
        links: Links,
        people: People | None = None,
        asks: Asks | None = None,
    ) -> None:
        super().__init__(LedgerOutbox(engine), routes, links, people, asks)
        self.engine = engine

    def send_findings(self, stored: Iterable[StoredFinding], now: datetime | None = None) -> list[Sent]:
        """Sends what is new about findings, and what else is due. Again without news, it sends nothing."""
        now, given = now or datetime.now(UTC), list(stored)
        new = [message for each in given if (message := news(each, None)) is not None]
        with reading(self.engine) as connection:
            known = {message.about: message for message in self.owned(LedgerPage(connection), new)}
        for route in self.routes:
            with writing(self.engine) as connection:
                page = LedgerPage(connection)
                told = page.last_told(route.name)
                fresh = [replace(each, at=outbox.stamp(now)) for each in self._fresh(route, given, known, told)]
                many = len(fresh) > BURST and routing.for_people(route)
                for message in fresh:
                    page.enter(route.name, message, State.HELD if many else state_of(route, message, now), now)
        return self.deliver(now)

    def _fresh(
        self, route: Route, given: list[StoredFinding], known: Mapping[str, Message], told: Mapping[str, Told]
    ) -> Iterator[Message]:
        """What is new for a route: of open findings what it fits, and the end of what it was told of."""
        for stored in given:
            message = news(stored, told.get(stored.finding.uid))
            if message is None:
                continue
            owned = known.get(message.about)
            if owned is None:
                yield message
            elif route in routing.fitting(self.routes, owned):
                yield replace(message, tags=owned.tags, owner=owned.owner)

    # Acknowledgement

    def looked_up(self, token: str, language: str) -> tuple[Seen, Worded]:
        """What a token acknowledges, in words, without links that decide. Raises NotifyError for what was not sent by
        us."""
        seen = self.links.seen(token)
        with reading(self.engine) as connection:
            message = LedgerPage(connection).sent_as(seen.route, seen.news)
        if message is None:
            raise NotifyError("this acknowledges nothing that is still known here")
        return seen, _shown(message, language, seen.person)

    def acknowledged(self, news_key: str) -> tuple[str, str] | None:
        """When somebody has seen it, and who; None if nobody has."""
        with reading(self.engine) as connection:
            return LedgerPage(connection).acknowledged(news_key)

    # Drills

    def drill(self, only: Collection[str] = (), now: datetime | None = None) -> list[tuple[Route, Message, str]]:
        """Sends a canary through every route, quiet hours or not; gives (route, canary, why it failed or "")."""
        now = now or datetime.now(UTC)
        return [(route, *self._canary(route, now)) for route in self.routes if not only or route.name in only]

    def _canary(self, route: Route, now: datetime) -> tuple[Message, str]:
        key = f"drill-{secrets.token_hex(8)}"
        facts = {"route": route.name}
        at = outbox.stamp(now)
        canary = Message("drill", key, Severity.HIGH, "", route.name, "sakimori notify drill", facts, about=key, at=at)
        with writing(self.engine) as connection:
            LedgerPage(connection).enter(route.name, canary, State.SENT, now)
        [(reference, error)] = self._told(route, [canary])
        if error is not None:
            with writing(self.engine) as connection:
                LedgerPage(connection).give_up(route.name, key, str(error))
        return replace(canary, reference=reference), told(error) if error else ""

    def answered(self, route: Route, canary: Message, *, ask: bool = True) -> tuple[bool, str]:
        """Whether somebody has acknowledged a canary, or, with `ask`, the channel shows that it arrived; and why that
        cannot be asked, "" if it can."""
        if self.acknowledged(canary.key) is not None:
            return True, ""
        look = getattr(routing.channel(route.channel), "answered", None) if ask else None
        try:
            return bool(look and look(canary, route.settings)), ""
        except (NotifyError, AwsError) as error:
            return False, told(error)

    def conclude(self, route: Route, canary: Message, why: str, now: datetime | None = None) -> str:
        """Enters what a drill has shown: that a route is dead, or that it is not. Then the canary is taken away where
        it would stay; gives why it could not be."""
        with writing(self.engine) as connection:
            drills.keep(connection, route, why, (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"))
        retire = getattr(routing.channel(route.channel), "retire", None)
        try:
            if retire and not why:
                retire(canary, route.settings)
        except (NotifyError, AwsError) as error:
            return str(error)
        return ""

    # Looking

    def waiting(self) -> str:
        """What is still to be sent, in words; "" if nothing is."""
        with reading(self.engine) as connection:
            found = LedgerPage(connection).counts()
        names = {State.HELD: "held until the quiet hours are over", State.FAILED: "to be tried again"}
        names |= {State.GIVEN_UP: "given up (see `sakimori notify log`)"}
        return "".join(f", {found[state]} {said}" for state, said in names.items() if found.get(state))


def _shown(message: Message, language: str, person: str) -> Worded:
    """A message for whoever holds the token that acknowledges it, which lets nobody decide."""
    decide = f"sakimori respond approve {message.facts.get('run', '')}"
    said = worded(message, language, person, {"decide": decide})
    return replace(said, items=tuple(_shown(each, language, "") for each in message.items))
