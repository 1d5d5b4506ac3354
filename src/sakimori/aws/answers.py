"""Answers of any operation: all its pages, as plain JSON values."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore import xform_name

_TOKENS = ("NextToken", "nextToken", "NextMarker")
"""Members that page an operation for which botocore has no paginator, spelt alike in the question and the answer; IAM's
Marker means a further page where IsTruncated says so."""


def answer_pages(
    client: Any, operation: str, parameters: Mapping[str, Any], page_size: int
) -> Iterator[dict[str, Any]]:
    """Every page. `page_size` 0 is the service's own. Raises botocore's errors."""
    method = _method(operation)
    if client.can_paginate(method):
        paging = {"PageSize": page_size} if page_size else {}
        for page in client.get_paginator(method).paginate(**parameters, PaginationConfig=paging):
            yield _plain_answer(page)
        return
    call = getattr(client, method)
    given = dict(parameters)
    while True:
        answer = call(**given)
        yield _plain_answer(answer)
        tokens = (*_TOKENS, "Marker") if answer.get("IsTruncated") is True else _TOKENS
        token = next((name for name in tokens if answer.get(name)), None)
        if token is None or answer[token] == given.get(token) or not _takes(client, operation, token):
            return
        given[token] = answer[token]


@cache
def _method(operation: str) -> str:
    return str(xform_name(operation))


def _takes(client: Any, operation: str, parameter: str) -> bool:
    shape = client.meta.service_model.operation_model(operation).input_shape
    return shape is not None and parameter in shape.members


def _plain_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {key: plain(value) for key, value in answer.items() if key != "ResponseMetadata"}


def plain(value: Any) -> Any:
    """The value as JSON has it: times in ISO 8601, bytes and streams in base64."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if hasattr(value, "read"):
        return plain(value.read())
    return value
