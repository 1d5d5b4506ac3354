"""Judges what a manager of Trend's shape was asked and answered, by the models of Trend Micro's own SDK.

Runs in the environment that `tools/trend-sdk.sh` makes, not in the project's: `judge.py EXCHANGES.json`, the list of
`trend_stub.Trend.exchanges`. Each body, of the question and of the answer, must be the same when the SDK has read it
into its model and written it again: so no name, type or value of an enumeration is in it that the vendor's do not have.
Says in JSON what is wrong, which operations were seen, and how many fields were compared.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import deepsecurity as sdk
from drive import Operation, all_operations

CLIENT = sdk.ApiClient(sdk.Configuration())


def operation_of(operations: list[Operation], verb: str, path: str) -> Operation | None:
    """The SDK's operation that makes such a call: of `/computers/search` and `/computers/{computerID}` the first."""
    fits = [
        each for each in operations if each.verb == verb and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each.path), path)
    ]
    return min(fits, key=lambda each: each.path.count("{"), default=None)


def fields(value: object) -> int:
    """How many fields a body has."""
    if isinstance(value, dict):
        return len(value) + sum(map(fields, value.values()))
    return sum(map(fields, value)) if isinstance(value, list) else 0


def judged(body: object, model: type | None) -> str:
    """What is wrong with a body that should be of a model; "" if nothing is."""
    if model is None:
        return f"there should be no body, and there is {body!r}"
    try:
        read = CLIENT.deserialize(SimpleNamespace(data=json.dumps(body)), model.__name__)
    except (ValueError, TypeError) as error:
        return f"{model.__name__}: {error}"
    again = CLIENT.sanitize_for_serialization(read)
    return "" if again == body else f"{model.__name__}: {json.dumps(body)} is {json.dumps(again)} to the SDK"


def wrong_with(operation: Operation, exchange: dict) -> list[str]:
    """What is wrong with an exchange."""
    found = []
    unknown = exchange["query"].keys() - set(operation.parameters)
    if unknown:
        found.append(f"no such parameter: {', '.join(sorted(unknown))}")
    if exchange["body"] is not None:
        found.append(judged(exchange["body"], operation.body_model))
    answer = json.loads(exchange["answer"]) if exchange["answer"] else None
    if exchange["status"] >= 400:
        if list(answer or {}) != ["message"]:
            found.append(f"{exchange['status']} without a message alone: {answer}")
    elif answer is not None:
        found.append(judged(answer, operation.returns))
    elif operation.returns is not None:
        found.append(f"no {operation.returns.__name__} is in the answer")
    return [each for each in found if each]


def main(place: str) -> None:
    operations, wrong, seen, compared = all_operations(), [], set(), 0
    for each in json.loads(Path(place).read_text()):
        where = f"{each['verb']} {each['path']}"
        operation = operation_of(operations, each["verb"], each["path"])
        if operation is None:
            wrong.append(f"{where}: no operation of the SDK")
            continue
        seen.add(operation.key)
        wrong += [f"{where}: {said}" for said in wrong_with(operation, each)]
        compared += fields(each["body"]) + fields(json.loads(each["answer"]) if each["answer"] else None)
    print(json.dumps({"wrong": sorted(set(wrong)), "operations": sorted(seen), "fields_compared": compared}))


if __name__ == "__main__":
    main(sys.argv[1])
