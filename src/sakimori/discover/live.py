"""The accounts themselves as a source: which of them and which regions to look at, and the answers to questions."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sakimori.aws.clients import Clients, Keys
from sakimori.aws.errors import AwsError, Unreachable
from sakimori.aws.organization import Account, AssumedRole, Caller, accounts, caller, enabled_regions
from sakimori.discover.declare import Place
from sakimori.discover.source import Answer, Question, without
from sakimori.model.asset import GLOBAL, NotEvaluated

PLANNERS = 8
"""Accounts that are signed in to at once."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two questions whether a report is ready."""

PREPARING_SECONDS = 120.0
"""How long a report may take to be made (IAM's credential report takes seconds, in large accounts a minute)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at. `accounts` are ids, ("all",) for the whole organisation, none for our own account alone;
    `regions` none for all that are enabled. `role` is assumed in every account but our own."""

    accounts: Sequence[str] = ()
    regions: Sequence[str] = ()
    role: str = ""
    external_id: str = ""


@dataclass(slots=True)
class Plan:
    """Where to look, as whom; the accounts that are not looked at (with why), and what could not be asked."""

    home: Caller
    places: list[Place] = field(default_factory=list)
    keys: dict[str, Keys] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)


def plan(clients: Clients, wanted: Wanted) -> Plan:
    """Signs in to every wanted account and asks for its regions. Raises AwsError if our own keys are no good, or the
    organisation cannot be listed; an account that cannot be reached is a NotEvaluated."""
    home = caller(clients)
    made = Plan(home)
    listed = _listed(clients, home, wanted.accounts)
    made.names = {account.id: account.name for account in listed if account.name}
    for account in listed:
        if account.status != "ACTIVE":
            made.left_out[account.id] = f"{account.status.lower().replace('_', ' ')}: nothing can be asked there"
    reachable = [account.id for account in listed if account.id not in made.left_out]
    with ThreadPoolExecutor(PLANNERS, "plan") as pool:
        try:
            for places, keys, missing in pool.map(lambda account: _places(clients, home, account, wanted), reachable):
                made.places += places
                made.keys.update({place.account: keys for place in places})
                made.not_evaluated += missing
        except KeyboardInterrupt:
            clients.stop()  # the pool waits for what is under way: that ends soon
            pool.shutdown(cancel_futures=True)
            raise
    return made


def _listed(clients: Clients, home: Caller, chosen: Sequence[str]) -> list[Account]:
    """The chosen accounts; Organizations is asked only where it is not known already."""
    if not chosen or list(chosen) == [home.account]:
        return [Account(home.account)]
    if "all" in chosen:
        return accounts(clients, home)
    try:
        known = {account.id: account for account in accounts(clients, home)}
    except AwsError:  # ids can be reached without the list: it would only have told names and who is suspended
        known = {}
    return [known.get(each, Account(each)) for each in chosen]


def _places(
    clients: Clients, home: Caller, account: str, wanted: Wanted
) -> tuple[list[Place], Keys, list[NotEvaluated]]:
    keys: Keys = clients.base_keys
    if account != home.account and not wanted.role:
        why = f"it is not our own ({home.account}): name the role that may be assumed there with --role"
        return [], keys, [NotEvaluated("sts:AssumeRole", account, GLOBAL, "", "NoRole", why)]
    if account != home.account:
        keys = AssumedRole(clients, home, account, wanted.role, wanted.external_id)
    try:
        keys()
    except AwsError as error:
        return [], keys, [_not_evaluated(error, account, GLOBAL)]
    globally = Place(account, GLOBAL, home.partition)
    missing: list[NotEvaluated] = []
    try:
        enabled = enabled_regions(clients, account, keys, clients.region)
    except AwsError as error:
        missing.append(_not_evaluated(error, account, GLOBAL))
        enabled = list(wanted.regions)
    chosen = [region for region in enabled if region in wanted.regions] if wanted.regions else enabled
    return [globally, *(Place(account, region, home.partition) for region in chosen)], keys, missing


def _not_evaluated(error: AwsError, account: str, region: str) -> NotEvaluated:
    return NotEvaluated(error.action, account, region, "", error.code, error.message)


@dataclass(slots=True)
class LiveSource:
    """Asks AWS."""

    clients: Clients
    keys: dict[str, Keys]

    def pages(self, question: Question) -> Iterator[Answer]:
        """See Source. A service that botocore does not know in a region, or is said to be sparse, and that has no host
        there, holds nothing."""
        if question.job:
            yield from self._job(question)
            return
        if question.prepare:
            self._prepare(question)
        try:
            for answer in self._ask(question, question.operation):
                yield without(answer, question.secrets)
                if question.first_page:
                    return
        except Unreachable as error:
            offered = self.clients.offered(question.client, self._region(question), question.place.partition)
            absent = not offered or (question.sparse and _is_unknown_name(error))
            if error.code != "EndpointConnectionError" or not absent:
                raise

    def stop(self) -> None:
        """See Source."""
        self.clients.stop()

    def _ask(
        self, question: Question, operation: str, action: str = "", parameters: Mapping[str, Any] | None = None
    ) -> Iterator[Answer]:
        return self.clients.pages(
            question.client,
            self._region(question),
            question.place.account,
            self.keys[question.place.account],
            operation,
            action or question.action,
            question.parameters if parameters is None else parameters,
            page_size=question.page_size,
        )

    def _region(self, question: Question) -> str:
        return question.region or question.place.home

    def _prepare(self, question: Question) -> None:
        """Has the report made, and waits until it is. Raises AwsError."""
        action = f"{question.action.partition(':')[0]}:{question.prepare}"
        deadline, pause = time.monotonic() + PREPARING_SECONDS, FIRST_PAUSE
        while time.monotonic() < deadline:
            answer = next(iter(self._ask(question, question.prepare, action)))
            if answer.get("State", "COMPLETE") == "COMPLETE":
                return
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AwsError(action, question.place.account, "NotReady", f"not made in {PREPARING_SECONDS:.0f} seconds")

    def _job(self, question: Question) -> Iterator[Answer]:
        """Has a job done, and tells what came of it. Raises AwsError."""
        action = f"{question.action.partition(':')[0]}:{question.prepare}"
        job = {"JobId": next(iter(self._ask(question, question.prepare, action)))["JobId"]}
        deadline, pause = time.monotonic() + PREPARING_SECONDS, FIRST_PAUSE
        while time.monotonic() < deadline:
            pages = self._ask(question, question.operation, parameters=job)
            first = next(pages)
            if first["JobStatus"] == "FAILED":
                error = first.get("Error") or {}
                raise AwsError(
                    question.action, question.place.account, error.get("Code", "Failed"), error.get("Message", "")
                )
            if first["JobStatus"] == "COMPLETED":
                yield first
                yield from pages
                return
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AwsError(action, question.place.account, "NotReady", f"not done in {PREPARING_SECONDS:.0f} seconds")


def _is_unknown_name(error: BaseException | None) -> bool:
    """Does nobody know the host's name? A resolver that is away, or a connection that is refused, does not say so."""
    while error is not None and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return error is not None and error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
