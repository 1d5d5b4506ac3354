"""Jira: a ticket for each finding, in Cloud (API 3) or Data Center (`api = 2`).

Source: "The Jira Cloud platform REST API" (version 3), "Atlassian Document Format", "JIRA REST API examples" (Data
Center) and "Rate limiting". In API 3 a text is a document of nodes, in which nothing is markup; in API 2 it is wiki
markup, which is escaped. Search shows what is new after a while only: a message that is tried again comes later.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sakimori.model.said import say
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded, pieces, shown
from sakimori.notify.outside import Answer, Trust, as_json, ask, trust
from sakimori.notify.tickets import refusal, tell

SETTINGS = {
    "url": True,
    "project": True,
    "token": True,
    "user": False,
    "type": False,
    "done": False,
    "reopened": False,
    "resolution": False,
    "api": False,
    "private": False,
    "ca": False,
}
IAM_ACTIONS: tuple[str, ...] = ()
PEOPLE = False

LONGEST_SUMMARY = 254

_MARKUP = re.compile(r"([\\{}\[\]*_?+\-^~!|#@:;()&<>%])")


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> str:
    """Makes, comments or closes the ticket."""
    return tell(_Jira.of(settings), message, said)


def answered(canary: Message, settings: Mapping[str, Any]) -> bool:
    """Whether somebody has closed the canary's ticket."""
    return _Jira.of(settings).is_done(canary.reference)


def retire(canary: Message, settings: Mapping[str, Any]) -> None:
    """Closes the canary's ticket."""
    jira = _Jira.of(settings)
    if not jira.is_done(canary.reference):
        jira.move(canary.reference, to_done=True)


@dataclass(frozen=True, slots=True)
class _Jira:
    """See tickets.Desk. `names` are the statuses that tickets are closed to and opened to, "" for any that is so."""

    url: str
    project: str
    kind: str
    headers: Mapping[str, str]
    api: str
    names: tuple[str, str]
    resolution: str
    trust: Trust

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> _Jira:
        user, token = str(settings.get("user", "")), str(settings["token"])
        basic = base64.b64encode(f"{user}:{token}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}" if user else f"Bearer {token}", "Accept": "application/json"}
        return cls(
            str(settings["url"]).rstrip("/"),
            str(settings["project"]),
            str(settings.get("type", "Task")),
            headers | {"Content-Type": "application/json"},
            str(settings.get("api", 3)),
            (str(settings.get("done", "")), str(settings.get("reopened", ""))),
            str(settings.get("resolution", "")),
            trust(settings),
        )

    def find(self, label: str) -> str:
        project = self.project.replace("\\", "\\\\").replace('"', '\\"')
        query = {"jql": f'project = "{project}" AND labels = "{label}" ORDER BY created ASC', "maxResults": 2}
        path = "search/jql" if self.api == "3" else "search"
        found = self._ask("POST", path, query | {"fields": ["labels"]}).json() or {}
        return next((str(each["key"]) for each in found.get("issues", []) if _has(each, label)), "")

    def create(self, said: Worded, label: str, message: Message) -> str:
        fields = {
            "project": {"key": self.project},
            "issuetype": {"name": self.kind},
            "summary": said.title[:LONGEST_SUMMARY],
            "description": self._text(said),
            "labels": ["sakimori", label],
        }
        made = self._ask("POST", "issue", {"fields": fields}).json()
        if not isinstance(made, Mapping) or not made.get("key"):
            raise NotifyError(say("Jira made a ticket, and does not say which: is the address that of its API?"))
        return str(made["key"])

    def comment(self, key: str, said: Worded) -> None:
        self._ask("POST", f"issue/{quote(key, safe='')}/comment", {"body": self._text(said)})

    def close(self, key: str, said: Worded) -> None:
        if not self.is_done(key):
            self.move(key, to_done=True)
        self.comment(key, said)

    def reopen(self, key: str, said: Worded) -> None:
        if self.is_done(key):
            self.move(key, to_done=False)
        self.comment(key, said)

    def is_done(self, key: str) -> bool:
        """Whether the ticket's status is of the category `done`, whatever it is called there."""
        found = self._ask("GET", f"issue/{quote(key, safe='')}?fields=status").json() or {}
        return _category(found.get("fields", {}).get("status", {})) == "done"

    def move(self, key: str, *, to_done: bool) -> None:
        """Takes the first transition that leads to the status that is named, or to any that is done or is not."""
        path, wanted = f"issue/{quote(key, safe='')}/transitions", self.names[0 if to_done else 1]
        given = (self._ask("GET", path).json() or {}).get("transitions", [])
        fits = [each for each in given if (_category(each.get("to", {})) == "done") is to_done]
        named = [each for each in fits if each.get("to", {}).get("name", "").casefold() == wanted.casefold()]
        chosen = next(iter(named if wanted else fits), None)
        if chosen is None:
            about = {"key": key, "where": wanted or _any_such(to_done)}
            raise NotifyError(
                say("the Jira ticket {key} has no transition to {where} now: look at its workflow", **about)
            )
        resolution = {"fields": {"resolution": {"name": self.resolution}}} if self.resolution and to_done else {}
        self._ask("POST", path, {"transition": {"id": chosen["id"]}, **resolution})

    def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        content = b"" if body is None else as_json(body)
        url = f"{self.url}/rest/api/{self.api}/{path}"
        return ask(method, url, content=content, headers=self.headers, trust=self.trust, explain=_explained)

    def _text(self, said: Worded) -> Any:
        return document(said) if self.api == "3" else markup(said)


def _has(issue: Mapping[str, Any], label: str) -> bool:
    return label in issue.get("fields", {}).get("labels", [])


def _any_such(to_done: bool) -> str:
    return say("a status that is done") if to_done else say("a status that is not done")


def _category(status: Mapping[str, Any]) -> str:
    return str(status.get("statusCategory", {}).get("key", ""))


def _explained(answer: Answer) -> str:
    """`{"errorMessages": ["..."], "errors": {"field": "..."}}`"""
    said = answer.json()
    if not isinstance(said, Mapping):
        return ""
    fields, lines = said.get("errors"), said.get("errorMessages")
    named = [f"{name}: {text}" for name, text in fields.items()] if isinstance(fields, Mapping) else []
    return refusal([*(lines if isinstance(lines, list) else []), *named, said.get("message", "")])


def document(said: Worded) -> dict[str, Any]:
    """In Atlassian Document Format."""
    content: list[dict[str, Any]] = []
    for each in (said, *said.items):
        content.append({"type": "paragraph", "content": [_node(each.title or " ", strong=True)]})
        content += [
            {"type": "paragraph", "content": [_node(f"{label}: ", strong=True), *_nodes(value)]}
            for label, value in each.lines
        ]
    return {"type": "doc", "version": 1, "content": content}


def _nodes(text: str) -> list[dict[str, Any]]:
    return [_node(shown(piece) if ours else piece) | _link(piece, ours) for piece, ours in pieces(text)]


def _node(text: str, *, strong: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"marks": [{"type": "strong"}]} if strong else {})}


def _link(address: str, ours: bool) -> dict[str, Any]:
    return {"marks": [{"type": "link", "attrs": {"href": address}}]} if ours else {}


def markup(said: Worded) -> str:
    """In wiki markup."""
    lines = []
    for each in (said, *said.items):
        lines.append(escaped(each.title))
        for label, value in each.lines:
            lines.append(f"{label}: {''.join(_marked(piece, ours) for piece, ours in pieces(value))}")
    return "\n\n".join(lines)


def _marked(piece: str, ours: bool) -> str:
    return f"[{escaped(shown(piece))}|{piece}]" if ours else escaped(piece)


def escaped(text: str) -> str:
    """Text that wiki markup shows as it is: its marks as character references."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[1])};", text)
