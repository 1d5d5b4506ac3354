"""A simulated AWS on a free loopback port: moto's server, with our answers in front of it for what moto lacks.

moto comes with the development dependencies (and `make demo`), never with the product. Real boto3 talks to it.
"""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

from sakimori.simulate.lacking import answer_for
from sakimori.simulate.recognise import Operation, operation_of, serialised

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.serving import BaseWSGIServer

REGION = "us-east-1"
ACCOUNT = "123456789012"
"""The account that moto answers for when no role is assumed."""

MAX_CALL_BODY = 10 << 20

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_CLEARED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it arrives: the operation's name, its body, and the request's headers by lower-case name. `raw_path` is
    the path before its escapes were undone: a slash within a name is not one between names."""

    service: str
    operation: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    version: str = ""
    raw_path: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers in the service's own protocol (JSON or XML)."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/x-amz-json-1.1"})


Handler = Callable[[Call], Answer | None]
"""Answers a call, or gives None to pass it through to moto."""

Watcher = Callable[[Call, Operation | None], Answer | None]
"""Sees every call, and answers it or gives None."""


def told(operation: Operation, result: Mapping[str, Any]) -> Answer:
    """`result` in the operation's own protocol."""
    status, headers, body = serialised(operation, result)
    return Answer(body, status, headers)


def refused(operation: Operation, code: str, message: str = "simulated", status: int = 400) -> Answer:
    """An error in the operation's own protocol."""
    from moto.core.exceptions import ServiceException

    class Refusal(ServiceException):
        pass

    Refusal.code = code
    with warnings.catch_warnings(action="ignore"):  # most services' models leave AccessDenied and the like unsaid
        _, headers, body = serialised(operation, Refusal(message))
    return Answer(body, status, headers)


@dataclass(slots=True)
class SimulatedAws:
    """A running simulation. `handlers` maps `service:Operation` (`sqs:ReceiveMessage`) or, for services that speak
    REST, `service:METHOD` (`s3:GET`) to what answers it; tests add to it, `reset` empties it. `watcher` sees every call
    with the operation that it is (None: not known) before the handlers do, and may answer it."""

    url: str
    handlers: dict[str, Handler] = field(default_factory=dict)
    watchers: list[Watcher] = field(default_factory=list)

    def client(self, service: str, region: str = REGION) -> Any:
        """A plain boto3 client for setting things up."""
        import boto3

        return boto3.client(service, region_name=region, endpoint_url=self.url)

    def reset(self) -> None:
        """Back to an empty account."""
        self.handlers.clear()
        self.watchers.clear()
        request = Request(f"{self.url}/moto-api/reset", method="POST")  # noqa: S310 - our own loopback address
        with urlopen(request, timeout=30):  # noqa: S310
            pass


@contextmanager
def simulated_aws() -> Iterator[SimulatedAws]:
    """Starts the simulation in a thread, points boto3's environment at it, and stops and restores on the way out."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from sakimori.simulate.taught import teach

    teach()

    class Quiet(MotoRequestHandler):
        def log(self, *_: Any) -> None:
            """Requests are not logged: standard error belongs to the program that runs the simulation."""

    handlers: dict[str, Handler] = {}
    watchers: list[Watcher] = []
    application = _in_front(DomainDispatcherApplication(create_backend_app), handlers, watchers)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    wanted = {**_ENVIRONMENT, "AWS_ENDPOINT_URL": url, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
    with _serving(server), _environment(wanted):
        yield SimulatedAws(url, handlers, watchers)


@contextmanager
def _serving(server: BaseWSGIServer) -> Iterator[None]:
    """The server listens as soon as it is made, so the first call waits for the thread and needs no ready check."""
    thread = threading.Thread(target=server.serve_forever, name="simulated-aws", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in (*wanted, *_CLEARED)}
    for name in _CLEARED:
        os.environ.pop(name, None)
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _in_front(moto: WSGIApplication, handlers: dict[str, Handler], watchers: list[Watcher]) -> WSGIApplication:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = _answer(environ, handlers, watchers)
        if answer is None:
            return moto(environ, start_response)
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        start_response(f"{answer.status} Simulated", list(headers.items()))
        return [answer.body]

    return application


def _answer(
    environ: WSGIEnvironment,
    handlers: dict[str, Handler],
    watchers: list[Watcher],
) -> Answer | None:
    """Ours, where a watcher or a handler has one, or moto has none."""
    if environ.get("PATH_INFO", "").startswith("/moto-api"):
        return None
    call = _call(environ)
    operation = operation_of(call)
    for watcher in watchers:
        answer = watcher(call, operation)
        if answer is not None:
            return answer
    for name in (f"{call.service}:{call.operation}", str(operation), f"{call.service}:{call.method}"):
        if name in handlers:
            return handlers[name](call)
    ours = answer_for(str(operation), call.body) if operation else None
    return told(operation, ours) if operation and ours is not None else None


def _call(environ: WSGIEnvironment) -> Call:
    """The call behind a request. Its body, if small enough to be a call's, is read and put back for moto."""
    headers = {key[5:].lower().replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size) if size <= MAX_CALL_BODY else b""
    if size <= MAX_CALL_BODY:
        environ["wsgi.input"] = io.BytesIO(body)
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    form = parse_qs(body.decode("latin-1")) if "urlencoded" in environ.get("CONTENT_TYPE", "") else query
    operation = headers.get("x-amz-target", "").rpartition(".")[2] or form.get("Action", [""])[0]
    version = form.get("Version", [""])[0] if form is not query else ""
    scope = headers.get("authorization", "").partition("Credential=")[2].split(",")[0].split("/")
    service = scope[3] if len(scope) > 3 else ""
    path, method = environ.get("PATH_INFO", "/"), environ["REQUEST_METHOD"]
    raw_path = str(environ.get("RAW_URI", "")).partition("?")[0]
    return Call(service, operation, method, path, query, headers, body, version, raw_path)
