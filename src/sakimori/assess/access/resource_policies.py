"""The policies of resources as the engine reads them, with what grants access beside them: ACLs of buckets, grants of
keys, and what `sharing.py` knows of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sakimori.assess.access.policy import Kind, Policy, parse
from sakimori.assess.access.sharing import shared
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
}
"""The resources that have a policy of their own, and where their description keeps it."""

BUCKET, KEY = "AWS::S3::Bucket", "AWS::KMS::Key"
DOMAIN, API, REGISTRY = "AWS::OpenSearchService::Domain", "AWS::ApiGateway::RestApi", "AWS::ECR::Registry"

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
    if not extra:
        return policy
    statements = policy.statements if policy else ()
    added = (statement for each, name in extra for statement in parse(each, Kind.RESOURCE, name).statements)
    return Policy(policy.name if policy else f"grants on {asset.uid}", Kind.RESOURCE, (*statements, *added))


def subject_of(asset: Asset, action: str) -> str:
    """What an action that a resource's policy allows is done to: the resource, or all that is inside it."""
    lowered = action.lower()
    if asset.type == BUCKET and "object" in lowered and "bucket" not in lowered:
        return f"{asset.uid}/*"
    if asset.type == DOMAIN and lowered.startswith("es:eshttp"):
        return f"{asset.uid}/*"
    if asset.type == API and lowered.startswith("execute-api:"):
        partition, region = asset.uid.split(":")[1], asset.region
        return f"arn:{partition}:execute-api:{region}:{asset.account}:{asset.uid.rpartition('/')[2]}/*"
    if asset.type == REGISTRY:
        return f"{asset.uid.rpartition(':')[0]}:repository/*"
    return asset.uid


def container_of(arn: str) -> str:
    """The resource with a policy that an ARN is of something inside of: of an object its bucket; or ""."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return ""
    head, slash, rest = parts[5].partition("/")
    if parts[2] == "s3":
        return f"{':'.join(parts[:5])}:{head}" if slash else ""
    if parts[2] == "execute-api":
        return f"arn:{parts[1]}:apigateway:{parts[3]}::/restapis/{head}"
    if parts[2] in ("es", "dynamodb") and "/" in rest:
        return f"{':'.join(parts[:5])}:{head}/{rest.partition('/')[0]}"
    return ""


def _written(estate: Estate, asset: Asset) -> Policy | None:
    found: Any = asset.config
    for part in POLICIES.get(asset.type, "").split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, (Mapping, str)) and found:
        return estate.compiled(found, Kind.RESOURCE, f"policy of {asset.uid}", asset.uid)
    return None


def public_access_block(asset: Asset, account: Asset | None = None) -> Mapping[str, bool]:
    """What the bucket's and the account's public access blocks come to together."""
    found: dict[str, bool] = {}
    for source in (asset, account):
        block = (source.config.get("PublicAccessBlockConfiguration") if source else None) or {}
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
