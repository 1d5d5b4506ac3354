"""AWS Config's spelling of a describe answer, put back into AWS's own, by botocore's model of that answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.session

from sakimori.discover.declare import Call, Item, Listing, Resource, Service
from sakimori.discover.source import without

ALIASES = {"ipv4Ranges": "IpRanges"}
"""Members that Config calls otherwise; its `ipRanges` are mere texts."""


def config_of(item: Mapping[str, Any], service: Service, listing: Listing, resource: Resource) -> Item:
    """What the describe calls would have answered, as far as the configuration item has it."""
    configuration = _object(item.get("configuration"))
    config: Item = {resource.scalar: item.get("resourceName") or item.get("resourceId")} if resource.scalar else {}
    described = [each for each in resource.details if not each.under and not each.parse]
    for call, path in [(listing, resource.items), *((each, each.path) for each in described)]:
        shape = _shape(call.client or service.client, call.operation, path)
        if shape is not None and shape.type_name == "structure":
            config |= _told(configuration, shape, call, path)
    supplementary = {name: _object(value) for name, value in _object(item.get("supplementaryConfiguration")).items()}
    for detail in resource.details:
        if detail.under and not detail.parse:
            shape = _shape(service.client, detail.operation, detail.path)
            given = _named(detail.under, {**configuration, **supplementary})
            if given is not None and shape is not None:
                config[detail.under] = _told(given, shape, detail, detail.path)
    special = _SPECIAL.get(resource.type)
    return config | special(item, configuration, supplementary) if special else config


def _told(value: Any, shape: Any, call: Call, path: str) -> Any:
    """What `path` leads to in the call's answer: respelt, and without what is kept secret."""
    if path.endswith("[]") and isinstance(value, list):
        return [_told(each, shape, call, path) for each in value]
    respelt = _respelt(value, shape)
    inside = f"{path}." if path else ""
    secrets = [secret.removeprefix(inside) for secret in call.secrets if secret.startswith(inside)]
    return without(respelt, secrets) if isinstance(respelt, dict) else respelt


def _object(value: Any) -> Any:
    """Config writes objects as objects in snapshots, as JSON text elsewhere, and an ACL as text in text."""
    while isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            value = json.loads(value)
        except ValueError:
            break
    return {} if value is None else value


def _named(name: str, values: Mapping[str, Any]) -> Any:
    return next((value for key, value in values.items() if key.lower() == name.lower()), None)


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _shape(client: str, operation: str, path: str) -> Any:
    """The shape of a member of the answer, None where the model has none."""
    shape = _session().get_service_model(client).operation_model(operation).output_shape
    for step in path.split(".") if path else ():
        name, each = step.removesuffix("[]"), step.endswith("[]")
        if name:
            if shape.type_name != "structure" or name not in shape.members:
                return None
            shape = shape.members[name]
        shape = shape.member if each else shape
    return shape


def _respelt(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return dict(_members(value, shape))
    if shape.type_name == "list" and isinstance(value, list):
        return [_respelt(each, shape.member) for each in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _respelt(each, shape.value) for key, each in value.items()}
    if shape.type_name == "timestamp":
        return _time(value)
    if shape.type_name == "string" and isinstance(value, str) and value.startswith("%7B"):
        return _object(unquote(value))  # IAM's policies
    return value


def _members(value: Mapping[str, Any], shape: Any) -> Iterator[tuple[str, Any]]:
    """Config lowers the first letters of names; what the model does not know is Config's own, and left out."""
    by_name = {name.lower(): name for name in shape.members}
    named = {ALIASES.get(key, by_name.get(key.lower(), "")): key for key in sorted(value, key=ALIASES.__contains__)}
    given = {name: value[key] for name, key in named.items() if value[key] is not None}
    for name, each in given.items():
        if name in shape.members:
            member = shape.members[name]
            yield name, _respelt(each, member)


def _time(value: Any) -> Any:
    """ISO 8601 as our answers have it; Config gives that with a Z, or milliseconds or seconds since 1970."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).isoformat()
        except ValueError:
            return value
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC).isoformat()
    return value


# ---- S3, whose settings Config keeps in the shapes of the Java SDK


def _bucket(item: Mapping[str, Any], configuration: Any, supplementary: Mapping[str, Any]) -> Item:
    """A bucket: "Off" is what GetBucketVersioning leaves out, and a policy is text in an object of its own."""
    made: Item = {"BucketRegion": item.get("awsRegion")}
    if "BucketPolicy" in supplementary:
        made["Policy"] = _object((supplementary["BucketPolicy"] or {}).get("policyText") or None) or None
    if "BucketVersioningConfiguration" in supplementary:
        status = supplementary["BucketVersioningConfiguration"].get("status")
        made["Versioning"] = {"Status": status} if status in ("Enabled", "Suspended") else {}
    if "BucketLoggingConfiguration" in supplementary:
        logging = supplementary["BucketLoggingConfiguration"]
        target = logging.get("destinationBucketName")
        made["LoggingEnabled"] = (
            {"TargetBucket": target, "TargetPrefix": logging.get("logFilePrefix") or ""} if target else None
        )
    if "AccessControlList" in supplementary:
        made["Acl"] = _acl(supplementary["AccessControlList"])
    if "BucketTaggingConfiguration" in supplementary:
        sets = supplementary["BucketTaggingConfiguration"].get("tagSets") or []
        tags = {key: value for each in sets for key, value in (each.get("tags") or {}).items()}
        made["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()] or None
    return made


_PERMISSIONS = {"FullControl": "FULL_CONTROL", "ReadAcp": "READ_ACP", "WriteAcp": "WRITE_ACP"}
_GROUPS = {
    "AllUsers": "http://acs.amazonaws.com/groups/global/AllUsers",
    "AuthenticatedUsers": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    "LogDelivery": "http://acs.amazonaws.com/groups/s3/LogDelivery",
}


def _acl(acl: Mapping[str, Any]) -> Item:
    owner = acl.get("owner") or {}
    return {
        "Owner": {key: owner[name] for key, name in (("DisplayName", "displayName"), ("ID", "id")) if owner.get(name)},
        "Grants": [
            {
                "Grantee": _grantee(grant.get("grantee")),
                "Permission": _PERMISSIONS.get(grant["permission"], str(grant["permission"]).upper()),
            }
            for grant in acl.get("grantList") or ()
        ],
    }


def _grantee(grantee: Any) -> Item:
    if isinstance(grantee, str):
        return {"Type": "Group", "URI": _GROUPS.get(grantee, grantee)}
    told = {"DisplayName": grantee.get("displayName"), "ID": grantee.get("id"), "Type": "CanonicalUser"}
    return {key: value for key, value in told.items() if value}


_SPECIAL: dict[str, Callable[[Mapping[str, Any], Any, Mapping[str, Any]], Item]] = {"AWS::S3::Bucket": _bucket}
