"""Findings in OCSF: Security Hub's `Findings Imported V2`, and what other products write (Prowler, Security Lake).

Source: OCSF schema 1.1 to 1.7, classes Vulnerability 2002, Compliance 2003, Detection 2004, Data Security 2006, IAM
Analysis 2008, and Security Finding 2001. One that GuardDuty, Inspector or Macie made has the uid and the revision that
their own event gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.collect import told
from sakimori.collect.products import guardduty, securityhub
from sakimori.collect.told import NotRead, Telling, arn, number, obj, objects, text, texts, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.severity import Severity

CLASSES = (2001, 2002, 2003, 2004, 2006, 2007, 2008)
INCIDENT = 2005

_CLOSED, _SUPPRESSED = (4, 5, 6), (3,)
"""`status_id` of findings: 1 New, 2 In Progress, 3 Suppressed, 4 Resolved, 5 Archived, 6 Deleted."""


def read_imported(telling: Telling) -> Iterator[Event | NotRead]:
    """`Findings Imported V2`."""
    none = f"{telling.detail_type} without findings"
    yield from told.each_of(telling, "findings", lambda one: read_finding(one, securityhub.FEED), none)


def read_object(telling: Telling) -> Iterator[Event]:
    """One finding without an envelope."""
    yield read_finding(telling.detail, "ocsf")


def read_finding(found: Mapping[str, Any], feed: str) -> Event:
    """One finding. Raises NotRead."""
    class_uid = number(found, "class_uid")
    if class_uid not in CLASSES:
        name = text(found, "class_name") or text(found, "class_uid") or "no class"
        is_incident = class_uid == INCIDENT
        what = "its findings come by themselves" if is_incident else "a log record, and no finding"
        raise NotRead(f"an OCSF event of class {name}: {what}")
    about = obj(found, "finding_info") or obj(found, "finding")
    own_id = told.identity(text(about, "uid"), "finding_info.uid")
    product = _product(found)
    native = product in (securityhub.FEED, *securityhub.PRODUCTS.values())
    key = own_id if native else f"{product}/{own_id}"
    account, region = text(found, "cloud", "account", "uid"), text(found, "cloud", "region")
    state, updated = _state(found), _time(about, "modified_time") or _time(found, "time")
    revision = told.state_revision(updated, state)
    kind = _kind(found, about, product)
    resources = tuple(_resource(each, account, region) for each in _resources(found) if text(each, "uid"))
    return Event(
        product=product,
        feed=feed,
        kind=kind,
        uid=event_uid(product, key),
        revision=revision,
        account=account,
        region=region,
        time=updated,
        state=state,
        resources=resources,
        detail=found,
        finding=told.finding(
            product,
            key,
            kind=kind,
            title=text(about, "title") or text(found, "message"),
            description=text(about, "desc") or text(found, "status_detail"),
            severity=_severity(found),
            account=account,
            region=region,
            resources=resources,
            first=_time(about, "first_seen_time") or _time(about, "created_time"),
            last=_time(about, "last_seen_time") or updated,
            revision=revision,
            facts=_facts(found),
            source_ip=_source_ip(found),
            tactics=guardduty.tactics(kind) if product == "guardduty" else (),
            count=number(found, "count"),
        ),
    )


def _product(found: Mapping[str, Any]) -> str:
    product = obj(found, "metadata", "product")
    uid = text(product, "uid")
    if ":product" in uid:
        return securityhub.product_of(uid)
    return (text(product, "name") or uid or "unknown").lower().replace(" ", "-")


def _kind(found: Mapping[str, Any], about: Mapping[str, Any], product: str) -> str:
    types = texts(about, "types")
    if product == "guardduty":
        return (
            guardduty.type_in_asff(types)
            if types and "/" in types[0].partition(":")[0]
            else next(iter(types), "finding")
        )
    if product == "inspector2":
        return "PACKAGE_VULNERABILITY" if objects(found, "vulnerabilities") else "NETWORK_REACHABILITY"
    control = text(found, "compliance", "control") or text(found, "metadata", "event_code")
    return control or next(iter(types), "") or text(found, "class_name") or "finding"


def _time(holder: Mapping[str, Any], name: str) -> str:
    return when(holder.get(f"{name}_dt")) or when(holder.get(name))


def _state(found: Mapping[str, Any]) -> State:
    status = number(found, "status_id")
    if status in _SUPPRESSED:
        return State.SUPPRESSED
    passed = text(found, "status_code").upper() in ("PASS", "PASSED")
    passed = passed or text(found, "compliance", "status").lower() in ("pass", "passed")
    return State.CLOSED if status in _CLOSED or passed else State.OPEN


def _severity(found: Mapping[str, Any]) -> Severity:
    level = number(found, "severity_id")
    return Severity(int(level)) if level in tuple(Severity) else Severity.INFORMATIONAL


def _resources(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    one = obj(found, "resource")
    return objects(found, "resources") or ([one] if one else [])


def _resource(each: Mapping[str, Any], account: str, region: str) -> Resource:
    kind, uid, region = text(each, "type"), text(each, "uid"), text(each, "region") or region
    kind = securityhub.resource_type(kind)
    if kind == "AWS::EC2::Instance" and uid.startswith("i-"):
        uid = arn("ec2", region, account, f"instance/{uid}", text(each, "cloud_partition"))
    details = {}
    if kind == "AWS::IAM::AccessKey":
        known = ("access_key_id", "user_name", "user_type", "principal_id")
        details = {name: text(each, "data", name) for name in known if text(each, "data", name)}
    return Resource(kind, uid, account, region, details, told.tags(each, "tags"))


def _facts(found: Mapping[str, Any]) -> dict[str, Any]:
    vulnerabilities = objects(found, "vulnerabilities")
    return {
        "code": text(found, "metadata", "event_code"),
        "vulnerabilities": [text(each, "cve", "uid") or text(each, "advisory", "uid") for each in vulnerabilities],
        "status": text(found, "status_code"),
        "fix": text(found, "remediation", "desc"),
    }


def _source_ip(found: Mapping[str, Any]) -> str:
    return next(filter(None, (text(each, "src_endpoint", "ip") for each in objects(found, "evidences"))), "")


EVENTS = {("aws.securityhub", "Findings Imported V2"): read_imported}
OBJECTS = ((("class_uid", "finding_info"), read_object), (("class_uid", "category_uid"), read_object))
