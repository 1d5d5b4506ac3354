"""Which operation a request is for, by botocore's own model of the service, and answers in that service's protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sakimori.simulate.aws import Call

CLIENTS = {
    "elasticloadbalancing": ("elbv2", "elb"),
    "s3": ("s3control", "s3"),
    "apigateway": ("apigatewayv2", "apigateway"),
    "es": ("opensearch",),
    "elasticfilesystem": ("efs",),
    "monitoring": ("cloudwatch",),
    "servicecatalog": ("servicecatalog",),
    "tagging": ("resourcegroupstaggingapi",),
    "airflow": ("mwaa",),
    "bedrock-agentcore": ("bedrock-agentcore-control", "bedrock-agentcore"),
    "elasticmapreduce": ("emr",),
    "states": ("stepfunctions",),
    "aoss": ("opensearchserverless",),
    "ses": ("sesv2", "ses"),
    "lex": ("lexv2-models",),
    "s3express": ("s3control", "s3"),
    "s3-outposts": ("s3outposts", "s3control"),
}
"""Names that requests are signed for -> boto3's names of the services that sign so. Others are called the same."""

_DIRECTORY = {("s3express", "ListBuckets"): "ListDirectoryBuckets"}
"""What is asked for alike, and differs only by what it is signed for."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a service, both as boto3 names them."""

    client: str
    name: str

    def __str__(self) -> str:
        return f"{self.client}:{self.name}"


@cache
def _model(client: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(client)


def operation_of(call: Call) -> Operation | None:
    """The operation that the request asks for, None if no model knows it."""
    for client in CLIENTS.get(call.service, (call.service,)):
        found = _in_model(client, call)
        if found:
            return Operation(client, _DIRECTORY.get((call.service, found), found))
    return None


def _in_model(client: str, call: Call) -> str:
    try:
        model = _model(client)
    except Exception:
        return ""
    if call.operation:
        version = call.version
        known = call.operation in model.operation_names and version in ("", model.api_version)
        return call.operation if known else ""
    query = {name: values[0] for name, values in call.query.items()}
    fitting = [
        rule for rule in _rules(client) if rule.fits(call.method, call.raw_path or call.path, query, call.headers)
    ]
    return max(fitting, key=lambda rule: rule.weight).operation if fitting else ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """An operation's place in a REST API. `weight` is how much of it is literal: the most literal one is meant."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    headers: frozenset[str]
    weight: tuple[int, int, int]

    def fits(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        return (
            method == self.method
            and self.path.fullmatch(path.rstrip("/") or "/") is not None
            and all(query.get(name) == value for name, value in self.query.items())
            and all(name in headers for name in self.headers)
        )


@cache
def _rules(client: str) -> tuple[_Rule, ...]:
    model = _model(client)
    return tuple(_rule(model.operation_model(name)) for name in model.operation_names)


def _rule(operation: Any) -> _Rule:
    path, _, query = operation.http.get("requestUri", "/").partition("?")
    parts = re.split(r"(\{[^}]+\})", path.rstrip("/") or "/")
    pattern = "".join(_part(part) for part in parts)
    wanted = dict((text.partition("=")[0], text.partition("=")[2]) for text in query.split("&") if text)
    literal = sum(len(part) for part in parts if not part.startswith("{"))
    shape = operation.input_shape
    headers = frozenset(
        member.serialization["name"].lower()
        for name, member in (shape.members.items() if shape else ())
        if name in shape.required_members and member.serialization.get("location") == "header"
    )
    weight = (len(wanted), literal, len(headers))
    return _Rule(operation.name, operation.http.get("method", "POST"), re.compile(pattern), wanted, headers, weight)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith("+}") else "[^/]+"


def serialised(operation: Operation, result: Mapping[str, Any] | Exception) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer that botocore parses into `result`, or into the error that it is."""
    from moto.core.serialize import get_serializer_class
    from moto.core.utils import get_service_model

    model = get_service_model(operation.client)
    protocol = model.resolved_protocol
    serializer = get_serializer_class(model.service_name, protocol)(model.operation_model(operation.name))
    answer = serializer.serialize(result if isinstance(result, Exception) else dict(result))
    body = answer["body"]
    headers = {str(name): str(value) for name, value in answer["headers"].items()}
    return int(answer["status_code"]), headers, body.encode() if isinstance(body, str) else bytes(body or b"")
