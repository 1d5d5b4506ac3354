"""The policies of resources as the engine reads them, with what grants access beside them: ACLs of buckets, grants of
keys, and what `sharing.py` knows of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sakimori.assess.access.conditions import parse_test
from sakimori.assess.access.inside import BUCKET
from sakimori.assess.access.policy import Kind, Policy, Statement, parse
from sakimori.assess.access.sharing import shared
from sakimori.discover.paths import find_all
from sakimori.model.asset import Asset

if TYPE_CHECKING:
    from sakimori.assess.access.estate import Estate

POLICIES = {
    "AWS::S3::Bucket": "Policy",
    "AWS::KMS::Key": "Policy",
    "AWS::SQS::Queue": "Attributes.Policy",
    "AWS::SNS::Topic": "Attributes.Policy",
    "AWS::SecretsManager::Secret": "ResourcePolicy",
    "AWS::Lambda::Function": "Policy",
    "AWS::Lambda::LayerVersion": "Policy",
    "AWS::ECR::Repository": "Policy",
    "AWS::ECR::Registry": "Policy",
    "AWS::DynamoDB::Table": "ResourcePolicy",
    "AWS::EFS::FileSystem": "Policy",
    "AWS::OpenSearchService::Domain": "AccessPolicies",
    "AWS::ApiGateway::RestApi": "policy",
    "AWS::BedrockAgentCore::Runtime": "Policy",
    "AWS::BedrockAgentCore::Gateway": "Policy",
    "AWS::ACMPCA::CertificateAuthority": "Policy",
    "AWS::Backup::BackupVault": "Policy",
    "AWS::CloudTrail::Channel": "Policy",
    "AWS::CloudTrail::EventDataStore": "Policy",
    "AWS::CodeArtifact::Domain": "Policy",
    "AWS::CodeArtifact::Repository": "Policy",
    "AWS::DSQL::Cluster": "Policy",
    "AWS::EventSchemas::Registry": "Policy",
    "AWS::Events::EventBus": "Policy",
    "AWS::Glacier::Vault": "Policy",
    "AWS::Glue::DataCatalog": "PolicyInJson",
    "AWS::Kinesis::Stream": "Policy",
    "AWS::Kinesis::StreamConsumer": "Policy",
    "AWS::Lex::Bot": "Policy",
    "AWS::Lex::BotAlias": "Policy",
    "AWS::Logs::DeliveryDestination": "Policy",
    "AWS::Logs::Destination": "accessPolicy",
    "AWS::MSK::Cluster": "Policy",
    "AWS::Oam::Sink": "Policy",
    "AWS::RedshiftServerless::Namespace": "Policy",
    "AWS::RedshiftServerless::Snapshot": "Policy",
    "AWS::Rekognition::Project": "Policies[].PolicyDocument",
    "AWS::S3::AccessGrantsInstance": "Policy",
    "AWS::S3::AccessPoint": "Policy",
    "AWS::S3::MultiRegionAccessPoint": "Policy",
    "AWS::S3Express::AccessPoint": "Policy",
    "AWS::S3Express::DirectoryBucket": "Policy",
    "AWS::S3ObjectLambda::AccessPoint": "Policy",
    "AWS::S3Outposts::Bucket": "Policy",
    "AWS::S3Tables::Table": "Policy",
    "AWS::S3Tables::TableBucket": "Policy",
    "AWS::S3Vectors::VectorBucket": "Policy",
    "AWS::SES::EmailIdentity": "Policies[]",
    "AWS::VpcLattice::Service": "AuthPolicy",
    "AWS::VpcLattice::ServiceNetwork": "AuthPolicy",
}
"""The resources that have policies of their own, and the path to them in their description."""

KEY = "AWS::KMS::Key"

_GROUPS = "http://acs.amazonaws.com/groups/global/"
_ACL_ACTIONS = {
    "READ": ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"),
    "WRITE": ("s3:PutObject", "s3:DeleteObject"),
    "READ_ACP": ("s3:GetBucketAcl",),
    "WRITE_ACP": ("s3:PutBucketAcl",),
}
"""What a grant on a bucket allows ("Mapping of ACL permissions and access policy permissions", Amazon S3)."""


def resource_policy(estate: Estate, asset: Asset) -> Policy | None:
    """The policy of a resource, or None where it has none."""
    policy = _written(estate, asset)
    extra = [*_acl(asset)] if asset.type == BUCKET else [*_key_grants(asset)] if asset.type == KEY else [*shared(asset)]
    extra += estate.granted_by_shares.get(asset.uid, ())
    if asset.type in LATTICE and policy:
        policy = replace(policy, statements=tuple(map(_from_a_vpc, policy.statements)))
    if not extra:
        return policy
    statements = policy.statements if policy else ()
    added = (statement for each, name in extra for statement in parse(each, Kind.RESOURCE, name).statements)
    return Policy(policy.name if policy else f"grants on {asset.uid}", Kind.RESOURCE, (*statements, *added))


LATTICE = ("AWS::VpcLattice::Service", "AWS::VpcLattice::ServiceNetwork")
_IN_A_VPC = parse_test("StringLike", "vpc-lattice-svcs:SourceVpc", ("vpc-*",), False)
"""Requests to a service of VPC Lattice come from the VPCs of its service networks, and from nowhere else."""


def _from_a_vpc(statement: Statement) -> Statement:
    return statement._replace(tests=(*statement.tests, _IN_A_VPC)) if statement.allows else statement


def _written(estate: Estate, asset: Asset) -> Policy | None:
    """All policies that are attached to the resource, as one."""
    documents = (
        [each for each in find_all(asset.config, POLICIES[asset.type]) if each] if asset.type in POLICIES else []
    )
    name = f"policy of {asset.uid}"
    if len(documents) < 2:
        return estate.compiled(documents[0], Kind.RESOURCE, name, asset.uid) if documents else None
    found = [
        estate.compiled(document, Kind.RESOURCE, f"policy {number} of {asset.uid}", asset.uid)
        for number, document in enumerate(documents, 1)
    ]
    return Policy(name, Kind.RESOURCE, tuple(each for policy in found if policy for each in policy.statements))


def public_access_block(*sources: Asset | None) -> Mapping[str, bool]:
    """What the public access blocks of a bucket, an access point and the account come to together."""
    found: dict[str, bool] = {}
    for source in sources:
        config = source.config if source else {}
        block = config.get("PublicAccessBlockConfiguration") or config.get("PublicAccessBlock") or {}
        for name, on in block.items():
            found[name] = found.get(name, False) or bool(on)
    return found


def has_acls(bucket: Asset) -> bool:
    """Are ACLs in force? Not where the bucket's owner owns every object ("Controlling ownership of objects")."""
    rules = (bucket.config.get("OwnershipControls") or {}).get("Rules") or ()
    return not any(rule.get("ObjectOwnership") == "BucketOwnerEnforced" for rule in rules)


def _acl(bucket: Asset) -> Iterator[tuple[dict[str, Any], str]]:
    """The grants of a bucket's ACL as policies, but the owner's own."""
    acl = bucket.config.get("Acl") or {}
    owner = (acl.get("Owner") or {}).get("ID")
    if not has_acls(bucket):
        return
    for grant in acl.get("Grants") or ():
        grantee = grant.get("Grantee") or {}
        principal, condition = _grantee(grantee, owner)
        if principal is None:
            continue
        permissions = _ACL_ACTIONS if grant.get("Permission") == "FULL_CONTROL" else (grant.get("Permission"),)
        actions = [action for each in permissions for action in _ACL_ACTIONS.get(str(each), ())]
        if actions:
            statement = {"Sid": f"ACL {grant.get('Permission')}", "Effect": "Allow", "Principal": principal}
            statement |= {"Action": actions, "Resource": [bucket.uid, f"{bucket.uid}/*"], "Condition": condition}
            yield {"Version": "2012-10-17", "Statement": [statement]}, f"ACL of {bucket.uid}"


def _grantee(grantee: Mapping[str, Any], owner: str | None) -> tuple[Any, dict[str, Any]]:
    uri = str(grantee.get("URI") or "")
    if uri == f"{_GROUPS}AllUsers":
        return "*", {}
    if uri == f"{_GROUPS}AuthenticatedUsers":
        return "*", {"StringNotEquals": {"aws:PrincipalType": "Anonymous"}}
    if grantee.get("ID") and grantee.get("ID") != owner:
        return {"CanonicalUser": str(grantee["ID"])}, {}
    return None, {}


def _key_grants(key: Asset) -> Iterator[tuple[dict[str, Any], str]]:
    """The grants of a KMS key as policies; an encryption context that a grant demands becomes a condition."""
    for grant in key.config.get("Grants") or ():
        grantee, operations = grant.get("GranteePrincipal"), grant.get("Operations") or ()
        if not grantee or not operations:
            continue
        constraints = grant.get("Constraints") or {}
        pairs = constraints.get("EncryptionContextEquals") or constraints.get("EncryptionContextSubset") or {}
        service = str(grantee).endswith(".amazonaws.com")
        statement: dict[str, Any] = {
            "Sid": str(grant.get("GrantId") or "grant"),
            "Effect": "Allow",
            "Principal": {"Service" if service else "AWS": str(grantee)},
            "Action": [f"kms:{operation}" for operation in operations],
            "Resource": "*",
        }
        if pairs:
            statement["Condition"] = {
                "StringEquals": {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}
            }
        if constraints.get("EncryptionContextEquals"):
            statement["Condition"]["ForAllValues:StringEquals"] = {"kms:EncryptionContextKeys": [*pairs]}
        yield {"Version": "2012-10-17", "Statement": [statement]}, f"grant on {key.uid}"
