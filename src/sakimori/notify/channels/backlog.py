"""Backlog: a ticket for each finding.

Source: "Backlog API" (version 2): "Add Issue", "Update Issue", "Get Issue List", "Rate Limit", "Error Response". Forms
go in, JSON comes out; the key stands in the address, which is why no error shows it. Closed is the status 4 and open 1
in every project.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from sakimori.model.said import joined, say
from sakimori.model.severity import Severity
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded, pieces
from sakimori.notify.outside import Answer, Trust, ask, trust
from sakimori.notify.tickets import refusal, tell

SETTINGS = {"url": True, "project": True, "token": True, "type": False, "private": False, "ca": False}
IAM_ACTIONS: tuple[str, ...] = ()
PEOPLE = False

OPEN, CLOSED = 1, 4
HIGH, NORMAL, LOW = 2, 3, 4
LONGEST_SUMMARY = 255

_MARKS = {"markdown": re.compile(r"([\\`*_{}\[\]()#+\-!<>|~&:])"), "backlog": re.compile(r"(['%\[\]{}&#<>|*/])")}


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> str:
    """Makes, comments or closes the ticket."""
    return tell(_Backlog.of(settings), message, said)


def answered(canary: Message, settings: Mapping[str, Any]) -> bool:
    """Whether somebody has closed the canary's ticket."""
    found = _Backlog.of(settings).ask("GET", f"issues/{quote(canary.reference, safe='')}").json() or {}
    return bool(found.get("status", {}).get("id") == CLOSED)


def retire(canary: Message, settings: Mapping[str, Any]) -> None:
    """Closes the canary's ticket."""
    if not answered(canary, settings):
        _Backlog.of(settings).ask("PATCH", f"issues/{quote(canary.reference, safe='')}", {"statusId": CLOSED})


@dataclass(frozen=True, slots=True)
class _Backlog:
    """See tickets.Desk."""

    url: str
    project: str
    kind: str
    token: str
    trust: Trust

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> _Backlog:
        url, project = str(settings["url"]).rstrip("/"), str(settings["project"])
        return cls(url, project, str(settings.get("type", "")), str(settings["token"]), trust(settings))

    def find(self, label: str) -> str:
        query = {"projectId[]": self._project()["id"], "keyword": label, "count": 20, "sort": "created", "order": "asc"}
        found = self.ask("GET", "issues", query).json() or []
        return next((str(each["issueKey"]) for each in found if label in str(each.get("description", ""))), "")

    def create(self, said: Worded, label: str, message: Message) -> str:
        project = self._project()
        form = {
            "projectId": project["id"],
            "summary": said.title[:LONGEST_SUMMARY],
            "issueTypeId": self._type(),
            "priorityId": _priority(message.severity),
            "description": f"{text(said, _rule(project))}\n\n{label}",
        }
        made = self.ask("POST", "issues", form).json()
        if not isinstance(made, Mapping) or not made.get("issueKey"):
            raise NotifyError(say("Backlog made a ticket, and does not say which: is the address that of a space?"))
        return str(made["issueKey"])

    def comment(self, key: str, said: Worded) -> None:
        self.ask("POST", f"issues/{quote(key, safe='')}/comments", {"content": text(said, _rule(self._project()))})

    def close(self, key: str, said: Worded) -> None:
        self._move(key, said, CLOSED)

    def reopen(self, key: str, said: Worded) -> None:
        self._move(key, said, OPEN)

    def _move(self, key: str, said: Worded, status: int) -> None:
        form = {"statusId": status, "comment": text(said, _rule(self._project()))}
        self.ask("PATCH", f"issues/{quote(key, safe='')}", form)

    def _project(self) -> Mapping[str, Any]:
        found = self.ask("GET", f"projects/{quote(self.project, safe='')}").json()
        if not isinstance(found, Mapping) or "id" not in found:
            raise NotifyError(
                say("what Backlog says of the project {project} is not what it says of projects", project=self.project)
            )
        return found

    def _type(self) -> int:
        """The issue type of the name that is set; without one the project's first."""
        given = self.ask("GET", f"projects/{quote(self.project, safe='')}/issueTypes").json() or []
        fits = [each["id"] for each in given if not self.kind or each.get("name") == self.kind]
        if not fits:
            known = joined(", ", [str(each.get("name")) for each in given])
            about = {"project": self.project, "kind": repr(self.kind), "known": known}
            raise NotifyError(say("the Backlog project {project} has no issue type {kind}: it has {known}", **about))
        return int(fits[0])

    def ask(self, method: str, path: str, form: Mapping[str, Any] | None = None) -> Answer:
        """Asks. Raises NotifyError."""
        query = {"apiKey": self.token, **((form or {}) if method == "GET" else {})}
        content = b"" if method == "GET" else urlencode(form or {}, errors="replace").encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if content else {}
        url = f"{self.url}/api/v2/{path}?{urlencode(query)}"
        return ask(method, url, content=content, headers=headers, trust=self.trust, explain=_explained)


def _priority(severity: Severity) -> int:
    if severity >= Severity.HIGH:
        return HIGH
    return NORMAL if severity >= Severity.MEDIUM else LOW


def _rule(project: Mapping[str, Any]) -> str:
    return "markdown" if project.get("textFormattingRule") == "markdown" else "backlog"


def _explained(answer: Answer) -> str:
    """`{"errors": [{"message": "...", "code": 6, "moreInfo": ""}]}`"""
    said = answer.json()
    errors = said.get("errors") if isinstance(said, Mapping) else None
    return refusal([each.get("message", "") for each in errors or [] if isinstance(each, Mapping)])


def text(said: Worded, rule: str) -> str:
    """The message in the project's markup, `markdown` or `backlog`."""
    lines = []
    for each in (said, *said.items):
        lines.append(escaped(each.title, rule))
        for label, value in each.lines:
            shown = "".join(piece if ours else escaped(piece, rule) for piece, ours in pieces(value))
            lines.append(f"{label}: {shown}")
    return "\n\n".join(lines)


def escaped(text: str, rule: str) -> str:
    """Text that the markup shows as it is. Backlog's own marks get a neighbour without width."""
    return _MARKS[rule].sub(r"\\\1" if rule == "markdown" else "\\1\u2060", text)
