"""A simulated agent: it talks to a manager over HTTP as a real one does, and works on a simulated host's real files.

What it can do it does: it describes its host, keeps an integrity baseline and compares file trees with it, inspects
logs, and has a scanner look for malware if there is one. What it cannot (network traffic, files as they are opened) it
reports as not evaluated and never as done. A module that it does not run is reported as off, unless a test has it
pretend.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import httpx
import msgspec

from sakimori.protect.agent import integrity, log_files, malware
from sakimori.protect.agent.log_inspection import Hit, Inspector
from sakimori.protect.client_transport import trust
from sakimori.scan.malware.clamd import Clamd, ScannerError
from sakimori.simulate.host import SimulatedHost

EVENTS_AT_ONCE = 1_000
_SEVERITIES = ((12, "critical"), (8, "high"), (4, "medium"), (0, "low"))


class AgentError(Exception):
    """The manager did not take what the agent sent; the message holds its answer."""


class State(msgspec.Struct):
    """What the agent keeps between runs."""

    guid: str = ""
    secret: str = ""
    computer: int = 0
    isolated: bool = False
    baseline: integrity.Baseline | None = None
    logs: dict[str, log_files.Place] = {}


class SimulatedAgent:
    """One agent; `state` is the file in which it remembers. Use it in a `with`, or close it.

    `pretends` are modules that are reported in the state that the policy wants although nothing runs them; `scanner`
    looks for malware.
    """

    def __init__(
        self,
        host: SimulatedHost,
        url: str,
        state: Path,
        *,
        ca_file: Path | None = None,
        pretends: Sequence[str] = (),
        scanner: Clamd | None = None,
    ) -> None:
        self.host = host
        self.scanner = scanner
        self._path = state
        self._pretends = frozenset(pretends)
        self.state = msgspec.json.decode(state.read_bytes(), type=State) if state.exists() else State()
        self._policy: Mapping[str, Any] = {}
        self._inspector = Inspector([])
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/').removesuffix('/api')}/api/sakimori",  # with or without /api, as the client
            verify=trust(str(ca_file or "")),
            headers={"api-version": "v1"},
            timeout=30,
        )

    def __enter__(self) -> SimulatedAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # ---- talking

    def enrol(self, key: str, *, policy: int = 0) -> int:
        """Makes itself known with an API key, and returns the computer's ID."""
        host = self.host
        told = {
            "hostName": host.name,
            "platform": host.platform,
            "agentVersion": "0.1.0",
            "instanceID": host.instance_id,
            "accountID": host.account,
            "region": host.region,
            "policyID": policy,
            "host": host.description(),
        }
        answer = self._call("POST", "/agents", told, {"api-secret-key": key})
        self.state.guid, self.state.secret = answer["agentGUID"], answer["secretKey"]
        self.state.computer = answer["computerID"]
        self._save()
        return self.state.computer

    def beat(self) -> list[str]:
        """One heart-beat: says how it is, does what it is asked to, looks at its logs. Returns the tasks' types."""
        answer = self._call("POST", "/agents/heartbeat", {"modules": self._modules(), "policyVersion": self._version})
        done = []
        for task in answer["tasks"]:
            done.append(task["type"])
            self._call("POST", f"/agents/tasks/{task['ID']}", self._perform(task["type"]))
        self.inspect_logs()
        return done

    def run(self, *, seconds: float, told: Callable[[str], None]) -> NoReturn:
        """Beats every so many seconds. A manager that goes away, and comes back, is told of and waited for."""
        away = False
        while True:
            try:
                self.beat()
                if away:
                    told("the manager answers again")
                away = False
            except httpx.TransportError as error:
                if not away:
                    told(f"the manager does not answer, and is tried again: {error}")
                away = True
            time.sleep(seconds)

    def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        own = {"Authorization": f"Agent {self.state.guid}:{self.state.secret}"} if headers is None else dict(headers)
        answer = self._http.request(method, path, json=body, headers=own)
        if answer.status_code >= 400:
            raise AgentError(f"{method} {path}: {answer.text[:500]}")
        return answer.json()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".new")
        aside.write_bytes(msgspec.json.encode(self.state))
        aside.replace(self._path)

    # ---- tasks

    def _perform(self, kind: str) -> dict[str, Any]:
        match kind:
            case "send-policy":
                self._fetch()
                return {"state": "done", "message": f"policy {self._version} is in force"}
            case "check-for-security-updates":  # its rules come with the policy
                self._fetch()
                count = sum(map(len, (self._policy.get("rules") or {}).values()))
                return {"state": "done", "message": f"{count} rules as the manager has them now are in force"}
            case "scan-for-recommendations" | "scan-for-open-ports":
                return {"state": "done", "host": self.host.description()}
            case "scan-for-integrity-changes":
                return self._scan_integrity()
            case "scan-for-malware" if self.scanner is not None:
                return self._scan_malware(self.scanner)
            case "isolate" | "release":
                self.state.isolated = kind == "isolate"
                self._save()
                return {"state": "done", "message": "a simulated host has no network; it remembers that it is cut off"}
            case _:
                reason = f"not evaluated: the simulated agent cannot do {kind}; nothing was looked at"
                return {"state": "failed", "message": reason}

    def _fetch(self) -> None:
        self._policy = self._call("GET", "/agents/policy")
        self._inspector = Inspector(self._rules("loginspectionrules") if self._is_on("logInspection") else [])

    def _scan_integrity(self) -> dict[str, Any]:
        self._fetch()
        if not self._is_on("integrityMonitoring"):
            return {"state": "failed", "message": "integrity monitoring is off on this computer: nothing was looked at"}
        before = self.state.baseline
        found = integrity.scan(self.host.root, self._rules("integritymonitoringrules"), before)
        self.state.baseline = found.baseline
        self._save()
        told = [f"{len(found.changes)} changes by {len(found.baseline.rules)} rules"]
        if found.new_rules:
            told.append(f"a baseline was made for {len(found.new_rules)} rules, which tell changes from now on")
        answer: dict[str, Any] = {
            "state": "done",
            "message": "; ".join(told),
            "events": [_changed(change, found.baseline.made_at) for change in found.changes],
            "notEvaluated": [{"ruleID": rule, "what": what, "reason": why} for rule, what, why in found.not_evaluated],
        }
        return answer | ({"baseline": found.baseline.made_at} if found.new_rules else {})

    def _scan_malware(self, scanner: Clamd) -> dict[str, Any]:
        self._fetch()
        module = self._policy["modules"]["antiMalware"]
        if module["state"] == "off":
            return {"state": "failed", "message": "anti-malware is off on this computer: nothing was looked at"}
        configuration = self._named("antimalwareconfigurations", module.get("manualScanConfigurationID"))
        if configuration is None:
            return {"state": "failed", "message": "no manual scan configuration is set: nothing was looked at"}
        kinds = ("directorylists", "filelists", "fileextensionlists")
        lists = {kind: {each["ID"]: each.get("items", ()) for each in self._configurations(kind)} for kind in kinds}
        try:
            version = scanner.version()
            found = malware.scan(self.host.root, configuration, lists, scanner.scan)
        except ScannerError as error:
            return {"state": "failed", "message": f"not evaluated: {error}"}
        told = f"{len(found.hits)} of {found.files} files are malware, says {version}; nothing was done to them"
        return {
            "state": "done",
            "message": told,
            "events": list(malware.events(found, configuration, version)),
            "notEvaluated": [{"what": what, "reason": why} for what, why in found.not_evaluated],
        }

    def _configurations(self, kind: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self._policy["configurations"].get(kind, [])
        return found

    def _named(self, kind: str, id: int | None) -> Mapping[str, Any] | None:
        return next((each for each in self._configurations(kind) if each["ID"] == id), None)

    # ---- logs

    def inspect_logs(self) -> int:
        """Looks at what is new in the logs, and returns how many events it told. Told twice, they are kept once."""
        if not self._policy:
            self._fetch()
        events, places = [], dict(self.state.logs)
        for piece in log_files.added(self.host.root, self._logs(), self.state.logs):
            for hit in self._inspector.inspect(piece.path, piece.lines, first=piece.first):
                events.append(_seen(hit, piece.place.inode))
            places[piece.path] = piece.place
        for start in range(0, len(events), EVENTS_AT_ONCE):
            self._call("POST", "/agents/events", events[start : start + EVENTS_AT_ONCE])
        if places != self.state.logs:
            self.state.logs = places
            self._save()
        return len(events)

    def _logs(self) -> list[str]:
        return log_files.logs(self.host.root, self._inspector.locations())

    # ---- what is in force

    @property
    def _version(self) -> str:
        return str(self._policy.get("policyVersion", ""))

    def _rules(self, resource: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = (self._policy.get("rules") or {}).get(resource, [])
        return found

    def _wanted(self) -> Mapping[str, str]:
        modules: Mapping[str, Mapping[str, Any]] = self._policy.get("modules") or MappingProxyType({})
        return {name: str(values.get("state", "off")) for name, values in modules.items()}

    def _is_on(self, module: str) -> bool:
        return self._wanted().get(module, "off") != "off"

    def _modules(self) -> dict[str, dict[str, str]]:
        """What runs, and why not what does not."""
        return {name: dict(self._module(name, wanted)) for name, wanted in self._wanted().items()}

    def _module(self, name: str, wanted: str) -> Iterator[tuple[str, str]]:
        if wanted == "off" or name in self._pretends:
            yield "state", wanted
            if wanted != "off":
                yield "mode", str((self._policy.get("modes") or {}).get(name, ""))
        elif name == "logInspection":
            yield "state", "on"
            if self._inspector.refused:
                yield "message", f"{len(self._inspector.refused)} rules are not understood"
        elif name == "integrityMonitoring":
            yield "state", "on"
            if wanted == "real-time":
                yield "message", "files are compared when a scan is asked for, and not as they change"
        elif name == "antiMalware" and self.scanner is not None:
            yield "state", "off"
            yield "message", "files are scanned when a scan is asked for, and not as they are opened"
        else:
            yield "state", "off"
            yield "message", "the simulated agent cannot run it"


def _changed(change: integrity.Change, at: int) -> dict[str, Any]:
    return {
        "module": "integrityMonitoring",
        "key": f"integrity/{at}/{change.rule}/{change.path}",
        "time": at,
        "ruleID": change.rule,
        "severity": change.severity,
        "action": change.change,
        "message": f"{change.path} was {change.change}",
        "details": {"path": change.path, "attributes": change.attributes},
    }


def _seen(hit: Hit, inode: int) -> dict[str, Any]:
    return {
        "module": "logInspection",
        "key": f"log/{hit.path}/{inode}/{hit.line}/{hit.rule}",
        "time": int(hit.time * 1000),
        "ruleID": hit.rule,
        "severity": next(name for level, name in _SEVERITIES if hit.level >= level),
        "action": "logged",
        "message": hit.text[:1_000],
        "details": {"path": hit.path, "line": hit.line, "level": hit.level, "values": hit.values, "count": hit.count},
    }
