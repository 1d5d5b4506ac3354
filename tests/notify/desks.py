"""Ticket systems on loopback, shaped after Jira's and Backlog's own API references, with what is odd about them.

Both answer 429 when they are told to (`busy`), and refuse what the references say they refuse.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, TOKEN, PROJECT = "bot@example.org", "t0ken-of-the-desk", "SEC"

Reply = tuple[int, Any, dict[str, str]]


@dataclass
class Issue:
    """A ticket."""

    key: str
    summary: str
    description: Any
    labels: list[str] = field(default_factory=list)
    done: bool = False
    comments: list[Any] = field(default_factory=list)
    kind: Any = None
    priority: Any = None


@dataclass
class Desk:
    """A ticket system: what it holds, what it was asked, and how it misbehaves."""

    url: str = ""
    issues: dict[str, Issue] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    busy: list[Reply] = field(default_factory=list)
    rule: str = "markdown"
    transitions: tuple[str, ...] = ("In Progress", "Done")

    def add(self, **fields: Any) -> Issue:
        issue = Issue(f"{PROJECT}-{len(self.issues) + 1}", **fields)
        self.issues[issue.key] = issue
        return issue


# ---- Jira


def jira_answer(desk: Desk, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes) -> Reply:
    expected = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    if headers.get("Authorization") not in (f"Basic {expected}", f"Bearer {TOKEN}"):
        said = "Client must be authenticated to access this resource."
        return 401, {"errorMessages": [said], "errors": {}}, {"WWW-Authenticate": "OAuth realm=..."}
    found = re.fullmatch(r"/rest/api/([23])/(.+)", path)
    if not found:
        return 404, "<html>Oops, you've found a dead link.</html>", {}
    api, rest = found[1], found[2]
    given = json.loads(body) if body else {}
    if method == "POST" and rest == "search" and api == "3":
        return 410, {"errorMessages": ["The requested API has been removed."], "errors": {}}, {}
    if method == "POST" and rest in ("search/jql", "search"):
        return _jira_search(desk, given)
    if method == "POST" and rest == "issue":
        return _jira_create(desk, api, given["fields"])
    key, _, part = rest.removeprefix("issue/").partition("/")
    issue = desk.issues.get(key)
    if issue is None:
        said = "Issue does not exist or you do not have permission to see it."
        return 404, {"errorMessages": [said], "errors": {}}, {}
    if method == "POST" and part == "comment":
        trouble = _not_a_text(api, given.get("body"))
        if trouble:
            return 400, {"errorMessages": [], "errors": {"comment": trouble}}, {}
        issue.comments.append(given["body"])
        return 201, {"id": "1"}, {}
    if part == "transitions":
        return _jira_transitions(desk, issue, method, given)
    assert (method, part, query) == ("GET", "", {"fields": ["status"]})
    return 200, {"key": issue.key, "fields": {"status": _status("Done" if issue.done else "To Do")}}, {}


def _jira_search(desk: Desk, given: dict[str, Any]) -> Reply:
    found = re.fullmatch(r'project = "(\w+)" AND labels = "([\w-]+)" ORDER BY created ASC', given["jql"])
    if not found:
        return 400, {"errorMessages": ["Error in the JQL Query: Expecting operator."], "errors": {}}, {}
    if found[1] != PROJECT:
        said = f"The value '{found[1]}' does not exist for the field 'project'."
        return 400, {"errorMessages": [said], "errors": {}}, {}
    issues = [
        {"id": "1", "key": issue.key, "fields": {name: getattr(issue, name) for name in given.get("fields", [])}}
        for issue in desk.issues.values()
        if found[2] in issue.labels
    ]
    return 200, {"issues": issues[: given["maxResults"]], "isLast": True}, {"X-RateLimit-NearLimit": "true"}


def _jira_create(desk: Desk, api: str, fields: dict[str, Any]) -> Reply:
    errors = {}
    if fields["project"] != {"key": PROJECT}:
        errors["project"] = "valid project is required"
    if fields["issuetype"] not in ({"name": "Task"}, {"name": "Incident"}):
        errors["issuetype"] = "Specify a valid issue type"
    if "\n" in fields["summary"] or not 0 < len(fields["summary"]) < 256:
        errors["summary"] = "The summary is invalid because it contains newline characters, or is too long."
    if any(" " in label for label in fields["labels"]):
        errors["labels"] = "The label contains spaces which is invalid."
    if _not_a_text(api, fields["description"]):
        errors["description"] = _not_a_text(api, fields["description"])
    if errors:
        return 400, {"errorMessages": [], "errors": errors}, {}
    issue = desk.add(summary=fields["summary"], description=fields["description"], labels=fields["labels"])
    issue.kind = fields["issuetype"]
    return 201, {"id": "10000", "key": issue.key, "self": f"{desk.url}/rest/api/3/issue/10000"}, {}


def _jira_transitions(desk: Desk, issue: Issue, method: str, given: dict[str, Any]) -> Reply:
    known = {str(number): name for number, name in enumerate(desk.transitions, 11)}
    if method == "GET":
        return 200, {"transitions": [{"id": i, "name": f"to {n}", "to": _status(n)} for i, n in known.items()]}, {}
    name = known.get(given["transition"]["id"])
    if name is None:
        return 400, {"errorMessages": ["Transition id is not valid for this issue."], "errors": {}}, {}
    issue.done = name in ("Done", "Won't do")
    return 204, None, {}


def _status(name: str) -> dict[str, Any]:
    key = {"Done": "done", "Won't do": "done", "To Do": "new"}.get(name, "indeterminate")
    return {"name": name, "statusCategory": {"key": key}}


def _not_a_text(api: str, value: Any) -> str:
    """Why Jira would not take this as a text; "" if it would."""
    if api == "2":
        return "" if isinstance(value, str) else "Operation value must be a string"
    fits = isinstance(value, dict) and (value.get("type"), value.get("version")) == ("doc", 1) and _fits(value)
    return "" if fits else "Operation value must be an Atlassian Document"


def _fits(node: dict[str, Any]) -> bool:
    if node["type"] == "text":
        marks = node.get("marks", [])
        return bool(node["text"]) and all(mark["type"] in ("strong", "link") for mark in marks)
    return node["type"] in ("doc", "paragraph") and all(_fits(child) for child in node["content"])


# ---- Backlog


def backlog_answer(desk: Desk, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes) -> Reply:
    limits = {"X-RateLimit-Limit": "150", "X-RateLimit-Remaining": "142", "X-RateLimit-Reset": "1605484860"}
    if query.pop("apiKey", None) != [TOKEN]:
        return 401, _backlog_error("Authentication failure.", 11), limits
    if body and headers.get("Content-Type") != "application/x-www-form-urlencoded":
        return 400, _backlog_error("Invalid Request.", 7), limits
    form = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True) if body else {}
    status, said = _backlog(desk, method, path.removeprefix("/api/v2/"), query, form)
    return status, said, limits


def _backlog(
    desk: Desk, method: str, rest: str, query: dict[str, list[str]], form: dict[str, list[str]]
) -> tuple[int, Any]:
    if rest == f"projects/{PROJECT}":
        return 200, {"id": 7, "projectKey": PROJECT, "textFormattingRule": desk.rule}
    if rest == f"projects/{PROJECT}/issueTypes":
        return 200, [{"id": 31, "name": "Task"}, {"id": 32, "name": "Incident"}]
    if (method, rest) == ("GET", "issues"):
        assert query["projectId[]"] == ["7"]
        [word] = query["keyword"]
        return 200, [_backlog_issue(each) for each in desk.issues.values() if word in each.description]
    if (method, rest) == ("POST", "issues"):
        if form["projectId"] != ["7"] or form["issueTypeId"][0] not in ("31", "32") or len(form["summary"][0]) > 255:
            return 400, _backlog_error("Invalid Request.", 7)
        issue = desk.add(summary=form["summary"][0], description=form["description"][0])
        issue.kind, issue.priority = int(form["issueTypeId"][0]), int(form["priorityId"][0])
        return 201, _backlog_issue(issue)
    key, _, part = rest.removeprefix("issues/").partition("/")
    issue = desk.issues.get(key)
    if issue is None or not rest.startswith("issues/"):
        return 404, _backlog_error(f"No issue (issueIdOrKey = {key})", 6)
    if method == "POST" and part == "comments":
        issue.comments.append(form["content"][0])
        return 201, {"id": 1}
    if method == "PATCH":
        issue.done = form["statusId"] == ["4"]
        issue.comments += form.get("comment", [])
    return 200, _backlog_issue(issue)


def _backlog_issue(issue: Issue) -> dict[str, Any]:
    status = {"id": 4, "name": "Closed"} if issue.done else {"id": 1, "name": "Open"}
    return {"id": 1, "issueKey": issue.key, "description": issue.description, "status": status}


def _backlog_error(message: str, code: int) -> dict[str, Any]:
    return {"errors": [{"message": message, "code": code, "moreInfo": ""}]}


# ---- both

ANSWERS = {"jira": jira_answer, "backlog": backlog_answer}


def too_many(kind: str, seconds: int) -> Reply:
    """What each says to too many requests."""
    later = datetime.now(UTC) + timedelta(seconds=seconds)
    if kind == "jira":
        reset = {"X-RateLimit-Reset": later.strftime("%Y-%m-%dT%H:%MZ"), "RateLimit-Reason": "jira-cost-based"}
        return 429, None, {"Retry-After": str(seconds), **reset}
    reset = {"X-RateLimit-Limit": "150", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(later.timestamp()))}
    return 429, _backlog_error("API rate limit exceeded.", 12), reset


@contextmanager
def desk(kind: str) -> Iterator[Desk]:
    here = Desk()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            here.asked.append((self.command, parts.path))
            reply = here.busy.pop(0) if here.busy else None
            status, said, headers = reply or ANSWERS[kind](
                here, self.command, parts.path, parse_qs(parts.query), self.headers, body
            )
            content = said.encode() if isinstance(said, str) else b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
