"""How a client talks to a manager: verified TLS, the key in either header, retries with jitter, errors by kind."""

from __future__ import annotations

import email.utils
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import orjson

from sakimori.model.said import say
from sakimori.protect import client_errors as errors

LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
RETRIED = frozenset((429, 500, 502, 503, 504))
FIRST_WAIT = 0.25
LONGEST_WAIT = 20.0
MOST_TRIES = 12

KeyStyle = Literal["api-secret-key", "authorization"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Which manager, and how.

    `url` is `https://host:port`, with or without `/api`. `ca_file` is a PEM file of the CA to trust instead of the
    system's. `key_style` is the header of the key: `api-secret-key: K`, or `Authorization: ApiKey K`, which newer
    accounts of Trend's use; our manager takes both. `patience` is how long, in seconds, a call may be retried.
    """

    url: str
    key: str
    ca_file: str = ""
    key_style: KeyStyle = "api-secret-key"
    timeout: float = 30.0
    patience: float = 120.0
    allow_plain_http: bool = False

    def __repr__(self) -> str:
        return f"Settings(url={self.url!r}, key=<not shown>)"


class Transport:
    """Calls to one manager. Use it in a `with`, or close it."""

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.base = _base(settings)
        self.settings = settings
        self._sleep = sleep
        self._jitter = jitter
        self._http = httpx.Client(
            verify=trust(settings.ca_file),
            timeout=httpx.Timeout(settings.timeout, connect=min(10.0, settings.timeout)),
            follow_redirects=False,  # a redirect would take the key elsewhere
            headers={"api-version": "v1", "Accept": "application/json", **_key_header(settings)},
        )

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        repeatable: bool = True,
    ) -> Any:
        """The answer as JSON, None if it is empty. Raises a ManagerError.

        A call that is not `repeatable` (it makes something new) is sent again only if it cannot have arrived.
        """
        patience = _Patience(self.settings.patience, self._sleep, self._jitter)
        while True:
            try:
                answer = self._http.request(
                    method,
                    self.base + path,
                    params=query,
                    content=None if body is None else orjson.dumps(body),
                    headers={} if body is None else {"Content-Type": "application/json"},
                )
            except httpx.TransportError as error:
                if is_untrusted(error):
                    raise errors.Untrusted(untrusted(self.base, error)) from error
                arrived = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if (arrived and not repeatable) or not patience.pause():
                    raise errors.Unreachable(self._unreachable(error, arrived and not repeatable)) from error
                continue
            again = answer.status_code in RETRIED and (repeatable or answer.status_code in (429, 503))
            if again and patience.pause(_retry_after(answer)):
                continue
            return self._read(method, path, answer)

    def _read(self, method: str, path: str, answer: httpx.Response) -> Any:
        status = answer.status_code
        if 200 <= status < 300:
            if not answer.content.strip():
                return None
            try:
                return orjson.loads(answer.content)
            except orjson.JSONDecodeError:
                raise errors.UnexpectedAnswer(
                    say(
                        "{request} was answered with {kind} instead of JSON: check that the address is that of a "
                        "manager's API",
                        request=f"{method} {self.base}{path}",
                        kind=answer.headers.get("content-type") or say("something"),
                    )
                ) from None
        request = f"{method} {self.base}{path}"
        if 300 <= status < 400:
            raise errors.UnexpectedAnswer(
                say(
                    "{request} was sent on to {where}, which is not followed with a key: set the manager's own address",
                    request=request,
                    where=answer.headers.get("location", "")[:200] or say("elsewhere"),
                )
            )
        what = say("{request}: {message} (HTTP {status})", request=request, message=_message(answer), status=status)
        raise _ERRORS.get(status, errors.Unavailable if status >= 500 else errors.Refused)(_advised(what, status))

    def _unreachable(self, error: Exception, perhaps_done: bool) -> str:
        reason: str = str(error) or type(error).__name__
        if perhaps_done:
            reason = say("{reason}; it may or may not have done what was asked", reason=reason)
        return say(
            "the manager at {place} does not answer: {reason}. Nothing is known about protection",
            place=self.base,
            reason=reason,
        )


def untrusted(base: str, error: Exception) -> str:
    """What to say when a manager's certificate cannot be verified."""
    return say(
        "the certificate of the manager at {place} cannot be verified: {error}. Name the CA that signed it: "
        "SAKIMORI_PROTECT_CA, or ca_file in [protect.client]; verification is never switched off",
        place=base,
        error=error,
    )


class _Patience:
    """How long one call may be tried again: waits at random below a bound that doubles, until time or tries end."""

    def __init__(self, seconds: float, sleep: Callable[[float], None], jitter: Callable[[], float]) -> None:
        self._left, self._tries, self._bound = seconds, MOST_TRIES, FIRST_WAIT
        self._sleep, self._jitter = sleep, jitter

    def pause(self, asked: float = 0.0) -> bool:
        """Waits, at least the seconds that the manager asked for; False if there is no time or try left."""
        wait = asked + self._jitter() * self._bound
        self._left -= wait
        self._tries -= 1
        if self._left < 0 or self._tries < 0:
            return False
        self._bound = min(self._bound * 2, LONGEST_WAIT)
        self._sleep(wait)
        return True


_ERRORS: Mapping[int, type[errors.ManagerError]] = {
    401: errors.Unauthenticated,
    403: errors.NotPermitted,
    404: errors.NotFound,
    429: errors.RateLimited,
}
_ADVICE = {
    401: say("check the API key, and that it is of this manager"),
    403: say("give the API key's role this right"),
    429: say("make fewer calls, or have the key's limit raised"),
}


def _advised(what: str, status: int) -> str:
    return say("{what}; {advice}", what=what, advice=_ADVICE[status]) if status in _ADVICE else what


def _base(settings: Settings) -> str:
    parts = urlsplit(settings.url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise errors.Misconfigured(f"{settings.url!r} is not the address of a manager: write https://host:port")
    if parts.username or parts.password:
        raise errors.Misconfigured(
            "the address of the manager must hold no credentials: the key is a setting of its own"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not settings.allow_plain_http:
        raise errors.Misconfigured(
            f"http://{parts.hostname} would send the API key in the clear: use https, with SAKIMORI_PROTECT_CA or "
            "ca_file in [protect.client] if the certificate is of a CA of your own"
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith('/api') else path + '/api'}"


def _key_header(settings: Settings) -> dict[str, str]:
    key = settings.key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise errors.Misconfigured("the API key is empty or has characters that no key has")
    if settings.key_style == "authorization":
        return {"Authorization": f"ApiKey {key}"}
    return {"api-secret-key": key}


def trust(ca_file: str) -> ssl.SSLContext:
    """Verification against a CA file, "" for the system's CAs. Raises Misconfigured."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise errors.Misconfigured(f"the CA file {ca_file} cannot be used: {error}") from error


def is_untrusted(error: BaseException) -> bool:
    """Whether a failed verification is behind it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _retry_after(answer: httpx.Response) -> float:
    """The seconds that Retry-After asks for (a number or a date, RFC 9110), 0 if it does not."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _message(answer: httpx.Response) -> str:
    """The `message` of an error, else the beginning of what was sent; never more than a line."""
    try:
        found = orjson.loads(answer.content)
        said = found.get("message") if isinstance(found, dict) else None
    except orjson.JSONDecodeError:
        said = None
    text = said if isinstance(said, str) else answer.text
    return " ".join(text.split())[:300] or answer.reason_phrase or say("no reason given")
