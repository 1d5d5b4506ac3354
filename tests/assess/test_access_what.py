"""What a principal can do: grouped by service and risk, from its own policies and those of resources."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, OTHER, allow, bucket, deny, inventory, key, organization, role, trust, user
from sakimori.assess.access.catalogue import actions_like, actions_of
from sakimori.assess.access.effective import what_can
from sakimori.assess.access.engine import Response
from sakimori.assess.access.estate import estate
from sakimori.assess.access.risk import Risk, risk_of
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.asset import Asset

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"


def test_rights_are_grouped_and_the_gravest_come_first() -> None:
    statements = [allow(["s3:Get*", "s3:ListAllMyBuckets"]), deny("s3:Get*Acl"), allow("iam:PassRole", "*")]
    found = what_can(estate(inventory(user("ann", *statements))), ANN)
    assert [right.risk for right in found.rights] == sorted(
        (right.risk for right in found.rights), key=list(Risk).index
    )
    actions = {action for right in found.rights for action in right.actions}
    assert actions >= {"iam:PassRole", "s3:GetObject", "s3:GetBucketPolicy", "s3:ListAllMyBuckets"}
    assert not actions & {"s3:GetBucketAcl", "s3:GetObjectAcl", "s3:PutObject"}
    assert all(action in actions_of(action.partition(":")[0]) for action in actions)
    for right in found.rights:
        assert right.witness.answer.response is Response.ALLOWED
        assert right.by == (f"inline policy own of {ANN}",)


def test_actions_without_resources_need_everything() -> None:
    found = what_can(estate(inventory(user("ann", allow("s3:List*", "arn:aws:s3:::a*")))), ANN)
    actions = {action for right in found.rights for action in right.actions}
    assert "s3:ListBucket" in actions
    assert "s3:ListAllMyBuckets" not in actions


def test_conditions_stay_open_and_unknowns_are_told() -> None:
    mfa = allow("ec2:StopInstances", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    missing = {"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/X"}]}
    found = what_can(estate(inventory(user("ann", mfa, **missing))), ANN)
    (right,) = found.rights
    assert (right.outcome, right.conditions) == (Outcome.CONDITIONAL, ("aws:MultiFactorAuthPresent = true",))
    assert found.unknown == ("the document of arn:aws:iam::aws:policy/X is not in the inventory",)


def test_resources_that_name_the_principal() -> None:
    files = "arn:aws:s3:::files"
    assets = [
        bucket("files", allow("s3:GetObject", f"{files}/*", Principal={"AWS": ANN})),
        key("k", allow("kms:Decrypt", Principal={"AWS": ANN})),
        role("r", trusts=trust({"AWS": ANN})),
        role("not", trusts=trust({"AWS": ACCOUNT})),
        user("ann"),
    ]
    found = what_can(estate(inventory(*assets)), ANN)
    assert {(right.actions[0], right.resources[0].rpartition(":")[2]) for right in found.rights} == {
        ("s3:GetObject", "files/*"),
        ("kms:Decrypt", "key/k"),
        ("sts:AssumeRole", "role/r"),
    }


def test_what_a_key_leaves_to_its_account_needs_a_policy_of_ones_own() -> None:
    """Of a principal whose policies are not all known it is unknown, and of the root user it is all."""
    left = key("k", allow("kms:*", Principal={"AWS": ACCOUNT}))
    missing = {"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/X"}]}

    def decrypting(*assets: Any, who: str = ANN) -> list[Outcome]:
        rights = what_can(estate(inventory(left, *assets)), who).rights
        return [right.outcome for right in rights if "kms:Decrypt" in right.actions]

    assert decrypting(user("ann")) == decrypting(user("ann", allow("s3:*"))) == []
    assert decrypting(user("ann", allow("KMS:decrypt"))) == [Outcome.ALLOWED]
    assert decrypting(user("ann", allow("s3:*"), **missing)) == [Outcome.UNKNOWN]
    assert decrypting(user("ann"), who=f"arn:aws:iam::{ACCOUNT}:root") == [Outcome.ALLOWED]


def test_a_root_session_is_for_the_management_account_and_by_itself() -> None:
    """Whether AWS heeds it stands in no policy: what else of STS is allowed is not unknown for that."""
    ann = user("ann", allow("sts:*"))
    for accounts, expected in ((), ()), ((OTHER, ACCOUNT), ()), ((ACCOUNT, OTHER), ("sts:AssumeRoot",)):
        found = what_can(estate(inventory(ann, organization(*accounts)) if accounts else inventory(ann)), ANN)
        unknown = [right.actions for right in found.rights if right.outcome is Outcome.UNKNOWN]
        assert unknown == ([expected] if expected else [])
        assert "sts:GetFederationToken" in {action for right in found.rights for action in right.actions}


def test_resources_that_allow_the_same_are_one_right() -> None:
    """Whatever letters their policies write actions in; one on other terms is another right."""
    tls = {"Bool": {"aws:SecureTransport": "true"}}

    def open_to_ann(name: str, actions: list[str], **more: Any) -> Asset:
        return bucket(name, allow(actions, f"arn:aws:s3:::{name}/*", Principal={"AWS": ANN}, **more))

    assets = [
        open_to_ann("a", ["s3:PutObject", "S3:deleteobject"]),
        open_to_ann("b", ["s3:PutObject", "s3:DeleteObject"]),
        open_to_ann("c", ["s3:PutObject"]),
        open_to_ann("d", ["s3:PutObject"], Condition=tls),
        user("ann"),
    ]
    found = {(right.actions, right.resources): right for right in what_can(estate(inventory(*assets)), ANN).rights}
    both, alone = (("s3:DeleteObject",), ("a", "b")), (("s3:PutObject",), ("a", "b", "c"))
    wanted = [(actions, tuple(f"arn:aws:s3:::{name}/*" for name in names)) for actions, names in (both, alone)]
    other = (("s3:PutObject",), ("arn:aws:s3:::d/*",))
    assert set(found) == {*wanted, other}
    assert found[other].conditions == ("aws:SecureTransport = true",)
    assert found[wanted[1]].by == tuple(f"policy of arn:aws:s3:::{name}" for name in "abc")
    assert all(right.witness.answer.allowed for right in found.values())


@pytest.mark.parametrize(
    ("action", "risk"),
    [
        ("iam:PassRole", Risk.PRIVILEGE),
        ("sts:AssumeRole", Risk.PRIVILEGE),
        ("s3:PutBucketPolicy", Risk.PRIVILEGE),
        ("lambda:AddPermission", Risk.PRIVILEGE),
        ("deadline:AssumeQueueRoleForUser", Risk.PRIVILEGE),
        ("cognito-identity:GetCredentialsForIdentity", Risk.PRIVILEGE),
        ("redshift-serverless:GetCredentials", Risk.PRIVILEGE),
        ("athena:GetSessionEndpoint", Risk.PRIVILEGE),
        ("chime:GetMessagingSessionEndpoint", Risk.READ),
        ("appstream:CreateImageBuilderStreamingURL", Risk.PRIVILEGE),
        ("rolesanywhere:UpdateTrustAnchor", Risk.PRIVILEGE),
        ("rolesanywhere:GetProfile", Risk.READ),
        ("iam:GetCredentialReport", Risk.READ),
        ("iam:GetRole", Risk.READ),
        ("s3:GetObject", Risk.DATA),
        ("secretsmanager:GetSecretValue", Risk.DATA),
        ("ec2:RunInstances", Risk.CHANGE),
        ("ec2:DescribeInstances", Risk.READ),
    ],
)
def test_risks(action: str, risk: Risk) -> None:
    assert risk_of(action) is risk


def test_the_catalogue_has_what_is_no_operation_and_nothing_made_up() -> None:
    assert actions_like("iam:Pass*") == ("iam:PassRole",)
    assert "s3:ListObjectsV2" not in actions_of("s3")
    assert {"s3:ListBucket", "s3:GetObjectVersion", "s3:ListAllMyBuckets"} <= set(actions_of("s3"))
    assert "lambda:InvokeFunction" in actions_of("lambda")
    assert "cloudwatch:PutMetricData" in actions_of("cloudwatch")
    assert actions_like("nosuch:*") == ()
    assert actions_like("S3:getobject") == ("s3:GetObject",)
    assert actions_like("s3:NoSuch") == ("s3:NoSuch",)
    assert len(actions_like("*")) > 10_000
