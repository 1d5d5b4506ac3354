"""What a resource's own policy comes to, with ACLs and grants beside it."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, STRANGE, bucket, inventory, key
from sakimori.assess.access.callers import EVERYTHING
from sakimori.assess.access.engine import Policies as All
from sakimori.assess.access.engine import Request, decide
from sakimori.assess.access.estate import Estate, estate
from sakimori.assess.access.policy import Policy
from sakimori.assess.access.principals import principal_of
from sakimori.assess.access.resource_policies import has_acls, public_access_block
from sakimori.model.asset import Asset

STRANGER = f"arn:aws:iam::{STRANGE}:user/x"
GROUPS = "http://acs.amazonaws.com/groups/global"
OWNER, READER = "a" * 64, "b" * 64
ENFORCED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def policy_of(asset: Asset) -> Policy | None:
    return estate(inventory(asset)).resource_policy(asset)


def acl(*grants: tuple[str, str], **config: Any) -> Asset:
    """A bucket with ACLs in force and these grants: (who, permission)."""
    groups = {"all": "AllUsers", "signed": "AuthenticatedUsers"}
    listed = [
        {
            "Grantee": {"URI": f"http://acs.amazonaws.com/groups/global/{groups[who]}"}
            if who in groups
            else {"ID": who},
            "Permission": permission,
        }
        for who, permission in grants
    ]
    config = {"Acl": {"Owner": {"ID": OWNER}, "Grants": listed}, "OwnershipControls": {}, **config}
    return bucket("b", **config)


def response(asset: Asset, action: str, who: str, context: dict[str, tuple[str, ...]] | None = None) -> str:
    policy = policy_of(asset)
    request = Request(principal_of(who), action, asset.uid, asset.account, context or {})
    own = (EVERYTHING,) if who == STRANGER else ()
    return decide(request, All(identity=own, resource=policy)).response.value


def test_a_resource_without_any_has_none() -> None:
    assert policy_of(bucket("b")) is None
    assert policy_of(Asset("arn:aws:ec2:eu-west-1:1:vpc/v", "AWS::EC2::VPC", ACCOUNT, "eu-west-1", {})) is None


def test_a_policy_that_is_text_and_one_that_is_malformed() -> None:
    text = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}}'
    queue = Asset(
        "arn:aws:sqs:eu-west-1:1:q", "AWS::SQS::Queue", ACCOUNT, "eu-west-1", {"Attributes": {"Policy": text}}
    )
    assert policy_of(queue) is not None
    broken = Asset(queue.uid, queue.type, ACCOUNT, "eu-west-1", {"Attributes": {"Policy": "{"}})
    found: Estate = estate(inventory(broken))
    assert found.resource_policy(broken) is None
    assert "is not JSON" in found.gaps[broken.uid][0]


@pytest.mark.parametrize(
    ("grant", "action", "who", "expected"),
    [
        (("all", "READ"), "s3:ListBucket", "anonymous", "Allowed"),
        (("all", "READ"), "s3:GetBucketAcl", "anonymous", "ImplicitlyDenied"),
        (("all", "WRITE"), "s3:PutObject", "anonymous", "ImplicitlyDenied"),
        (("all", "FULL_CONTROL"), "s3:PutBucketAcl", "anonymous", "Allowed"),
        (("signed", "READ"), "s3:ListBucket", STRANGER, "Allowed"),
        ((READER, "READ"), "s3:ListBucket", STRANGER, "Unknown"),
        ((OWNER, "FULL_CONTROL"), "s3:ListBucket", STRANGER, "ImplicitlyDenied"),
    ],
)
def test_acls(grant: tuple[str, str], action: str, who: str, expected: str) -> None:
    asset = acl(grant)
    if action == "s3:PutObject":  # on objects, not on the bucket
        policy = policy_of(asset)
        request = Request(principal_of(who), action, f"{asset.uid}/x", ACCOUNT)
        assert decide(request, All(resource=policy)).allowed
    else:
        assert response(asset, action, who) == expected


def test_a_group_of_those_who_signed_leaves_out_whom_it_should() -> None:
    unsigned = {"aws:principaltype": ("Anonymous",)}
    assert response(acl(("signed", "READ")), "s3:ListBucket", "anonymous", unsigned) == "ImplicitlyDenied"


def test_acls_are_out_of_force_where_the_owner_owns_every_object() -> None:
    off = acl(("all", "READ"), OwnershipControls=ENFORCED)
    assert (has_acls(off), policy_of(off)) == (False, None)


def test_a_grant_of_a_key_is_for_its_operations_and_encryption_context() -> None:
    grant = {
        "GrantId": "g",
        "GranteePrincipal": STRANGER,
        "Operations": ["Decrypt"],
        "Constraints": {"EncryptionContextSubset": {"App": "web"}},
    }
    granted = key("1", Grants=[grant])
    context = {"kms:encryptioncontext:app": ("web",)}
    assert response(granted, "kms:Decrypt", STRANGER, context) == "Allowed"
    assert response(granted, "kms:Decrypt", STRANGER) == "ImplicitlyDenied"
    assert response(granted, "kms:Encrypt", STRANGER, context) == "ImplicitlyDenied"
    exact = key("1", Grants=[{**grant, "Constraints": {"EncryptionContextEquals": {"App": "web"}}}])
    assert response(exact, "kms:Decrypt", STRANGER, context | {"kms:encryptioncontextkeys": ("App",)}) == "Allowed"
    more = context | {"kms:encryptioncontextkeys": ("App", "Other")}
    assert response(exact, "kms:Decrypt", STRANGER, more) == "ImplicitlyDenied"
    retired = key("1", Grants=[{**grant, "Operations": []}])
    assert response(retired, "kms:Decrypt", STRANGER, context) == "ImplicitlyDenied"


def test_a_block_on_bucket_or_account_counts() -> None:
    one = bucket("b", PublicAccessBlockConfiguration={"IgnorePublicAcls": True, "RestrictPublicBuckets": False})
    account = Asset("x", "AWS::S3::AccountPublicAccessBlock", ACCOUNT, "global", {})
    account.config["PublicAccessBlockConfiguration"] = {"RestrictPublicBuckets": True}
    assert public_access_block(one, account) == {"IgnorePublicAcls": True, "RestrictPublicBuckets": True}
    assert public_access_block(bucket("b")) == {}
