"""Configuration items as AWS Config writes them, made from the simulated account's own answers.

Config's spelling (AWS Config Developer Guide, "Components of a Configuration Item"): first letters lowered, nulls for
what is not there, IAM policies URL-encoded, S3's settings in `supplementaryConfiguration` as its Java SDK shapes them.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from sakimori.model.asset import Asset, Inventory

CONFIG_NAMES = {"AWS::IAM::ManagedPolicy": "AWS::IAM::Policy"}

RECORDED = (
    *("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::NetworkAcl", "AWS::EC2::SecurityGroup"),
    *("AWS::EC2::InternetGateway", "AWS::EC2::NetworkInterface", "AWS::EC2::Instance", "AWS::EC2::Volume"),
    *("AWS::EC2::VPCPeeringConnection", "AWS::EC2::NatGateway", "AWS::EC2::EIP"),
    *("AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"),
    *("AWS::S3::Bucket", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
)


def config_items(inventory: Inventory) -> list[dict[str, Any]]:
    """What Config would hold of these assets."""
    return [_item(asset) for asset in inventory if asset.type in RECORDED]


def _item(asset: Asset) -> dict[str, Any]:
    special = {"AWS::S3::Bucket": _bucket, "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancer}
    configuration, supplementary = special.get(asset.type, _plain)(asset)
    return {
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": "2026-11-20T08:00:00.000Z",
        "configurationItemStatus": "OK",
        "configurationStateId": "1763625600000",
        "awsAccountId": asset.account,
        "awsRegion": asset.region,
        "resourceType": CONFIG_NAMES.get(asset.type, asset.type),
        "resourceId": asset.id,
        "ARN": asset.uid,
        "tags": dict(asset.tags),
        "relationships": [],
        "configuration": configuration,
        "supplementaryConfiguration": supplementary,
    }


def _plain(asset: Asset) -> tuple[Any, dict[str, Any]]:
    return _lowered(dict(asset.config) | {"SomethingOfConfigs": "own", "NotThere": None}), {}


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        lowered = {}
        for key, each in value.items():
            if key.endswith("Document") or key == "Document":
                lowered[_low(key)] = quote(json.dumps(each))
            elif key == "IpRanges":
                lowered["ipv4Ranges"] = _lowered(each)
                lowered["ipRanges"] = [range["CidrIp"] for range in each]
            else:
                lowered[_low(key)] = _lowered(each)
        return lowered
    return [_lowered(each) for each in value] if isinstance(value, list) else value


def _low(name: str) -> str:
    return name[:1].lower() + name[1:]


def _load_balancer(asset: Asset) -> tuple[Any, dict[str, Any]]:
    config = {key: value for key, value in asset.config.items() if key not in ("Tags", "Attributes")}
    return _lowered(config), {"Tags": json.dumps(_lowered(asset.config.get("Tags", [])))}


def _bucket(asset: Asset) -> tuple[Any, dict[str, Any]]:
    config = asset.config
    policy, versioning, acl = config["Policy"], config["Versioning"].get("Status", "Off"), config["Acl"]
    logging = config["LoggingEnabled"] or {}
    owner = {"displayName": acl["Owner"].get("DisplayName"), "id": acl["Owner"]["ID"]}
    grants = [{"grantee": _grantee(grant["Grantee"]), "permission": _permission(grant)} for grant in acl["Grants"]]
    supplementary: dict[str, Any] = {
        "AccessControlList": json.dumps(json.dumps({"grantSet": None, "grantList": grants, "owner": owner})),
        "BucketPolicy": {"policyText": json.dumps(policy) if policy else None},
        "BucketVersioningConfiguration": {"status": versioning, "isMfaDeleteEnabled": None},
        "BucketLoggingConfiguration": {
            "destinationBucketName": logging.get("TargetBucket"),
            "logFilePrefix": logging.get("TargetPrefix"),
        },
        "BucketNotificationConfiguration": {"configurations": {}},
    }
    if config["PublicAccessBlockConfiguration"]:
        supplementary["PublicAccessBlockConfiguration"] = _lowered(config["PublicAccessBlockConfiguration"])
    if config["ServerSideEncryptionConfiguration"]:
        rules = [
            {
                "applyServerSideEncryptionByDefault": {
                    "sseAlgorithm": rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
                    "kmsMasterKeyID": rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"),
                },
                "bucketKeyEnabled": rule.get("BucketKeyEnabled", False),
            }
            for rule in config["ServerSideEncryptionConfiguration"]["Rules"]
        ]
        supplementary["ServerSideEncryptionConfiguration"] = {"rules": rules}
    if asset.tags:
        supplementary["BucketTaggingConfiguration"] = {"tagSets": [{"tags": dict(asset.tags)}]}
    created = {"name": config["Name"], "creationDate": config["CreationDate"].replace("+00:00", "Z"), "owner": owner}
    return created, supplementary


def _grantee(grantee: dict[str, Any]) -> Any:
    if grantee["Type"] == "Group":
        return grantee["URI"].rpartition("/")[2]
    return {"id": grantee["ID"], "displayName": grantee.get("DisplayName")}


def _permission(grant: dict[str, Any]) -> str:
    return "".join(part.capitalize() for part in str(grant["Permission"]).split("_"))
