"""A manager within the test's own process, called over HTTP without a network; keys are cheap to check here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from sakimori.protect import rights, secrets
from sakimori.protect.app import application
from sakimori.protect.limits import Limits
from sakimori.protect.manager import Manager, Options
from sakimori.store.database import connect

NO_LIMITS = Limits(key=0, tenant=0, node=0, sign_ins=0)

SMALL = {
    "applicationtypes": {1: {"name": "Web Server", "direction": "incoming", "protocol": "tcp"}},
    "intrusionpreventionrules": {
        1: {"name": "First", "applicationTypeID": 1, "CVE": ["CVE-2021-44228"], "recommendationsMode": "enabled"},
        2: {"name": "Second", "applicationTypeID": 1, "dependsOnRuleIDs": [1], "recommendationsMode": "enabled"},
        3: {"name": "Third", "recommendationsMode": "enabled"},
    },
    "integritymonitoringrules": {1: {"name": "Watch", "recommendationsMode": "enabled"}},
    "loginspectionrules": {1: {"name": "Read", "recommendationsMode": "enabled"}},
    "firewallrules": {1: {"name": "Pass"}},
}
"""A catalogue that is made at once."""


class Api:
    """Calls the API with one key; `post("/computers", {...})` gives the answer's JSON and fails on errors."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.key = key

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"api-secret-key": self.key, "api-version": "v1", **more.pop("headers", {})}
        answer: httpx.Response = self.client.request(method, f"/api{path}", json=body, headers=headers, **more)
        return answer

    def get(self, path: str, **more: Any) -> Any:
        return self._good(self.send("GET", path, **more))

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self._good(self.send("POST", path, body, **more))

    def put(self, path: str, body: Any = None, **more: Any) -> Any:
        return self._good(self.send("PUT", path, body, **more))

    def delete(self, path: str, **more: Any) -> Any:
        return self._good(self.send("DELETE", path, **more))

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """(status, message) of an error."""
        answer = self.send(method, path, body, **more)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["message"]

    def _good(self, answer: httpx.Response) -> Any:
        assert answer.status_code in (200, 204), f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


class Running:
    """A manager with its client. `api` has the first key."""

    def __init__(self, manager: Manager, client: TestClient, key: str) -> None:
        self.manager = manager
        self.client = client
        self.api = Api(client, key)
        self._serial = itertools.count(1)

    def as_role(self, given: Mapping[str, Any] | frozenset[str]) -> Api:
        """With a key whose role gives these rights, or has these values."""
        values = {"rights": rights.tree(given.__contains__)} if isinstance(given, frozenset) else dict(given)
        role = self.api.post("/roles", {"name": f"role {next(self._serial)}", **values})
        return self.as_key(role["ID"])

    def as_key(self, role: int) -> Api:
        key = self.api.post("/apikeys", {"keyName": f"key {next(self._serial)}", "roleID": role})
        return Api(self.client, key["secretKey"])

    def as_tenant(self, name: str) -> tuple[int, Api]:
        tenant = self.api.post("/tenants", {"name": name})["ID"]
        key = self.api.post(f"/tenants/{tenant}/apikeys", {"keyName": "theirs", "roleID": 1})
        return tenant, Api(self.client, key["secretKey"])


@contextmanager
def running(place: str | Path, *, started: bool = False, key: str | None = None, **options: Any) -> Iterator[Running]:
    """`started` if tasks are to run; `key` is that of a place that has one already."""
    patch = pytest.MonkeyPatch()
    patch.setitem(secrets._COSTS, secrets.KEY, {"n": 2, "r": 1, "p": 1, "maxmem": 1 << 20})
    engine = connect(place)
    manager = Manager(engine, Options(**{"limits": NO_LIMITS, "built_in": SMALL, **options}))
    key = manager.prepare() or key
    assert key is not None
    client = TestClient(application(manager), raise_server_exceptions=False)
    try:
        if started:
            with client:
                yield Running(manager, client, key)
        else:
            yield Running(manager, client, key)
    finally:
        client.close()
        engine.dispose()
        patch.undo()
