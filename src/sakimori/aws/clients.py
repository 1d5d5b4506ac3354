"""Clients for many accounts: one for each service and region, for all accounts and threads, the latest used kept.

A client costs tens of milliseconds and a megabyte or more; who it signs for is decided anew at each call, by the
account that the calling thread has named. Our own retries see every attempt: throttling slows the account's pace for
that service and region down, and what may pass is tried again after a pause with jitter (Brooker, "Exponential Backoff
And Jitter", AWS Architecture Blog).
"""

from __future__ import annotations

import os
import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.exceptions import EndpointConnectionError, HTTPClientError, NoCredentialsError

from sakimori.aws.answers import answer_pages
from sakimori.aws.errors import THROTTLES, asking
from sakimori.aws.pace import Pace, Paces

CONNECTIONS = 32
"""Open connections that a client keeps: more than there are threads that call."""

MOST_CLIENTS = 128
"""Clients that are kept: more than two regions need, so that what is asked region by region makes each once."""

THROTTLED_ATTEMPTS, ATTEMPTS = 12, 4
"""How often a call is tried: while AWS says slow down, and while AWS or the network fails."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 20.0

Keys = Callable[[], ReadOnlyCredentials]
"""Gives an account's credentials as they are now; raises AwsError or botocore's errors if there are none."""


class _Here(threading.local):
    """What the calling thread is about."""

    account = ""
    keys: Keys | None = None


class _SignForAccount(Credentials):  # type: ignore[misc]  # botocore ships no types
    """Credentials that are those of the account which the calling thread has named."""

    def __init__(self, here: _Here) -> None:
        super().__init__("unused", "unused")
        self._here = here

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        if self._here.keys is None:
            raise NoCredentialsError
        return self._here.keys()


@dataclass(frozen=True, slots=True)
class _Signer:
    """Botocore's component that gives a session its credentials."""

    credentials: _SignForAccount

    def load_credentials(self) -> _SignForAccount:
        return self.credentials


class Clients:
    """The clients of a run. Close it, or use it in a `with`."""

    def __init__(self, profile: str | None = None) -> None:
        with asking("sts:GetCallerIdentity", profile or "the default profile"):
            self.session = botocore.session.Session(profile=profile)
            self.base = self.session.get_credentials()
            self._session = botocore.session.Session(profile=profile)
            self.region: str = self.session.get_config_variable("region") or "us-east-1"
        self.calls = 0
        self._here = _Here()
        self._stopped = threading.Event()
        self._paces = Paces(self._stopped.wait)
        self._clients: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=CONNECTIONS,
            user_agent_extra="sakimori",
        )
        self._session.register_component("credential_provider", _Signer(_SignForAccount(self._here)))

    def base_keys(self) -> ReadOnlyCredentials:
        """The credentials that we were given ourselves."""
        if self.base is None:
            raise NoCredentialsError
        return self.base.get_frozen_credentials()

    def pages(
        self,
        service: str,
        region: str,
        account: str,
        keys: Keys,
        operation: str,
        action: str,
        parameters: Mapping[str, Any],
        *,
        page_size: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """An operation's answers as plain JSON values, a page at a time. Raises AwsError, which names `action`."""
        texts = [value for value in parameters.values() if isinstance(value, str)]
        where = " ".join([f"account {account or 'unknown'}, {region}", *texts])
        with asking(action, where):
            client = self._client(service, region)
        pages = answer_pages(client, operation, parameters, page_size)
        while True:
            with self._speaking_for(account, keys), asking(action, where):
                page = next(pages, None)
            if page is None:
                return
            yield page

    @contextmanager
    def _speaking_for(self, account: str, keys: Keys) -> Iterator[None]:
        """Keys may be fetched by a call of their own (an assumed role) in the middle of a call: that one puts back."""
        before = self._here.account, self._here.keys
        self._here.account, self._here.keys = account, keys
        try:
            yield
        finally:
            self._here.account, self._here.keys = before

    def offered(self, service: str, region: str, partition: str) -> bool:
        """Whether botocore knows of the service in that region. A new region may not be known yet."""
        return region in self.session.get_available_regions(service, partition)

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                client = self._session.create_client(service, region_name=region, config=self._config)
                client.meta.events.register_first("request-created", _to_named_endpoint)
                client.meta.events.register("before-send", self._before_send(service, region))
                client.meta.events.register("needs-retry", self._needs_retry(service, region))
                self._clients[service, region] = client
            self._clients.move_to_end((service, region))
            if len(self._clients) > MOST_CLIENTS:
                self._clients.popitem(last=False)[1].close()  # a call that is under way opens a connection anew
            return self._clients[service, region]

    def _pace(self, service: str, region: str) -> Pace:
        return self._paces.of(self._here.account, service, region)

    def _before_send(self, service: str, region: str) -> Callable[..., None]:
        def wait(**_: Any) -> None:
            self._pace(service, region).wait()
            if self._stopped.is_set():
                raise EndpointConnectionError(endpoint_url="nowhere: stopped")
            with self._lock:
                self.calls += 1

        return wait

    def _needs_retry(self, service: str, region: str) -> Callable[..., float | None]:
        def again(response: Any, attempts: int, caught_exception: Exception | None, **_: Any) -> float | None:
            """Botocore asks for the seconds to wait, or None for no retry. It is told 0 after we have waited ourselves:
            our waiting ends when all is stopped."""
            pace = self._pace(service, region)
            if self._stopped.is_set() or not _may_pass(pace, response, attempts, caught_exception):
                return None
            self._stopped.wait(_jitter(attempts))
            return 0

        return again

    def stop(self) -> None:
        """No call goes out any more: those that wait fail with botocore's EndpointConnectionError."""
        self._stopped.set()

    def close(self) -> None:
        """Gives the connections back."""
        for client in self._clients.values():
            client.close()

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _may_pass(pace: Pace, response: Any, attempts: int, error: Exception | None) -> bool:
    """Whether to try again; tells the pace what came of this try."""
    if error is not None:
        passing = isinstance(error, (BotoConnectionError, HTTPClientError))
        return passing and not isinstance(error, EndpointConnectionError) and attempts < ATTEMPTS
    http, parsed = response
    if http.status_code < 300:
        pace.answered()
        return False
    code = str(parsed.get("Error", {}).get("Code", ""))
    if code in THROTTLES or http.status_code == 429:
        pace.refused()
        return attempts < THROTTLED_ATTEMPTS
    return http.status_code >= 500 and attempts < ATTEMPTS


def _jitter(attempts: int) -> float:
    """Full jitter over a doubling pause."""
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempts))  # noqa: S311 - no secret


def _to_named_endpoint(request: Any, **_: Any) -> None:
    """S3 Control puts the account in front of the host's name, which a host named by its number cannot bear."""
    named = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    asked = urlsplit(request.url)
    if named.hostname and named.netloc != asked.netloc and asked.netloc.endswith(f".{named.netloc}"):
        with suppress(ValueError):
            ip_address(named.hostname)
            request.url = asked._replace(netloc=named.netloc).geturl()
