"""Sends what is new through every route that it fits, once, and remembers; a route that fails does not hold up the
others.

What is to be sent is entered in the outbox first (see there), so that it is sent whatever happens: when it can be, when
the quiet hours are over, and to somebody else when nobody acknowledges it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row

from sakimori.aws.errors import PASSING, AwsError
from sakimori.model.severity import Severity
from sakimori.notify import drills, outbox
from sakimori.notify import routes as routing
from sakimori.notify.asking import Asks, Links, NoAsks, Seen
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded, filled, texts, worded
from sakimori.notify.news import OPEN, Told, news
from sakimori.notify.outbox import State
from sakimori.notify.routes import Route
from sakimori.store import assets, findings
from sakimori.store.database import reading, writing
from sakimori.store.findings import Status, StoredFinding

BURST = 10
"""More new findings than this at once go to people as one digest."""

LARGEST_DIGEST, MOST_ITEMS = 9_000, 30
"""Bytes of a digest's texts, and messages in it: Teams takes cards of 28 kB, in which every mark may become three
bytes, and Slack 50 blocks. What does not fit is counted, and listed by a command."""

BATCH = 100
"""Messages at once, for channels that take many (BatchImportFindings takes 100)."""

UNANSWERED = ("ReadTimeoutError", "ConnectionClosedError", "ResponseStreamingError", "IncompleteReadError")
"""What botocore calls it when all was sent, and no answer came."""

ASKING = (*OPEN, "run-waiting", "run-failed", "digest")
"""The kinds that somebody has to acknowledge, on routes that say so."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a message on a route; `why` says why it failed, "" if it did not."""

    route: str
    key: str
    why: str


@dataclass(frozen=True, slots=True)
class People:
    """Who is responsible: the value of an asset's owner tag -> a person; `tags` are the names of that tag."""

    by_owner: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ("owner", "Owner")


class Notifier:
    """Sends through these routes."""

    def __init__(
        self,
        engine: Engine,
        routes: Iterable[Route],
        links: Links,
        people: People | None = None,
        asks: Asks | None = None,
    ) -> None:
        self.engine, self.routes, self.links = engine, list(routes), links
        self.people, self.asks = people or People(), asks or NoAsks()

    # What is to be told

    def send(self, message: Message, now: datetime | None = None) -> list[Sent]:
        """Sends a message through the routes that it fits and has not gone through."""
        now = now or datetime.now(UTC)
        [message] = self._owned([message])
        fits = routing.fitting(self.routes, message)
        with writing(self.engine) as connection:
            for route in fits:
                outbox.enter(connection, route.name, message, _state(route, message, now), now)
        return [each for route in fits for each in self._deliver(route, now)]

    def send_findings(self, stored: Iterable[StoredFinding], now: datetime | None = None) -> list[Sent]:
        """Sends what is new about findings, and what else is due. Again without news, it sends nothing."""
        now, given = now or datetime.now(UTC), list(stored)
        new = [message for each in given if (message := news(each, None)) is not None]
        known = {message.about: message for message in self._owned(new)}
        for route in self.routes:
            with writing(self.engine) as connection:
                told = outbox.last_told(connection, route.name)
                fresh = [replace(each, at=outbox.stamp(now)) for each in self._fresh(route, given, known, told)]
                many = len(fresh) > BURST and routing.for_people(route)
                for message in fresh:
                    state = State.HELD if many else _state(route, message, now)
                    outbox.enter(connection, route.name, message, state, now)
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

    def _owned(self, messages: list[Message]) -> list[Message]:
        """The messages with the tags and the owner of what they are about."""
        with reading(self.engine) as connection:
            tags = assets.tags_of(connection, sorted({each.target for each in messages if each.target}))
        return [
            replace(each, tags=own, owner=next((own[name] for name in self.people.tags if own.get(name)), ""))
            for each in messages
            for own in [tags.get(each.target) or dict(each.tags)]
        ]

    # Sending

    def deliver(self, now: datetime | None = None, *, again: bool = False) -> list[Sent]:
        """Sends all that is due: what failed before, what was held in quiet hours, what nobody has acknowledged.

        With `again`, what waits for its next try and what was given up is tried at once.
        """
        now = now or datetime.now(UTC)
        self._escalate(now)
        return [each for route in self.routes for each in self._deliver(route, now, again=again)]

    def _deliver(self, route: Route, now: datetime, *, again: bool = False) -> list[Sent]:
        outcomes: list[Sent] = []
        with writing(self.engine) as connection:
            self._release(connection, route, now)
            rows = outbox.due(connection, route.name, now, again=again)
        many = getattr(routing.channel(route.channel), "send_many", None) is not None
        size = BATCH if many else 1
        for at in range(0, len(rows), size):
            done, go_on = self._send_rows(route, rows[at : at + size], now)
            outcomes += done
            if not go_on:
                break
        return outcomes

    def _release(self, connection: Any, route: Route, now: datetime) -> None:
        """What was held is to be sent when the quiet hours are over: several as one digest."""
        rows = outbox.held(connection, route.name)
        if not rows or route.quiet.is_now(now):
            return
        if len(rows) == 1:
            outbox.release(connection, rows[0], now)
        else:
            outbox.gather(connection, route.name, rows, now)

    def _send_rows(self, route: Route, rows: list[Row[Any]], now: datetime) -> tuple[list[Sent], bool]:
        """Sends these at once; False where the rest of the route had better wait."""
        with writing(self.engine) as connection:
            claimed = [(row, message) for row in rows if (message := outbox.claim(connection, row, now)) is not None]
            mine = [row for row, _ in claimed]
            messages = [
                replace(message, reference=outbox.reference_of(connection, route.name, message.about))
                for _, message in claimed
            ]
        answers = self._told(route, messages) if mine else []
        outcomes, go_on = [], True
        with writing(self.engine) as connection:
            for row, message, (reference, error) in zip(mine, messages, answers, strict=True):
                if error is None:
                    outbox.delivered(connection, row, reference, _escalate_at(route, message, now), now)
                elif self._failed(connection, row, message, error, now):
                    why = f"a message was given up after {outbox.TRIES} tries: {error}"
                    drills.keep(connection, route, why, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
                outcomes.append(Sent(route.name, row.key, str(error or "")))
                go_on = go_on and not (isinstance(error, PASSING) or getattr(error, "passing", False))
        return outcomes, go_on

    def _failed(self, connection: Any, row: Row[Any], message: Message, error: Exception, now: datetime) -> bool:
        again = outbox.perhaps(message) if _may_have_arrived(error) else message
        return outbox.failed(connection, row, again, str(error), getattr(error, "wait", 0.0), now)

    def _told(self, route: Route, messages: list[Message]) -> list[tuple[str, Exception | None]]:
        """For each message what the channel calls it, or why it was not sent."""
        module = routing.channel(route.channel)
        try:
            if hasattr(module, "send_many"):
                troubles: Mapping[str, Exception] = module.send_many(messages, route.settings)
                return [("", troubles.get(message.key)) for message in messages]
            [message] = messages
            return [(module.send(message, self.worded(route, message), route.settings) or "", None)]
        except (NotifyError, AwsError) as error:
            return [("", error) for _ in messages]

    def worded(self, route: Route, message: Message) -> Worded:
        """The message in the words and with the links of a route."""
        person = self.people.by_owner.get(message.owner, "") or route.person
        asked = dict(self.asks.decide(message, route.name, person, route.language))
        if message.kind == "drill" or _has_to_be_seen(route, message):
            asked["acknowledge"] = self.links.acknowledge(Seen(route.name, _news(message), person), route.language)
        said = worded(message, route.language, person, asked)
        return replace(said, items=tuple(self._items(route, message))) if message.items else said

    def _items(self, route: Route, digest: Message) -> Iterator[Worded]:
        """The messages in a digest, as many as fit, and how many more there are."""
        inside = replace(route, acknowledge_minutes=0)
        size = 0
        for number, message in enumerate(digest.items):
            said = self.worded(inside, message)
            size += len(said.text().encode())
            if number and (size > LARGEST_DIGEST or number >= MOST_ITEMS):
                facts = {"count": str(len(digest.items) - number), "digest": digest.facts["digest"]}
                yield Worded(filled(texts()["more"][route.language], facts), ())
                return
            yield said

    # Acknowledgement

    def _escalate(self, now: datetime) -> None:
        """What nobody has acknowledged in time goes to the next route, if it still waits for somebody."""
        by_name = {route.name: route for route in self.routes}
        with writing(self.engine) as connection:
            for row in outbox.unheard(connection, now):
                outbox.settle(connection, row)
                route = by_name.get(row.route)
                target = by_name.get(route.escalate_to) if route else None
                message = outbox.message_of(row)
                if route is None or target is None or not self._is_open(connection, message):
                    continue
                person = self.people.by_owner.get(message.owner, "") or route.person
                unheard = f"{route.name} ({person})" if person else route.name
                facts = {**message.facts, "unheard": unheard, "minutes": str(route.acknowledge_minutes)}
                further = replace(message, key=f"{row.news}/escalated", facts=facts, at=outbox.stamp(now))
                outbox.enter(connection, target.name, further, _state(target, further, now), now, row.news)

    def _is_open(self, connection: Any, message: Message) -> bool:
        """Whether it still waits for somebody: a finding that nobody is at, a run that nobody has decided."""
        if message.items:
            return any(self._is_open(connection, each) for each in message.items)
        if not message.kind.startswith("finding-"):
            return self.asks.is_open(message)
        stored = findings.get(connection, message.about)
        return stored is not None and stored.status is Status.NEW

    def acknowledge(self, token: str, by: str = "") -> Seen:
        """Enters that somebody has seen a message: `by`, else the one that it was sent to. Raises NotifyError for what
        was not sent by us."""
        seen = self.links.seen(token)
        with writing(self.engine) as connection:
            who = by or seen.person or f"somebody at {seen.route}"
            outbox.acknowledge(connection, seen.news, who, datetime.now(UTC))
        return seen

    def looked_up(self, token: str, language: str) -> tuple[Seen, Worded]:
        """What a token acknowledges, in words, without links that decide. Raises NotifyError for what was not sent by
        us."""
        seen = self.links.seen(token)
        with reading(self.engine) as connection:
            message = outbox.sent_as(connection, seen.route, seen.news)
        if message is None:
            raise NotifyError("this acknowledges nothing that is still known here")
        return seen, _shown(message, language, seen.person)

    def acknowledged(self, news_key: str) -> tuple[str, str] | None:
        """When somebody has seen it, and who; None if nobody has."""
        with reading(self.engine) as connection:
            return outbox.acknowledged(connection, news_key)

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
            outbox.enter(connection, route.name, canary, State.SENT, now)
        [(reference, error)] = self._told(route, [canary])
        if error is not None:
            with writing(self.engine) as connection:
                outbox.give_up(connection, route.name, key, str(error))
        return replace(canary, reference=reference), str(error or "")

    def answered(self, route: Route, canary: Message, *, ask: bool = True) -> tuple[bool, str]:
        """Whether somebody has acknowledged a canary, or, with `ask`, the channel shows that it arrived; and why that
        cannot be asked, "" if it can."""
        if self.acknowledged(canary.key) is not None:
            return True, ""
        look = getattr(routing.channel(route.channel), "answered", None) if ask else None
        try:
            return bool(look and look(canary, route.settings)), ""
        except (NotifyError, AwsError) as error:
            return False, str(error)

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

    def log(self, route: str = "", state: str = "", digest: str = "", limit: int = 100) -> list[Row[Any]]:
        """What was sent and is to be sent, the newest first."""
        with reading(self.engine) as connection:
            return outbox.log(connection, route, state, digest, limit)

    def waiting(self) -> str:
        """What is still to be sent, in words; "" if nothing is."""
        with reading(self.engine) as connection:
            found = outbox.counts(connection)
        names = {State.HELD: "held until the quiet hours are over", State.FAILED: "to be tried again"}
        names |= {State.GIVEN_UP: "given up (see `sakimori notify log`)"}
        return "".join(f", {found[state]} {said}" for state, said in names.items() if found.get(state))


def _may_have_arrived(error: Exception) -> bool:
    """Whether it was sent, and the answer is missing."""
    return bool(getattr(error, "perhaps", False)) or getattr(error, "code", "") in UNANSWERED


def _shown(message: Message, language: str, person: str) -> Worded:
    """A message for whoever holds the token that acknowledges it, which lets nobody decide."""
    decide = f"sakimori respond approve {message.facts.get('run', '')}"
    said = worded(message, language, person, {"decide": decide})
    return replace(said, items=tuple(_shown(each, language, "") for each in message.items))


def _state(route: Route, message: Message, now: datetime) -> State:
    return State.HELD if route.quiet.holds(message.severity, now) else State.DUE


def _has_to_be_seen(route: Route, message: Message) -> bool:
    if message.items:
        return bool(route.acknowledge_minutes) and any(each.kind in ASKING for each in message.items)
    return bool(route.acknowledge_minutes) and message.kind in ASKING


def _escalate_at(route: Route, message: Message, now: datetime) -> str:
    later = now + timedelta(minutes=route.acknowledge_minutes)
    return outbox.stamp(later) if _has_to_be_seen(route, message) else ""


def _news(message: Message) -> str:
    return message.key.removesuffix("/escalated")
