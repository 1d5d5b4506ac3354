"""What a message about a run asks of the person that it is sent to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sakimori.notify.asking import Links
from sakimori.notify.message import Message, filled, texts
from sakimori.respond import approval
from sakimori.respond.bookkeeping import Bookkeeping
from sakimori.respond.runs import RunState


@dataclass(frozen=True, slots=True)
class Decisions:
    """What messages about runs ask (see notify.asking.Asks)."""

    book: Bookkeeping
    links: Links

    def decide(self, message: Message, route: str, person: str, language: str) -> Mapping[str, str]:
        """The link to the page, or the command, that decides: made for this person, and for what is planned now."""
        facts = message.facts
        if message.kind != "run-waiting" or not facts.get("approval"):
            return {}
        asked = approval.Approval(facts["approval"], facts["run"], facts["until"])
        token = approval.token(self.links.signer, approval.Asked(asked, facts["plan"], person, route))
        page = self.links.page(approval.PURPOSE, token, language)
        return {"decide": page or filled(texts()["decide"][language], {}, {"token": token})}

    def is_open(self, message: Message) -> bool:
        """Whether a run still waits for a person: for a decision while it counts, or because it failed."""
        state = self.book.run(message.about).state
        if message.kind == "run-waiting":
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return state is RunState.WAITING and message.facts.get("until", "") > now
        return state is RunState.FAILED
