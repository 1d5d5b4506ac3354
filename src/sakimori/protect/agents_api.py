"""What agents say and ask: they enrol, send heart-beats and events, fetch what is in force, and answer tasks.

An agent enrols with an API key and gets a secret of its own, which is sent as `Authorization: Agent GUID:SECRET`.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from sqlalchemy import Connection, Engine, delete, insert, select, update

from sakimori.protect import accept, enforcement, jobs, outcomes, secrets, storage, tables
from sakimori.protect.calls import Call
from sakimori.protect.computers import effective_on
from sakimori.protect.declare import Field, number, struct, text
from sakimori.protect.engine import AGENT_LEASE_MS
from sakimori.protect.errors import Invalid, NotFound, Unauthenticated
from sakimori.protect.objects import Shown, plain
from sakimori.protect.resources import all_resources
from sakimori.protect.work import MODULES
from sakimori.store.database import reading

_BAD = "the agent is not known: enrol it, or send `Authorization: Agent GUID:SECRET`"

ENROLMENT: tuple[Field, ...] = (
    text("hostName", required=True),
    text("displayName"),
    text("description"),
    text("platform"),
    text("agentVersion"),
    text("biosUUID"),
    number("policyID"),
    number("groupID"),
    text("instanceID", says="The EC2 instance; with it the agent joins the computer that discovery made of it."),
    text("accountID"),
    text("region"),
    struct("host", "HostDescription", says="Packages, ports, services and files."),
)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that has shown its secret."""

    tenant: int
    computer: int


class Agents:
    """Recognises agents. One a process; remembers each agent's digest, which never changes while it is enrolled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, tuple[str, Agent]] = {}
        self._loaded = False

    def recognise(self, headers: Mapping[str, str]) -> Agent:
        """Raises Unauthenticated."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        guid, _, secret = rest.strip().partition(":")
        if scheme.lower() != "agent" or not guid or not secret:
            raise Unauthenticated(_BAD)
        known = self._known.get(guid) or self._look_up(guid)
        if known is None or not hmac.compare_digest(known[0], secrets.fingerprint(secret)):
            raise Unauthenticated(_BAD)
        return known[1]

    def _look_up(self, guid: str) -> tuple[str, Agent] | None:
        """From the ledger; the first time, all at once: after a start, every agent comes within a minute."""
        agents = tables.agents
        wanted = select(agents.c.guid, agents.c.tenant, agents.c.computer, agents.c.secret)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.where(agents.c.guid == guid) if self._loaded else wanted).all()
        self._loaded = True
        self._known |= {row.guid: (row.secret, Agent(row.tenant, row.computer)) for row in rows}
        return self._known.get(guid)

    def forget(self, tenant: int, computer: int) -> None:
        """The agent of a computer is not what it was."""
        gone = Agent(tenant, computer)
        self._known = {guid: known for guid, known in self._known.items() if known[1] != gone}

    def forget_tenant(self, tenant: int) -> None:
        """The tenant is gone, and its agents with it."""
        self._known = {guid: known for guid, known in self._known.items() if known[1].tenant != tenant}


class Beat(msgspec.Struct, omit_defaults=True):
    """A heart-beat: how the modules are, and which jobs the agent is at."""

    modules: dict[str, dict[str, str]] = {}
    running: list[int] = []
    policyVersion: str = ""


class Event(msgspec.Struct):
    """Something that a module saw. `key` is the agent's own id of it: sent twice, it is kept once."""

    module: str
    key: str
    time: int = 0
    ruleID: int = 0
    severity: str = ""
    action: str = ""
    message: str = ""
    details: dict[str, Any] = {}


BEAT = msgspec.json.Decoder(Beat)


def enrol(call: Call) -> Shown:
    """Makes a computer of the machine, or joins the one that is known by its instance ID, and gives it a secret."""
    sent = call.body
    if not isinstance(sent, Mapping):
        raise Invalid("an enrolment must be a JSON object with hostName")
    given = {name: accept.text(sent[name], name) for name in _TEXTS if sent.get(name) is not None}
    if not given.get("hostName"):
        raise Invalid("an enrolment needs hostName")
    computer = _computer(call, given, sent)
    secret, guid = secrets.new_secret(), str(uuid.uuid4())
    agents = tables.agents
    call.connection.execute(delete(agents).where(agents.c.tenant == call.tenant, agents.c.computer == computer))
    call.connection.execute(
        insert(agents),
        {
            "tenant": call.tenant,
            "computer": computer,
            "guid": guid,
            "secret": secrets.fingerprint(secret),
            "last_seen": 0,
            "address": "",
            "status": "{}",
            "isolated": 0,
            "policy_requested": 0,
            "policy_sent": 0,
        },
    )
    body = storage.get(call.connection, call.tenant, all_resources()["computers"], computer)
    body["agentFingerPrint"] = secrets.fingerprint(guid)[:40]
    body["agentVersion"] = given.get("agentVersion") or body.get("agentVersion", "")
    storage.replace(call.connection, call.tenant, all_resources()["computers"], computer, body)
    if isinstance(sent.get("host"), Mapping):
        outcomes.describe(call.connection, call.tenant, computer, sent["host"])
    call.manager.agents.forget(call.tenant, computer)
    call.manager.tasks.happened(call.connection, call.tenant, "agent-initiated-activation", computer, body)
    call.manager.tasks.send_policy(call.connection, call.tenant, [computer])
    return {"computerID": computer, "agentGUID": guid, "secretKey": secret}


_TEXTS = tuple(field.name for field in ENROLMENT if field.kind == "text")


def _computer(call: Call, given: Mapping[str, str], sent: Mapping[str, Any]) -> int:
    resource = all_resources()["computers"]
    values: dict[str, Any] = {
        n: given[n] for n in ("hostName", "displayName", "description", "platform", "biosUUID") if n in given
    }
    for name, refers in (("policyID", "policies"), ("groupID", "computergroups")):
        id = accept.integer(sent.get(name) or 0, name)
        if id and not storage.existing(call.connection, call.tenant, refers, [id]):
            raise Invalid(f"{name} is {id}, and there is no {all_resources()[refers].model} with that ID")
        if id:
            values[name] = id
    known = _by_instance(call.connection, call.tenant, given.get("instanceID", ""))
    if known is not None:
        before = storage.get(call.connection, call.tenant, resource, known)
        storage.replace(call.connection, call.tenant, resource, known, before | values)
        return known
    if given.get("instanceID"):
        values["noConnectorVirtualMachineSummary"] = {
            name: given[name] for name in ("instanceID", "accountID", "region") if given.get(name)
        }
    new = {"policyID": 0, "groupID": 0, "displayName": "", "hostGUID": str(uuid.uuid4()).upper(), **values}
    if not call.holder.role.reaches_computer(0, new):
        raise NotFound("the role of this key reaches only certain computers: it can enrol no other")
    id = storage.make(call.connection, call.tenant, resource, new)
    call.manager.tasks.happened(call.connection, call.tenant, "computer-created-by-system", id, new)
    return id


def _by_instance(connection: Connection, tenant: int, instance: str) -> int | None:
    if not instance:
        return None
    shown = tables.values
    for summary in ("ec2VirtualMachineSummary", "noConnectorVirtualMachineSummary"):
        id = connection.execute(
            select(shown.c.id).where(
                shown.c.tenant == tenant,
                shown.c.resource == "computers",
                shown.c.field == f"{summary}/instanceID",
                shown.c.head == instance.lower()[: tables.HEAD],
            )
        ).scalar()
        if id is not None:
            return int(id)
    return None


def take_jobs(connection: Connection, agent: Agent, ids: list[int]) -> list[Shown]:
    """Gives an agent the jobs that wait for it."""
    found = []
    for id in ids[:20]:
        entry = jobs.get(connection, id)
        if entry is None or (entry.tenant, entry.computer) != (agent.tenant, agent.computer):
            continue
        taken = jobs.take(connection, id, lease=AGENT_LEASE_MS)
        if taken is not None:
            found.append({"ID": taken.id, "type": taken.type, "parameters": taken.parameters})
    return found


def in_force(connection: Connection, agent: Agent, policies: Any, catalogue: Any) -> Shown:
    """All that the agent must enforce, with the rules spelt out."""
    resource = all_resources()["computers"]
    body = storage.get(connection, agent.tenant, resource, agent.computer)
    effective = effective_on(policies.view(connection, agent.tenant), body)
    rules = catalogue.rules(connection, agent.tenant)
    shown: Shown = {
        "modules": {module: dict(values) for module, values in effective.modules.items()},
        "modes": dict(enforcement.modes(effective)),
        "settings": dict(effective.settings),
        "rules": {
            name: [
                plain(all_resources()[name], rule["ID"], rule)
                for rule in outcomes.in_force(name, effective.rules[name], effective, rules[name])
            ]
            for name in MODULES.values()
        },
        "configurations": _configurations(connection, agent.tenant, effective.modules),
    }
    shown["policyVersion"] = secrets.fingerprint(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS).decode())[:16]
    return shown


_SCANS = ("realTime", "manual", "scheduled")
_LISTS = {
    "directorylists": ("directoryListID", "excludedDirectoryListID"),
    "filelists": ("excludedFileListID", "excludedProcessImageFileListID"),
    "fileextensionlists": ("fileExtensionListID", "excludedFileExtensionListID"),
}
"""The lists that a scan configuration names, and by which fields."""


def _configurations(connection: Connection, tenant: int, modules: Mapping[str, Mapping[str, Any]]) -> Shown:
    """The scan, stateful and time configurations that the modules name, with the lists that those name."""
    scans = [modules["antiMalware"].get(f"{kind}ScanConfigurationID") or 0 for kind in _SCANS]
    bodies = storage.get_many(connection, tenant, "antimalwareconfigurations", scans).values()
    wanted = {
        "antimalwareconfigurations": scans,
        **{kind: [body.get(name) or 0 for body in bodies for name in names] for kind, names in _LISTS.items()},
        "schedules": [modules["antiMalware"].get("realTimeScanScheduleID") or 0],
        "statefulconfigurations": [modules["firewall"].get("globalStatefulConfigurationID") or 0],
    }
    return {
        name: [
            plain(all_resources()[name], id, body)
            for id, body in sorted(storage.get_many(connection, tenant, name, ids).items())
        ]
        for name, ids in wanted.items()
    }


def set_isolated(connection: Connection, tenant: int, computer: int, isolated: bool) -> None:
    """Raises NotFound if the computer has no agent."""
    agents = tables.agents
    changed = connection.execute(
        update(agents).where(agents.c.tenant == tenant, agents.c.computer == computer).values(isolated=int(isolated))
    )
    if not changed.rowcount:
        raise NotFound(f"computer {computer} has no agent that could isolate or release it")
    jobs.queue(connection, tenant, [computer], "isolate" if isolated else "release", patience=365 * 24 * jobs.HOUR)
