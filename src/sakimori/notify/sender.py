"""Sends messages through every route that they fit, once, and remembers; a route that fails does not hold up the
others.

What is to be sent is entered in the outbox first (see there), so that it is sent whatever happens: when it can be, when
the quiet hours are over, and to somebody else when nobody acknowledges it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sakimori.aws.errors import PASSING, AwsError
from sakimori.model.said import say
from sakimori.notify import outbox
from sakimori.notify import routes as routing
from sakimori.notify.asking import Asks, Links, NoAsks, Seen
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import OPEN, Message, Worded, filled, texts, worded
from sakimori.notify.outbox import Entry, Outbox, Page, State
from sakimori.notify.routes import Route

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


class Sender:
    """Sends through these routes, out of this outbox."""

    def __init__(
        self,
        waiting: Outbox,
        routes: Iterable[Route],
        links: Links,
        people: People | None = None,
        asks: Asks | None = None,
    ) -> None:
        self.outbox, self.routes, self.links = waiting, list(routes), links
        self.people, self.asks = people or People(), asks or NoAsks()

    def send(self, message: Message, now: datetime | None = None) -> list[Sent]:
        """Sends a message through the routes that it fits and has not gone through."""
        now = now or datetime.now(UTC)

        def entered(page: Page) -> list[Route]:
            [owned] = self.owned(page, [message])
            fits = self.fitting(owned)
            for route in fits:
                page.enter(route.name, owned, state_of(route, owned, now), now)
            return fits

        return [each for route in self.outbox.alone(entered) for each in self._deliver(route, now)]

    def fitting(self, message: Message) -> list[Route]:
        """The routes that a message goes."""
        return routing.fitting(self.routes, message)

    def owned(self, page: Page, messages: list[Message]) -> list[Message]:
        """The messages with the tags and the owner of what they are about."""
        tags = page.tags_of({each.target for each in messages if each.target})
        return [
            replace(each, tags=own, owner=next((own[name] for name in self.people.tags if own.get(name)), ""))
            for each in messages
            for own in [dict(each.tags) or dict(tags.get(each.target, {}))]
        ]

    def deliver(self, now: datetime | None = None, *, again: bool = False) -> list[Sent]:
        """Sends all that is due: what failed before, what was held in quiet hours, what nobody has acknowledged.

        With `again`, what waits for its next try and what was given up is tried at once.
        """
        now = now or datetime.now(UTC)
        self.outbox.alone(lambda page: self._escalate(page, now))
        for route in self.routes:
            self.outbox.alone(partial(_release, route=route, now=now))
        return [each for route in self.routes for each in self._deliver(route, now, again=again)]

    def _deliver(self, route: Route, now: datetime, *, again: bool = False) -> list[Sent]:
        outcomes: list[Sent] = []
        entries = self.outbox.alone(lambda page: page.due(route.name, now, again=again))
        size = BATCH if hasattr(routing.channel(route.channel), "send_many") else 1
        for at in range(0, len(entries), size):
            if not self.has_time():
                break
            done, go_on = self._send_entries(route, entries[at : at + size], now)
            outcomes += done
            if not go_on:
                break
        return outcomes

    def has_time(self) -> bool:
        """Whether there is time to send another message."""
        return True

    def _send_entries(self, route: Route, entries: list[Entry], now: datetime) -> tuple[list[Sent], bool]:
        """Sends these at once; False where the rest of the route had better wait."""

        def claimed(page: Page) -> list[tuple[Entry, Message]]:
            return [
                (entry, replace(message, reference=page.reference_of(route.name, message.about)))
                for entry in entries
                if (message := page.claim(entry, now)) is not None
            ]

        mine = self.outbox.alone(claimed)
        answers = self._told(route, [message for _, message in mine]) if mine else []

        def concluded(page: Page) -> None:
            for (entry, message), (reference, error) in zip(mine, answers, strict=True):
                if error is None:
                    page.delivered(entry, reference, _escalate_at(route, message, now), now)
                elif self._failed(page, entry, message, error, now):
                    why = say("a message was given up after {count} tries: {error}", count=outbox.TRIES, error=error)
                    page.route_is_dead(route, why, now)

        self.outbox.alone(concluded)
        errors = [error for _, error in answers]
        outcomes = [Sent(route.name, entry.key, str(each or "")) for (entry, _), each in zip(mine, errors, strict=True)]
        return outcomes, not any(isinstance(each, PASSING) or getattr(each, "passing", False) for each in errors)

    def _failed(self, page: Page, entry: Entry, message: Message, error: Exception, now: datetime) -> bool:
        again = outbox.perhaps(message) if _may_have_arrived(error) else message
        return page.failed(entry, again, str(error), getattr(error, "wait", 0.0), now)

    def _told(self, route: Route, messages: list[Message]) -> list[tuple[str, Exception | None]]:
        """For each message what the channel calls it, or why it was not sent."""
        module = routing.channel(route.channel)
        try:
            if hasattr(module, "send_many"):
                troubles: Mapping[str, Exception] = module.send_many(messages, route.settings)
                return [("", troubles.get(message.key)) for message in messages]
            [message] = messages
            return [(self.told(route, message) or "", None)]
        except (NotifyError, AwsError) as error:
            return [("", error) for _ in messages]

    def told(self, route: Route, message: Message) -> str | None:
        """Sends one message; gives what the channel calls it. Raises NotifyError, AwsError."""
        found: str | None = routing.channel(route.channel).send(message, self.worded(route, message), route.settings)
        return found

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

    def _escalate(self, page: Page, now: datetime) -> None:
        """What nobody has acknowledged in time goes to the next route, if it still waits for somebody."""
        by_name = {route.name: route for route in self.routes}
        for entry in page.unheard(now):
            page.settle(entry)
            route = by_name.get(entry.route)
            target = by_name.get(route.escalate_to) if route else None
            message = outbox.message_of(entry)
            if route is None or target is None or not self._is_open(page, message):
                continue
            person = self.people.by_owner.get(message.owner, "") or route.person
            unheard = f"{route.name} ({person})" if person else route.name
            facts = {**message.facts, "unheard": unheard, "minutes": str(route.acknowledge_minutes)}
            further = replace(message, key=f"{entry.news}/escalated", facts=facts, at=outbox.stamp(now))
            page.enter(target.name, further, state_of(target, further, now), now, entry.news)

    def _is_open(self, page: Page, message: Message) -> bool:
        """Whether it still waits for somebody: a finding that nobody is at, a run that nobody has decided."""
        if message.items:
            return any(self._is_open(page, each) for each in message.items)
        if not message.kind.startswith("finding-"):
            return self.asks.is_open(message)
        return page.finding_is_open(message.about)

    def acknowledge(self, token: str, by: str = "") -> Seen:
        """Enters that somebody has seen a message: `by`, else the one that it was sent to. Raises NotifyError for what
        was not sent by us."""
        seen = self.links.seen(token)
        who = by or seen.person or f"somebody at {seen.route}"
        self.outbox.alone(lambda page: page.acknowledge(seen.news, who, datetime.now(UTC)))
        return seen

    def log(self, route: str = "", state: str = "", digest: str = "", limit: int = 100) -> list[Entry]:
        """What was sent and is to be sent, the newest first."""
        return self.outbox.log(route, state, digest, limit)


def _release(page: Page, route: Route, now: datetime) -> None:
    """What was held is to be sent when the quiet hours are over: several as one digest."""
    entries = page.held(route.name)
    if not entries or route.quiet.is_now(now):
        return
    if len(entries) == 1:
        page.release(entries[0], now)
    else:
        page.gather(route.name, entries, now)


def _may_have_arrived(error: Exception) -> bool:
    """Whether it was sent, and the answer is missing."""
    return bool(getattr(error, "perhaps", False)) or getattr(error, "code", "") in UNANSWERED


def state_of(route: Route, message: Message, now: datetime) -> State:
    """Where a message of this route begins."""
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
