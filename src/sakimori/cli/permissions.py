"""The least-privilege policies that Sakimori needs, put together from what each module declares beside its calls.

They are several documents, because a managed policy holds only so much: all of them together are what is needed.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sakimori.discover.services import broken, plugins

__all__ = ["broken", "declared_actions", "policies"]

ROOMS = ("sakimori.aws", "sakimori.collect", "sakimori.discover")
"""The rooms whose modules call AWS; such a module declares `IAM_ACTIONS`, or is a service file of discovery."""

MANAGED_POLICY = 6_144
"""Characters that a managed policy holds, white space not counted (IAM User Guide, "IAM and AWS STS quotas")."""

TRAIL_BUCKET = "YOUR-TRAIL-BUCKET"
QUEUE = "YOUR-QUEUE"


def declared_actions() -> dict[str, set[str]]:
    """Every IAM action that a module declares -> the modules that need it."""
    actions: dict[str, set[str]] = defaultdict(set)
    for name in _modules():
        module = importlib.import_module(name)
        service = getattr(module, "SERVICE", None)
        declared = service.actions() if service else getattr(module, "IAM_ACTIONS", ())
        for action in declared:
            actions[action].add(name)
    for plugin, service in plugins().items():
        for action in service.actions():
            actions[action].add(f"sakimori.discover.services.{plugin}")
    return dict(actions)


def _modules() -> Iterator[str]:
    for room in ROOMS:
        package = importlib.import_module(room)
        yield room
        yield from (found.name for found in pkgutil.walk_packages(package.__path__, f"{room}."))


def policies(bucket: str = TRAIL_BUCKET, queue: str = QUEUE) -> list[dict[str, Any]]:
    """The IAM policy documents, each short enough for a managed policy, in a stable order: what reads the logs first.

    What discovery alone needs (it looks at everything) is for all resources.
    """
    by_resource: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for action, modules in sorted(declared_actions().items()):
        everywhere = all(name.startswith("sakimori.discover") for name in modules)
        by_resource[("*",) if everywhere else _resources(action, bucket, queue)].append(action)
    named = sorted(by_resource.items(), key=lambda each: each[0] == ("*",))
    documents: list[dict[str, Any]] = [_document([])]
    for resources, actions in named:
        for action in actions:
            if not _taken(documents[-1], action, resources):
                documents.append(_document([_statement([action], resources)]))
    return documents


def length(document: dict[str, Any]) -> int:
    """The characters that count against a policy's limit: all but white space."""
    return len("".join(json.dumps(document).split()))


def _taken(document: dict[str, Any], action: str, resources: tuple[str, ...]) -> bool:
    """Puts the action into the document's last statement, or into a new one for other resources, if it has room."""
    statements = document["Statement"]
    if statements and statements[-1]["Resource"] == list(resources):
        longer = [*statements[:-1], _statement([*statements[-1]["Action"], action], resources)]
    else:
        longer = [*statements, _statement([action], resources)]
    if length(_document(longer)) > MANAGED_POLICY:
        return False
    document["Statement"] = longer
    return True


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(actions: list[str], resources: tuple[str, ...]) -> dict[str, Any]:
    return {"Sid": _sid(actions), "Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _resources(action: str, bucket: str, queue: str) -> tuple[str, ...]:
    """Where the action is needed (AWS Service Authorization Reference: which actions take which resources)."""
    service, _, operation = action.partition(":")
    if service == "s3":
        return (f"arn:aws:s3:::{bucket}/*",) if "Object" in operation else (f"arn:aws:s3:::{bucket}",)
    if service == "sqs":
        return (f"arn:aws:sqs:*:*:{queue}",)
    return ("*",)


def _sid(actions: list[str]) -> str:
    """`s3:ListBucket` and others: `S3ListBucket` and so on; a statement id takes letters and digits only."""
    service, _, operation = actions[0].partition(":")
    return f"{service.replace('-', '').capitalize()}{operation}" + ("AndMore" if len(actions) > 1 else "")
