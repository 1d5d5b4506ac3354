"""The manager: what one process of it holds while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine

from sakimori.protect import keys, seed, storage
from sakimori.protect.agent_states import Beats
from sakimori.protect.agents_api import Agents
from sakimori.protect.builtin import Catalogue as BuiltIn
from sakimori.protect.engine import LEASE_MS
from sakimori.protect.engine import Engine as TaskEngine
from sakimori.protect.keys import Keys
from sakimori.protect.limits import Limits, Meter
from sakimori.protect.outcomes import Catalogue
from sakimori.protect.performers import PERFORMERS, READERS
from sakimori.protect.policies import Policies
from sakimori.protect.resources import all_resources
from sakimori.protect.search import Query
from sakimori.protect.tasks import Tasks
from sakimori.protect.usage import Usage
from sakimori.protect.work import Performer, Reader
from sakimori.store.database import reading, writing

HEARTBEAT_SECONDS = 60


def _shipped() -> BuiltIn:
    from sakimori.protect.catalogue import api, reading

    return api.as_api(reading.load())


@dataclass(frozen=True, slots=True)
class Options:
    """What a manager can be set to; `built_in` are the rules that every tenant gets."""

    limits: Limits = field(default_factory=Limits)
    heartbeat_seconds: int = HEARTBEAT_SECONDS
    lease_ms: int = LEASE_MS
    built_in: BuiltIn = field(default_factory=_shipped)
    performers: Mapping[str, Performer] = field(default_factory=lambda: PERFORMERS)
    readers: Mapping[str, Reader] = field(default_factory=lambda: READERS)


class Manager:
    """Everything that calls share. `start` it to have tasks run; `close` it at the end."""

    def __init__(self, engine: Engine, options: Options | None = None) -> None:
        options = options or Options()
        self.engine = engine
        self.limits = options.limits
        self.heartbeat_seconds = options.heartbeat_seconds
        self.built_in = options.built_in
        self.keys = Keys(engine)
        self.agents = Agents(engine)
        self.policies = Policies()
        self.catalogue = Catalogue()
        self.beats = Beats()
        self.usage = Usage()
        self.meter = Meter()
        self._guids: dict[int, str] = {}
        self.tasks = Tasks()
        self.task_engine = TaskEngine(self, options.performers, options.readers, lease_ms=options.lease_ms)

    def prepare(self) -> str | None:
        """Fills the primary tenant, and brings every tenant's rules up to date.

        Returns the first key, with full access, if there is none yet: it is shown this once.
        """
        self.prepare_tenant()
        with reading(self.engine) as connection:
            tenants = storage.all_ids(connection, seed.PRIMARY, "tenants")
            has_key = bool(storage.all_ids(connection, seed.PRIMARY, "apikeys"))
        for tenant in tenants:
            with writing(self.engine) as connection:
                seed.seed(connection, tenant, self.built_in)
        return None if has_key else self.new_key("first key", seed.FULL_ACCESS)

    def prepare_tenant(self) -> None:
        """Fills the primary tenant alone."""
        with writing(self.engine) as connection:
            seed.seed(connection, seed.PRIMARY, self.built_in)

    def key_list(self, tenant: int = seed.PRIMARY) -> list[tuple[int, storage.Body]]:
        """A tenant's keys, by ID."""
        with reading(self.engine) as connection:
            return storage.find(connection, tenant, keys.resource(), Query())

    def revoke_key(self, id: int, tenant: int = seed.PRIMARY) -> None:
        """Removes a key. Raises ProtectError."""
        with writing(self.engine) as connection:
            storage.remove(connection, tenant, keys.resource(), id)
        self.keys.forget()

    def new_key(self, name: str, role: int, tenant: int = seed.PRIMARY) -> str:
        """Makes a key. Raises ProtectError."""
        with writing(self.engine) as connection:
            storage.get(connection, tenant, all_resources()["roles"], role)
            return keys.create(connection, tenant, {"keyName": name, "roleID": role, "active": True})[1]

    def guid(self, tenant: int) -> str:
        """A tenant's GUID, which never changes."""
        if tenant not in self._guids:
            with reading(self.engine) as connection:
                self._guids[tenant] = seed.tenant_guid(connection, tenant)
        return self._guids[tenant]

    def start(self) -> None:
        self.task_engine.start()

    def close(self) -> None:
        self.task_engine.stop()
        self.usage.flush(self.engine)
