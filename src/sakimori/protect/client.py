"""One client for every manager that speaks this API: ours, and Trend's Server & Workload Protection.

All that the response workflows do goes through here: find a computer, say whether it is really protected, scan it and
see the effect, find the rules of a CVE, assign and take away. Every modification returns a `Change` with what was there
before, and `record` is called with it as soon as it is made. What only our manager offers says NotSupported elsewhere.

Where a method takes a `holder`, it is `policy(3)` or `host(7)`: a policy, or a computer alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.model.said import say
from sakimori.protect import client_answers as answers
from sakimori.protect import client_errors as errors
from sakimori.protect.client_answers import Assignments, Change, Computer, Protection, Rule
from sakimori.protect.client_transport import Settings, Transport

__all__ = ["Client", "Holder", "Settings", "host", "policy"]

PAGE = 1_000
MOST_PAGES = 10_000
EXPAND = ("ec2VirtualMachineSummary", "noConnectorVirtualMachineSummary", "computerStatus", "allSecurityModules")

RULE_MODULES = ("intrusionPrevention", "integrityMonitoring", "logInspection")
"""The modules whose rules a recommendation scan looks at."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What has modules, rules and settings of its own: `path` is /policies/3 or /computers/7."""

    path: str
    settings: str


def policy(policy_id: int) -> Holder:
    return Holder(f"/policies/{policy_id}", "policySettings")


def host(computer_id: int) -> Holder:
    return Holder(f"/computers/{computer_id}", "computerSettings")


class Client:
    """Use it in a `with`, or close it. Methods raise a ManagerError: see `client_errors.py`."""

    def __init__(
        self,
        settings: Settings | Transport,
        *,
        record: Callable[[Change], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.transport = settings if isinstance(settings, Transport) else Transport(settings, sleep=sleep)
        self.call = self.transport.call
        self.clock, self.sleep = clock, sleep
        self._record = record
        self._is_ours: bool | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.transport.close()

    @property
    def is_ours(self) -> bool:
        """Whether the manager is Sakimori's, which offers more under /sakimori."""
        if self._is_ours is None:
            try:
                self.call("GET", "/sakimori/tasks", query={"limit": 1})
                self._is_ours = True
            except errors.NotPermitted:
                self._is_ours = True
            except (errors.NotFound, errors.Refused, errors.UnexpectedAnswer):
                self._is_ours = False
        return self._is_ours

    # ---- searching

    def search(
        self, collection: str, criteria: Iterable[Mapping[str, Any]] = (), *, many: str, query: Any = None
    ) -> Iterator[Mapping[str, Any]]:
        """Everything that meets all criteria, page by page by ID, as the API answers it; `many` is the list's key."""
        last, wanted = 0, list(criteria)
        for _ in range(MOST_PAGES):
            after = {"idTest": "greater-than", "idValue": last}
            body = {"maxItems": PAGE, "sortByObjectID": True, "searchCriteria": [*wanted, after]}
            page = _list(self.call("POST", f"/{collection}/search", body=body, query=query), many)
            if not page:
                return
            for each in page:
                found = answers.number(each, "ID")
                if found <= last:
                    raise errors.UnexpectedAnswer(
                        say(
                            "the manager does not page by ID: {things} {id} came after {last}; nothing was done",
                            things=collection,
                            id=found,
                            last=last,
                        )
                    )
                last = found
                yield each
        most = f"{MOST_PAGES * PAGE:,}"
        raise errors.UnexpectedAnswer(
            say("{things} did not end after {count} objects; stopped there", things=collection, count=most)
        )

    def find_computer(self, *, instance_id: str = "", host_name: str = "") -> Computer | None:
        """The computer with this EC2 instance ID, else with this host name; None if the manager knows none.

        Of several (an instance that was activated again), the one with an active agent, else the one heard of last.
        """
        tests = []
        if instance_id:
            tests = [f"{summary}/instanceID" for summary in EXPAND[:2]]
        for field, value in [*((test, instance_id) for test in tests), ("hostName", host_name)]:
            if not value:
                continue
            criterion = {"fieldName": field, "stringTest": "equal", "stringValue": value, "stringWildcards": False}
            query = {"expand": EXPAND, "overrides": "false"}
            rows = [
                answers.computer(row) for row in self.search("computers", [criterion], many="computers", query=query)
            ]
            exact = [row for row in rows if value.lower() in (row.instance_id.lower(), row.host_name.lower())]
            if exact:
                return max(exact, key=lambda row: (row.agent_status == "active", row.agent_seen, row.id))
        return None

    def computer(self, computer_id: int) -> Computer:
        query = {"expand": EXPAND, "overrides": "false"}
        return answers.computer(_object(self.call("GET", f"/computers/{computer_id}", query=query)))

    def protection(self, found: Computer, need: tuple[str, ...] = ()) -> Protection:
        """Whether a computer is protected now, read anew; `need` are modules that must be on."""
        return answers.protection(self.computer(found.id), need)

    def rules_for_cve(self, cve: str) -> list[Rule]:
        """The intrusion prevention rules whose list of CVEs has exactly this one, by ID.

        The API only searches with wildcards, which also find CVEs that begin alike.
        """
        wanted = cve.strip().upper()
        criterion = {"fieldName": "CVE", "stringTest": "equal", "stringValue": f"%{wanted}%"}
        rows = self.search("intrusionpreventionrules", [criterion], many="intrusionPreventionRules")
        return [rule for rule in map(answers.rule, rows) if wanted in rule.cves]

    def rule(self, rule_id: int) -> Rule:
        return answers.rule(_object(self.call("GET", f"/intrusionpreventionrules/{rule_id}")))

    def application_type(self, type_id: int) -> Mapping[str, Any]:
        return _object(self.call("GET", f"/applicationtypes/{type_id}"))

    def policy_named(self, name: str) -> Mapping[str, Any] | None:
        """The policy of that name, in any case; None if there is none."""
        criterion = {"fieldName": "name", "stringTest": "equal", "stringValue": name, "stringWildcards": False}
        rows = self.search("policies", [criterion], many="policies", query={"overrides": "false"})
        return next((row for row in rows if str(row.get("name", "")).lower() == name.lower()), None)

    # ---- rules on policies and computers

    def assignments(self, holder: Holder, module: str = "intrusionPrevention", *, own: bool = False) -> Assignments:
        """The rules in force; with `own`, only those that are assigned right there and not inherited."""
        query = {"overrides": "true" if own else "false"}
        return answers.assignments(self.call("GET", _assigned(holder, module), query=query))

    def assign(self, holder: Holder, rules: Iterable[int], module: str = "intrusionPrevention") -> Change | None:
        """Adds rules to those that are assigned; None if all of them are in force already."""
        before = self.assignments(holder, module)
        missing = sorted(set(rules) - before.assigned)
        if not missing:
            return None
        own = self.assignments(holder, module, own=True).assigned
        self.call("POST", _assigned(holder, module), body={"ruleIDs": missing})
        after = self.assignments(holder, module, own=True)
        left = sorted(set(missing) - after.assigned)
        if left:
            raise errors.NotVerified(
                say(
                    "the manager did not assign rules {rules} to {holder} and did not say why",
                    rules=left,
                    holder=holder.path,
                )
            )
        return self._changed(_assigned(holder, module), sorted(own), sorted(after.assigned))

    def unassign(self, holder: Holder, rules: Iterable[int], module: str = "intrusionPrevention") -> Change | None:
        """Takes rules away that are assigned right there; None if none of them is."""
        own = self.assignments(holder, module, own=True).assigned
        present = sorted(set(rules) & own)
        if not present:
            return None
        for rule_id in present:
            self.call("DELETE", f"{_assigned(holder, module)}/{rule_id}")
        return self._changed(
            _assigned(holder, module), sorted(own), sorted(self.assignments(holder, module, own=True).assigned)
        )

    def set_assigned(self, holder: Holder, rules: Iterable[int], module: str = "intrusionPrevention") -> Change:
        """Assigns these rules and no others: with a Change's `before`, undoes it."""
        own = self.assignments(holder, module, own=True).assigned
        wanted = sorted(set(rules))
        self.call("PUT", _assigned(holder, module), body={"ruleIDs": wanted})
        after = self.assignments(holder, module, own=True).assigned
        if not after.issuperset(wanted):
            left = sorted(set(wanted) - after)
            raise errors.NotVerified(
                say("the manager did not assign rules {rules} to {holder}", rules=left, holder=holder.path)
            )
        return self._changed(_assigned(holder, module), sorted(own), sorted(after))

    def apply_recommendations(
        self, holder: Holder, modules: Iterable[str] = RULE_MODULES, *, unassign: bool = True
    ) -> list[Change]:
        """Assigns what the newest scan recommends, and takes off what it does not need and is assigned right there."""
        changes = []
        for module in modules:
            found = self.assignments(holder, module)
            changes.append(self.assign(holder, found.to_assign, module))
            if unassign:
                changes.append(self.unassign(holder, found.to_unassign, module))
        return [change for change in changes if change is not None]

    def modify(self, holder: Holder, values: Mapping[str, Any]) -> Change:
        """Changes fields of a policy or computer: {"intrusionPrevention": {"state": "detect"}}."""
        before = self.own_values(holder, values)
        self.call("POST", holder.path, body=values, query={"overrides": "true"})
        return self._changed(holder.path, before, self.own_values(holder, values))

    def own_values(self, holder: Holder, like: Mapping[str, Any]) -> dict[str, Any]:
        """Of a policy's or computer's own values, those that `like` names; None where it has none of its own."""
        found = _object(self.call("GET", holder.path, query={"overrides": "true"}))
        return {name: _part(found, name, value) for name, value in like.items()}

    def set_setting(self, holder: Holder, name: str, value: str) -> Change:
        """Sets one setting, such as `intrusionPreventionSettingAutoApplyRecommendationsEnabled` to `Yes`."""
        before = self.own_setting(holder, name)
        self.call("POST", f"{holder.path}/settings/{name}", body={"value": value})
        return self._set(holder, name, before)

    def reset_setting(self, holder: Holder, name: str) -> Change:
        """Has a setting be inherited again."""
        before = self.own_setting(holder, name)
        self.call("DELETE", f"{holder.path}/settings/{name}")
        return self._set(holder, name, before)

    def own_setting(self, holder: Holder, name: str) -> str:
        """The value that is set right there, "" for one that is inherited."""
        answer = self.call("GET", f"{holder.path}/settings/{name}", query={"overrides": "true"})
        return str((answer or {}).get("value") or "") if isinstance(answer, Mapping | None) else ""

    def _set(self, holder: Holder, name: str, before: str) -> Change:
        after = self.own_setting(holder, name)
        return self._changed(f"{holder.path}/settings/{name}", {"value": before}, {"value": after})

    def _changed(self, what: str, before: Any, after: Any) -> Change:
        change = Change(what, before, after)
        if self._record is not None:
            self._record(change)
        return change

    # ---- what only our manager offers

    def coverage(self) -> Iterator[Mapping[str, Any]]:
        """What protects each computer, with every gap and its reason, by ID."""
        self._only_ours("prove coverage")
        last = 0
        while rows := _list(self.call("GET", "/sakimori/coverage", query={"after": last, "limit": 1_000}), "computers"):
            yield from rows
            last = int(rows[-1]["computerID"])

    def isolate(self, computer_id: int, *, isolated: bool = True) -> Change:
        """Cuts a computer off from everything but the manager, or lets it back."""
        self._only_ours("isolate computers")
        before = self.computer(computer_id)
        was = "Isolated" in before.agent_messages
        word = "isolate" if isolated else "release"
        self.call("POST", f"/sakimori/computers/{computer_id}/{word}")
        path = f"/sakimori/computers/{computer_id}/isolate"
        return self._changed(path, {"isolated": was}, {"isolated": isolated})

    def _only_ours(self, what: str) -> None:
        if not self.is_ours:
            raise errors.NotSupported(
                f"the manager at {self.transport.base} cannot {what} through this API: do it in its console"
            )


def _assigned(holder: Holder, module: str) -> str:
    return f"{holder.path}/{module.lower()}/assignments"


def _list(answer: Any, many: str) -> list[Mapping[str, Any]]:
    rows = answer.get(many) if isinstance(answer, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise errors.UnexpectedAnswer(say("the manager answered a search without a list of {things}", things=many))
    return rows


def _object(answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise errors.UnexpectedAnswer(say("the manager answered with something else than an object"))
    return answer


def _part(body: Mapping[str, Any], name: str, sent: Any) -> Any:
    """Of a field, only what was sent: of a module's values, those that were changed."""
    value = body.get(name)
    if isinstance(sent, Mapping):
        return {key: value.get(key) if isinstance(value, Mapping) else None for key in sent}
    return value
