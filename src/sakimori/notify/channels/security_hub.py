"""Security Hub: our findings go there with BatchImportFindings, and are archived there when they are resolved here.

Messages about runs are no findings, and findings that came from elsewhere are there already: neither is sent. At most
100 a call; what is not taken is told by finding, and tried again. A call that is refused as a whole, for what is in it,
is made again in halves, until the finding is known that it is refused for: the others get there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sakimori.aws.errors import AwsError, asking
from sakimori.aws.session import client
from sakimori.collect.told import is_of_another
from sakimori.model.finding import COMPLIANCE, Finding
from sakimori.model.said import say
from sakimori.model.severity import Severity
from sakimori.notify.asff import asff, product_arn
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message
from sakimori.notify.tickets import OVER

SETTINGS = {"region": False}
IAM_ACTIONS = ("securityhub:BatchImportFindings", "securityhub:GetFindings", "sts:GetCallerIdentity")
PEOPLE = False

MOST = 100
"""Findings a call ("BatchImportFindings", Security Hub API reference)."""

REFUSED_CODES = ("InvalidInputException", "InvalidInput", "ValidationException", "ParamValidationError", "413")
"""What a call is refused for by its content, and not by who makes it."""

PASSING_CODES = ("InternalException", "InternalError", "LimitExceeded", "LimitExceededException", "Throttling")


def send_many(messages: Sequence[Message], settings: Mapping[str, Any]) -> dict[str, Exception]:
    """Imports the findings that the messages are about; gives what was not taken."""
    by_region: dict[str, list[Message]] = {}
    for each in messages:
        if each.kind == "drill" or (each.subject is not None and not is_of_another(each.subject)):
            by_region.setdefault(_region(each, settings), []).append(each)
    troubles: dict[str, Exception] = {}
    for region, of_region in by_region.items():
        for at in range(0, len(of_region), MOST):
            troubles |= _taken(of_region[at : at + MOST], region)
    return troubles


def _taken(part: Sequence[Message], region: str) -> dict[str, Exception]:
    try:
        return _imported(part, region)
    except AwsError as error:
        half = len(part) // 2
        if half and error.code in REFUSED_CODES:
            return _taken(part[:half], region) | _taken(part[half:], region)
        return {each.key: error for each in part}


def answered(canary: Message, settings: Mapping[str, Any]) -> bool:
    """Whether Security Hub shows the canary: it takes some seconds."""
    account, hub = _hub(_region(canary, settings))
    arn = {"Value": product_arn(account, hub.meta.region_name), "Comparison": "EQUALS"}
    filters = {"Id": [{"Value": canary.key, "Comparison": "EQUALS"}], "ProductArn": [arn]}
    with asking("securityhub:GetFindings", canary.key):
        return bool(hub.get_findings(Filters=filters, MaxResults=1)["Findings"])


def retire(canary: Message, settings: Mapping[str, Any]) -> None:
    """Archives the canary."""
    later = replace(canary, at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    troubles = _imported([later], _region(canary, settings), retired=True)
    for error in troubles.values():
        raise error


def _region(message: Message, settings: Mapping[str, Any]) -> str:
    own = message.subject.region if message.subject else ""
    return str(settings.get("region") or (own if own != "global" else ""))


def _hub(region: str) -> tuple[str, Any]:
    with asking("sts:GetCallerIdentity", region or say("the default region")):
        account = str(client("sts", region=region or None).get_caller_identity()["Account"])
        return account, client("securityhub", region=region or None)


def _imported(messages: Sequence[Message], region: str, *, retired: bool = False) -> dict[str, Exception]:
    """One call. What is told of the same finding twice is told once, as it is now."""
    account, hub = _hub(region)
    latest = {each.about or each.key: each for each in messages}
    documents = [
        asff(
            each.subject or _canary(each, account),
            account,
            hub.meta.region_name,
            updated=each.at,
            resolved=retired or each.kind in OVER,
        )
        for each in latest.values()
    ]
    with asking("securityhub:BatchImportFindings", f"{len(documents)} findings"):
        answer = hub.batch_import_findings(Findings=documents)
    failed = {each["Id"]: each for each in answer.get("FailedFindings", ())}
    return dict(_troubles(messages, failed))


def _troubles(messages: Sequence[Message], failed: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, Exception]]:
    for each in messages:
        found = failed.get(each.subject.uid if each.subject else each.key)
        if found is not None:
            code = found.get("ErrorCode", "")
            why = f"{code} {found.get('ErrorMessage', '')}".strip()
            said = say("Security Hub did not take {finding}: {why}", finding=found["Id"], why=why)
            yield each.key, NotifyError(said, passing=code in PASSING_CODES)


def _canary(message: Message, account: str) -> Finding:
    return Finding(
        uid=message.key,
        rule="notify/drill",
        title="Drill: this route is being tried",
        severity=Severity.INFORMATIONAL,
        tactics=(),
        techniques=(),
        account=account,
        region="",
        actor="",
        source_ip="",
        asset="",
        count=1,
        first_seen=message.at,
        last_seen=message.at,
        records=(),
        class_uid=COMPLIANCE,
    )
