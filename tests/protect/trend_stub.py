"""A stand-in for Trend's Server & Workload Protection: its answers' shapes and its quirks, over real HTTP or HTTPS.

The quirks, each seen in the vendor's SDK, samples or documents: a search matches CVEs that merely begin alike; a list
ends with an empty page; fields without a value are left out; booleans in queries are text in any spelling; a POST
modifies; dependencies are assigned unasked; a task that ran once is gone; scans end some time later; nothing is at
/sakimori, and says so with HTML; too many calls are answered with 429. What it was asked and answered is in
`exchanges`, for the vendor's SDK to judge (`trend/judge.py`).
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "2:k3yOfTheStub"
INSTANCE = "i-0a51c7d2e8f900001"
POLICY, COMPUTER, ANOTHER, BARE = 5, 17, 18, 19
LOG4SHELL, DEPENDENCY, LONGER = 7_001, 7_000, 7_002


@dataclass
class Trend:
    """What the stub knows, and what it does wrong on demand: `answers` are given first, whatever is asked."""

    url: str = ""
    instance: str = INSTANCE
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    drops: int = 0
    own_rules: dict[str, set[int]] = field(default_factory=lambda: {"policies": {DEPENDENCY}, "computers": set()})
    scanned: dict[str, int] = field(default_factory=lambda: {"recommendation": 1_000, "integrity": 0, "malware": 0})
    due: list[tuple[str, int]] = field(default_factory=list)
    tasks: dict[int, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    state: str = "detect"
    policy_name: str = "Web Servers"
    agent: str = "active"
    made: int = 98
    ends: bool = True
    deaf: bool = False
    pages: bool = True

    def rules(self) -> list[dict[str, Any]]:
        return [
            {"name": "Decoder", "severity": "low", "identifier": "1000000", "ID": DEPENDENCY, "CVE": []},
            {
                "name": "Log4j",
                "severity": "critical",
                "identifier": "1011242",
                "applicationTypeID": 302,
                "dependsOnRuleIDs": [DEPENDENCY],
                "CVSSScore": "10.0",
                "CVE": ["CVE-2021-44228", "CVE-2021-45046"],
                "ID": LOG4SHELL,
            },
            {"name": "Longer", "identifier": "1011243", "CVE": ["CVE-2021-442280"], "ID": LONGER},
        ]

    def computers(self) -> list[dict[str, Any]]:
        def module(state: str, status: str, message: str, **more: Any) -> dict[str, Any]:
            return {"state": state, "moduleStatus": {"agentStatus": status, "agentStatusMessage": message}, **more}

        off = module("off", "inactive", "Off, installed, no configuration")
        web = {
            "hostName": "ip-10-0-1-23.ec2.internal",
            "displayName": "web-1",
            "policyID": POLICY,
            "agentFingerPrint": "AA:BB",
            "lastAgentCommunication": 1_764_000_000_000,
            "lastSendPolicySuccess": 1_764_000_000_000,
            "computerStatus": {"agentStatus": self.agent, "agentStatusMessages": ["Managed (Online)"]},
            "ec2VirtualMachineSummary": {"instanceID": self.instance, "accountID": "111122223333", "state": "running"},
            "antiMalware": module("on", "active", "On, Real Time", **self._date("lastManualScan", "malware")),
            "intrusionPrevention": module(self.state, "active", "On, Detect, 2 rules"),
            "integrityMonitoring": module("on", "active", "On", **self._date("lastIntegrityScan", "integrity")),
            "firewall": off,
            "ID": COMPUTER,
        }
        twin = {**web, "displayName": "web-1 (old)", "ID": ANOTHER, "lastAgentCommunication": 5}
        twin["computerStatus"] = {"agentStatus": "inactive", "agentStatusMessages": ["Deactivated"]}
        bare = {
            "hostName": "build-7",
            "policyID": 0,
            "computerStatus": {"agentStatus": "inactive", "agentStatusMessages": ["Unmanaged (Unknown)"]},
            "noConnectorVirtualMachineSummary": {"instanceID": "i-0bare", "accountID": "111122223333"},
            "antiMalware": off,
            "intrusionPrevention": off,
            "ID": BARE,
        }
        return [web, twin, bare]

    def _date(self, name: str, kind: str) -> dict[str, int]:
        return {name: self.scanned[kind]} if self.scanned[kind] else {}

    def tick(self) -> None:
        """Scans end two calls after they began."""
        self.due = [(kind, left - 1) for kind, left in self.due]
        for kind, left in self.due:
            if left == 0 and self.ends:
                self.scanned[kind] += 60_000
        self.due = [(kind, left) for kind, left in self.due if left > 0]
        if not self.due:
            self.tasks.clear()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    trend: Trend
    asked: dict[str, Any]

    def log_message(self, *_: object) -> None:
        pass

    def handle_one(self) -> None:
        trend, parts = self.trend, urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        path, query = parts.path.removeprefix("/api"), parse_qs(parts.query)
        self.asked = {"verb": self.command, "path": path, "query": query, "body": body}
        trend.calls.append((self.command, path))
        trend.headers.append({name.lower(): value for name, value in self.headers.items()})
        if trend.drops:
            trend.drops -= 1
            self.close_connection = True
            return
        if trend.answers:
            self._send(*trend.answers.pop(0))
            return
        if self.headers.get("api-version") != "v1":
            self._error(400, "Invalid API version.")
            return
        if KEY not in (self.headers.get("api-secret-key"), (self.headers.get("Authorization") or "")[7:]):
            self._error(401, "Invalid API key.")
            return
        trend.tick()
        self._route(path, query, body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_one

    def _route(self, path: str, query: dict[str, list[str]], body: Any) -> None:
        trend = self.trend
        if found := re.fullmatch(r"/(computers|intrusionpreventionrules|policies)/search", path):
            rows = {"computers": trend.computers(), "intrusionpreventionrules": trend.rules()}.get(
                found[1], [{"name": trend.policy_name, "ID": POLICY}]
            )
            name = {"intrusionpreventionrules": "intrusionPreventionRules"}.get(found[1], found[1])
            self._json({name: self._searched(rows, body or {})})
        elif found := re.fullmatch(r"/(policies|computers)/\d+/(\w+)/assignments(?:/(\d+))?", path):
            self._assignments(found[1], found[2], int(found[3] or 0), query, body)
        elif found := re.fullmatch(r"/computers/(\d+)", path):
            row = next((row for row in trend.computers() if row["ID"] == int(found[1])), None)
            self._json(row) if row else self._error(404, f"Not Found: The Computer with ID {found[1]} does not exist.")
        elif path == f"/policies/{POLICY}":
            if body:
                trend.state = body["intrusionPrevention"]["state"]
            self._json({"name": trend.policy_name, "intrusionPrevention": {"state": trend.state}, "ID": POLICY})
        elif found := re.fullmatch(r"/policies/\d+/settings/(\w+)", path):
            if body:
                trend.settings[found[1]] = body["value"]
            if self.command == "DELETE":
                trend.settings.pop(found[1], None)
            inherited = "" if query.get("overrides", [""])[0].lower() == "true" else "No"
            self._json({"value": trend.settings.get(found[1], inherited)})
        elif path == "/applicationtypes/302":
            self._json({"name": "Web Server Common", "protocol": "tcp", "ID": 302})
        elif path == "/scheduledtasks/search":
            rows = [{"ID": number, "name": name} for number, name in trend.tasks.items()]
            self._json({"scheduledTasks": self._searched(rows, body or {})})
        elif path == "/scheduledtasks" and self.command == "POST":
            number = trend.made = trend.made + 1
            trend.tasks[number] = body["name"]
            kinds = {"scan-for-recommendations": "recommendation", "scan-for-integrity-changes": "integrity"}
            trend.due.append((kinds.get(body["type"], "malware"), 2))
            self._json({"ID": number, **body})
        else:
            self._send(404, {"Content-Type": "text/html"}, b"<html><body>Not Found</body></html>")

    def _searched(self, rows: list[dict[str, Any]], body: dict[str, Any]) -> list[dict[str, Any]]:
        for test in body.get("searchCriteria") or ():
            if "idTest" in test:
                rows = [row for row in rows if not self.trend.pages or row["ID"] > test["idValue"]]
            else:
                wanted = re.escape(test["stringValue"]).replace("%", ".*") if test.get("stringWildcards", True) else ""
                pattern = re.compile(wanted or re.escape(test["stringValue"]), re.IGNORECASE)
                rows = [row for row in rows if any(map(pattern.match, self._values(row, test["fieldName"])))]
        return rows[: body.get("maxItems", 5_000)]

    def _values(self, row: Any, name: str) -> list[str]:
        for part in name.split("/"):
            row = row.get(part) if isinstance(row, dict) else None
        return [str(each) for each in row] if isinstance(row, list) else [str(row or "")]

    def _assignments(self, what: str, module: str, rule: int, query: dict[str, list[str]], body: Any) -> None:
        trend = self.trend
        own = trend.own_rules[what] if module == "intrusionprevention" else set()
        if trend.deaf and self.command != "GET":
            own = set(own)  # it says that it did what it was told, and did not
        if self.command == "DELETE":
            own.discard(rule)
        if self.command in ("POST", "PUT"):
            if self.command == "PUT":
                own.clear()
            own.update(body["ruleIDs"])
            if LOG4SHELL in own:
                own.add(DEPENDENCY)
        inherited = trend.own_rules["policies"] if what == "computers" and module == "intrusionprevention" else set()
        shown = own if query.get("overrides", ["false"])[0].lower() == "true" else own | inherited
        answer: dict[str, Any] = {"assignedRuleIDs": sorted(shown), "recommendationScanStatus": "valid"}
        if module == "intrusionprevention":
            answer["assignedApplicationTypeIDs"] = [302]
            answer["recommendedToAssignRuleIDs"] = [] if LOG4SHELL in shown else [LOG4SHELL]
            answer["recommendedToUnassignRuleIDs"] = [LONGER] if LONGER in shown else []
        answer["lastRecommendationScanDate"] = trend.scanned["recommendation"]
        self._json(answer)

    def _json(self, value: Any) -> None:
        self._send(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _error(self, status: int, message: str) -> None:
        self._send(status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode())

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.trend.exchanges.append(self.asked | {"status": status, "answer": content.decode()})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def trend_stub(certificate: Path | None = None) -> Iterator[Trend]:
    """The stub on a free port; with a certificate (PEM with its key) it speaks TLS."""
    trend = Trend()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"trend": trend}))
    server.daemon_threads = True
    scheme = "http"
    if certificate is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    trend.url = f"{scheme}://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield trend
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
