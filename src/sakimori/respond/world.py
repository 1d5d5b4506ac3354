"""The outside world as workflows and actions see it: AWS in the account and region of a target, and the protect
manager.

    world.aws("s3", target).get_public_access_block(Bucket=...)     # a plain boto3 call, guarded

Every call goes through the guard (budget, retries, breaker), and what AWS refuses leaves as an AwsError.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sakimori.aws.errors import AccessDenied, AwsError, asking
from sakimori.model.asset import Inventory
from sakimori.model.said import say
from sakimori.respond.errors import RespondError
from sakimori.respond.guard import Guard
from sakimori.respond.history import Writers, unknown
from sakimori.respond.runs import Run

Clients = Callable[[str, str, str], Any]
"""Gives a boto3 client for (service, account, region); "" stands for our own account, and for the default region."""


class NotAllowed(AccessDenied):
    """Whoever responds may not do this."""

    remedy = say(
        "allow this action on this resource for whoever responds; `sakimori respond permissions` prints the policy of "
        "all that workflows need"
    )


@contextmanager
def _asked(action: str, resource: str) -> Iterator[None]:
    """See asking; what is denied here is told with what responses need."""
    try:
        with asking(action, resource):
            yield
    except AccessDenied as error:
        raise NotAllowed(error.action, error.resource, error.code, error.message) from error


class World:
    """What may be called. `manager` is the client of the workload protection manager; None where there is none.

    `patience` is how long, in seconds, an effect is waited for before it counts as not proved. It is shorter than a
    run's lease. `inventory` gives the assets that discovery found, `done_by` the runs of a workflow that changed what
    still is. `home` is where tables are that users edit, `settings` what sakimori.toml says of workflows, `writers` who
    wrote to a bucket before.
    """

    def __init__(
        self,
        clients: Clients,
        guard: Guard | None = None,
        manager: Any = None,
        *,
        patience: float = 300.0,
        inventory: Callable[[], Inventory] = Inventory,
        done_by: Callable[[str], list[Run]] = lambda _: [],
        home: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        writers: Writers = unknown,
    ) -> None:
        self._clients = clients
        self.guard = guard or Guard()
        self._manager = manager
        self.patience = patience
        self.inventory = inventory
        self.done_by = done_by
        self.home = home
        self.settings = dict(settings or {})
        self.writers = writers

    def aws(self, service: str, account: str, region: str = "") -> Any:
        """A client whose calls are guarded."""
        return _Guarded(self._clients(service, account, region), service, account, self.guard)

    @property
    def manager(self) -> Any:
        """The workload protection manager. Raises RespondError where none is set up."""
        if self._manager is None:
            raise RespondError(
                say(
                    "no workload protection manager is set up: set SAKIMORI_PROTECT_URL and SAKIMORI_PROTECT_KEY, "
                    "or [protect.client] in sakimori.toml"
                )
            )
        return self._manager

    @property
    def has_manager(self) -> bool:
        """Whether a manager is set up."""
        return self._manager is not None


class _Guarded:
    """A boto3 client of which every call is guarded; pages come as one answer's list."""

    def __init__(self, client: Any, service: str, account: str, guard: Guard) -> None:
        self._client, self._service, self._account, self._guard = client, service, account, guard

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._client, operation)
        name = self._client.meta.method_to_api_mapping.get(operation, operation)

        def guarded(**parameters: Any) -> Any:
            where = next((value for value in parameters.values() if isinstance(value, str)), "")[:200]

            def ask() -> Any:
                with _asked(f"{self._service}:{name}", where or say("(all)")):
                    return call(**parameters)

            return self._guard.call(self._service, self._account, ask)

        return guarded

    def pages(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        """The members of `key` (`DistributionList.Items`) of all pages of an operation that boto3 can page."""
        found: list[Any] = []
        pages = iter(self._client.get_paginator(operation).paginate(**parameters))
        name = self._client.meta.method_to_api_mapping.get(operation, operation)

        def ask() -> Any:
            with _asked(f"{self._service}:{name}", say("(all)")):
                return next(pages, None)

        while (page := self._guard.call(self._service, self._account, ask)) is not None:
            for part in key.split("."):
                page = page.get(part) or {}
            found += page
        return found


class AccountClients:
    """boto3 clients, each made once: with our own credentials in our own account, with a role in the others.

    `role` is the name of the role that every other account has for us (such as `SakimoriResponder`).
    """

    def __init__(self, role: str = "", profile: str | None = None) -> None:
        self._role, self._profile = role, profile
        self._own = self._partition = ""
        self._made: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str, account: str, region: str) -> Any:
        with self._lock:
            key = (service, account, region)
            if key not in self._made:
                self._made[key] = self._make(service, account, region)
            return self._made[key]

    def _make(self, service: str, account: str, region: str) -> Any:
        from botocore.config import Config

        once = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=16,
            user_agent_extra="sakimori-respond",
        )
        with _asked(f"{service}:*", account or say("our own account")):
            session = self._session(account)
            return session.client(service, config=once, region_name=region or session.region_name or "us-east-1")

    def _session(self, account: str) -> Any:
        import boto3

        session = boto3.Session(profile_name=self._profile)
        if not account or account == self._own_account(session):
            return session
        if not self._role:
            raise RespondError(
                say(
                    "the account {account} is not ours ({own}), and no role is set to act there with: set "
                    "SAKIMORI_RESPOND_ROLE to the name of a role that it has for us",
                    account=account,
                    own=self._own,
                )
            )
        arn = f"arn:{self._partition}:iam::{account}:role/{self._role}"
        region = session.region_name or "us-east-1"
        with _asked("sts:AssumeRole", arn):
            answer = session.client("sts", region_name=region).assume_role(
                RoleArn=arn, RoleSessionName="sakimori-respond"
            )
        keys = answer["Credentials"]
        return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=region)

    def _own_account(self, session: Any) -> str:
        if not self._own:
            with _asked("sts:GetCallerIdentity", say("our own account")):
                client = session.client("sts", region_name=session.region_name or "us-east-1")
                caller = client.get_caller_identity()
                self._own, self._partition = str(caller["Account"]), str(caller["Arn"]).split(":")[1]
        return self._own


Trouble = (AwsError, RespondError)
"""What asking the world may raise."""
