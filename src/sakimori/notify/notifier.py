"""Sends what is new through every route that it fits, once, and remembers; a route that fails does not hold up the
others.

What is being sent is entered before it is sent: killed in between, it is not sent twice, and is among what failed,
which `sakimori notify send` tries again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, select, update

from sakimori.aws.errors import AwsError
from sakimori.model.finding import COMPLIANCE, Finding, finding_uid
from sakimori.model.severity import Severity
from sakimori.notify import routes as routing
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, worded
from sakimori.notify.routes import Route
from sakimori.notify.tables import sent
from sakimori.store.database import reading, writing
from sakimori.store.findings import Status, StoredFinding
from sakimori.store.text import storable

TRIES = 5
"""How often a message is tried in all."""

STUCK = timedelta(minutes=5)
"""After this long, a message that is still being sent was being sent by a process that is no more."""

DEAD_ROUTE = "notify/dead-route"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a message on a route; `why` says why it failed, "" if it did not."""

    route: str
    key: str
    why: str


class Notifier:
    """Sends through these routes. `key` signs what asks for an acknowledgement."""

    def __init__(self, engine: Engine, routes: Iterable[Route], key: bytes) -> None:
        self.engine, self.routes, self._key = engine, list(routes), key

    def send(self, message: Message) -> list[Sent]:
        """Sends a message through the routes that it fits and has not gone through."""
        return [
            self._through(route, message)
            for route in self.routes
            if route.fits(message) and self._claim(route, message)
        ]

    def send_findings(self, findings: Iterable[StoredFinding]) -> list[Sent]:
        """Sends what is new about findings. Again without news, it sends nothing."""
        return [each for stored in findings for message in _news(stored) for each in self.send(message)]

    # Drills

    def drill(self) -> list[tuple[Route, str, str]]:
        """Sends a canary through every route; gives (route, key, why it failed or "")."""
        found = []
        for route in self.routes:
            key = f"drill-{secrets.token_hex(8)}"
            facts = {"route": route.name, "token": self.token(route.name, key)}
            message = Message("drill", key, Severity.FATAL, "", route.name, "sakimori notify drill", facts)
            self._claim(route, message)
            found.append((route, key, self._through(route, message).why))
        return found

    def token(self, route: str, key: str) -> str:
        """What acknowledges a canary."""
        return f"{route}:{key}:{hmac.new(self._key, f'{route}:{key}'.encode(), hashlib.sha256).hexdigest()[:32]}"

    def acknowledge(self, token: str, by: str) -> str:
        """Enters that somebody has seen a canary; gives the route. Raises NotifyError for what was not sent by us."""
        route, _, rest = token.strip().partition(":")
        key = rest.partition(":")[0]
        if not hmac.compare_digest(token.strip().encode(), self.token(route, key).encode()):
            raise NotifyError("this acknowledges nothing that was sent from here")
        c = sent.c
        seen = update(sent).where(c.route == route, c.key == key, c.acknowledged_at == "")
        with writing(self.engine) as connection:
            connection.execute(seen.values(acknowledged_at=_now(), acknowledged_by=storable(by)))
        return route

    def acknowledged(self, route: str, key: str) -> bool:
        """Whether somebody has seen it."""
        c = sent.c
        with reading(self.engine) as connection:
            found = connection.execute(select(c.acknowledged_at).where(c.route == route, c.key == key)).scalar()
        return bool(found)

    def _claim(self, route: Route, message: Message) -> bool:
        """Enters that this process sends it; False if it was sent, or another process is at it."""
        c, now = sent.c, _now()
        with writing(self.engine) as connection:
            known = connection.execute(select(sent).where(c.route == route.name, c.key == message.key)).first()
            if known is None:
                row = {"route": route.name, "key": message.key, "kind": message.kind, "state": "sending", "tries": 1}
                row |= {"why": "", "at": now, "acknowledged_at": "", "acknowledged_by": ""}
                connection.execute(insert(sent), row)
                return True
            stuck = known.state == "sending" and known.at < _now(-STUCK)
            if known.tries >= TRIES or not (known.state == "failed" or stuck):
                return False
            again = update(sent).where(c.route == route.name, c.key == message.key)
            connection.execute(again.values(state="sending", tries=known.tries + 1, at=now))
            return True

    def _through(self, route: Route, message: Message) -> Sent:
        why = ""
        try:
            said = worded(message, route.language, route.person)
            routing.channel(route.channel).send(message, said, route.settings)
        except (NotifyError, AwsError) as error:
            why = str(error)
        c = sent.c
        done = update(sent).where(c.route == route.name, c.key == message.key)
        with writing(self.engine) as connection:
            connection.execute(done.values(state="failed" if why else "sent", why=storable(why), at=_now()))
        return Sent(route.name, message.key, why)


def _news(stored: StoredFinding) -> Iterator[Message]:
    """What is new about a finding: that it is there, or there again, or worse; and that it is resolved."""
    finding = stored.finding
    if stored.status is Status.SUPPRESSED:
        return
    resolved = stored.status is Status.RESOLVED
    facts = {
        "title": finding.title,
        "description": finding.description or finding.title,
        "uid": finding.uid[:12],
        "remedy": finding.remediation,
    }
    kind = "finding-resolved" if resolved else "finding-new"
    key = f"{finding.uid}/{kind}/{int(finding.severity)}"
    yield Message(kind, key, finding.severity, finding.account, finding.asset, finding.actor, facts, finding)


def dead_route(route: Route, why: str, now: str) -> Finding:
    """That nobody can be told by a route."""
    return Finding(
        uid=finding_uid(DEAD_ROUTE, "", "", route.name, ""),
        rule=DEAD_ROUTE,
        title=f"The notification route {route.name} does not work",
        severity=Severity.HIGH,
        tactics=(),
        techniques=(),
        account="",
        region="",
        actor="",
        source_ip="",
        asset=route.name,
        count=1,
        first_seen=now,
        last_seen=now,
        records=(),
        description=f"A canary through {route.channel} was not acknowledged: {why}.",
        class_uid=COMPLIANCE,
        evidence={"route": route.name, "channel": route.channel, "reason": why},
        remediation="See to the cause, then run `sakimori notify drill` again.",
    )


def _now(ago: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + ago).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
