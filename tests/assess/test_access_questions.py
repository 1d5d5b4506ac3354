"""Who can, through which instance, and under what condition: over inventories small enough to answer by hand."""

from __future__ import annotations

from typing import Any

import pytest

from estates import (
    ACCOUNT,
    OTHER,
    STRANGE,
    allow,
    attached,
    bounded,
    bucket,
    deny,
    document,
    group,
    instance,
    inventory,
    key,
    managed,
    organization,
    profile,
    role,
    trust,
    user,
)
from sakimori.assess.access.engine import Response
from sakimori.assess.access.estate import estate
from sakimori.assess.access.instances import instances_that_can, unlooked_at
from sakimori.assess.access.questions import Who, can, meant_resource, who_can
from sakimori.model.asset import Asset, Inventory, NotEvaluated

FILES = "arn:aws:s3:::files"
READ = "s3:GetObject"


def names(found: Who) -> dict[str, Any]:
    """Who can, short, but root users: name -> outcome and conditions, and the path where it is longer than one."""
    rows = {}
    for row in found.rows:
        if row.kind == "root" and row.ours:
            continue
        told: list[Any] = [row.outcome.value, *row.conditions]
        if len(row.path) > 1:
            told.append(" > ".join(each.rpartition("/")[2] for each in row.path))
        rows[row.principal.rpartition("/")[2]] = told[0] if len(told) == 1 else told
    return rows


def who(*assets: Any, action: str = READ, resource: str = FILES) -> dict[str, Any]:
    return names(who_can(estate(inventory(*assets)), action, resource))


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_bucket_means_its_objects_also_where_nothing_is_known_of_it(partition: str) -> None:
    elsewhere = f"arn:{partition}:s3:::elsewhere"
    assert meant_resource(estate(inventory()), READ, elsewhere) == f"{elsewhere}/*"
    assert meant_resource(estate(inventory()), "s3:ListBucket", elsewhere) == elsewhere
    assert meant_resource(estate(inventory()), READ, f"{elsewhere}/a") == f"{elsewhere}/a"


def test_own_policies_group_policies_and_managed_ones() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/readers"
    found = who(
        bucket("files"),
        managed("readers", allow("s3:Get*", f"{FILES}/*")),
        user("own", allow(READ, f"{FILES}/*")),
        user("member", GroupList=["team"]),
        group("team", **attached(arn)),
        role("attached", **attached(arn), trusts={"Service": "ec2.amazonaws.com"}),
        user("other", allow("s3:PutObject")),
        user("elsewhere", allow(READ, "arn:aws:s3:::other/*")),
    )
    assert found == {"own": "Allowed", "member": "Allowed", "attached": "Allowed"} | {
        "ec2.amazonaws.com": ["Allowed", "ec2.amazonaws.com > attached"]
    }


def test_boundaries_and_control_policies_limit() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/limit"
    assets = [bucket("files"), managed("limit", allow("ec2:*")), user("kept", allow("*"))]
    assert who(*assets, user("bound", allow("*"), **bounded(arn))) == {"kept": "Allowed"}
    denied = {"ou-1": [deny("s3:*", Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/kept"}})]}
    scps = organization(OTHER, ACCOUNT, scps=denied)
    assert who(*assets, user("ann", allow("*")), scps) == {"kept": "Allowed"}
    management = organization(ACCOUNT, OTHER, scps={"r-1": [deny("s3:*")]})
    assert who(*assets, management) == {"kept": "Allowed"}


def test_open_context_keys_stay_conditions() -> None:
    network = {"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}
    plain = deny("s3:*", [FILES, f"{FILES}/*"], Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    found = who(bucket("files", plain), user("ann", allow(READ, Condition=network)), user("bob", allow("*")))
    assert found == {
        "ann": ["AllowedIf", "aws:SourceVpce = vpce-1 or vpce-2", "aws:SecureTransport is not false"],
        "bob": ["AllowedIf", "aws:SecureTransport is not false"],
    }


def test_contradicting_conditions_allow_nobody() -> None:
    one = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    unless = deny("*", Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-2"}})
    assert who(bucket("files"), user("ann", allow(READ, Condition=one), unless)) == {}


def test_conditions_that_every_context_meets_are_none() -> None:
    one = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    rest = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    assert who(bucket("files"), user("ann", allow(READ, Condition=one), allow(READ, Condition=rest))) == {
        "ann": "Allowed"
    }


def test_what_the_inventory_knows_is_no_condition() -> None:
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "a"}}
    assets = [
        bucket("files"),
        user("ann", allow(READ, Condition=tagged), Tags=[{"Key": "team", "Value": "a"}]),
        user("bob", allow(READ, Condition=tagged), Tags=[{"Key": "team", "Value": "b"}]),
        user("eve", allow(READ, f"{FILES}/${{aws:username}}/*")),
    ]
    assert who(*assets) == {"ann": "Allowed", "eve": "Allowed"}
    assert who(*assets, resource=f"{FILES}/bob/x") == {"ann": "Allowed"}


def test_resource_policies_name_strangers_services_and_everybody() -> None:
    stranger = f"arn:aws:iam::{STRANGE}:role/partner"
    grants = [
        allow(READ, f"{FILES}/*", Principal={"AWS": [stranger, STRANGE]}),
        allow(READ, f"{FILES}/*", Principal={"Service": "logging.amazonaws.com"}),
        allow(READ, f"{FILES}/pub/*", Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
    ]
    found = who(bucket("files", *grants), organization(OTHER, ACCOUNT), user("ann"))
    assert found == {
        "partner": "Allowed",
        "ann": "Allowed",
        f"arn:aws:iam::{STRANGE}:root": "Allowed",
        "logging.amazonaws.com": "Allowed",
    }
    assert who(bucket("files", allow(READ, f"{FILES}/*", Principal="*"))) == {
        "anonymous": "Allowed",
        "anybody": "Allowed",
    }


def test_public_access_block_shuts_strangers_out() -> None:
    open_ = allow(READ, f"{FILES}/*", Principal="*")
    block = {"PublicAccessBlockConfiguration": {"RestrictPublicBuckets": True, "IgnorePublicAcls": True}}
    assert who(bucket("files", open_, **block), user("ann")) == {"ann": "Allowed"}
    account = Asset("b", "AWS::S3::AccountPublicAccessBlock", ACCOUNT, "global", block)
    assert who(bucket("files", open_), account, user("ann")) == {"ann": "Allowed"}


def test_acls_of_buckets() -> None:
    grantee = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    acl = {
        "Acl": {"Owner": {"ID": "a"}, "Grants": [{"Grantee": grantee, "Permission": "READ"}]},
        "OwnershipControls": {},
    }
    listed = {"action": "s3:ListBucket"}
    assert who(bucket("files", **acl), **listed) == {"anonymous": "Allowed", "anybody": "Allowed"}
    block = {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": True}}
    assert who(bucket("files", **acl, **block), **listed) == {}
    assert "ACLs are in force" in who_can(estate(inventory(bucket("files", **acl))), READ, FILES).unknown[0]


def test_paths_of_roles_in_and_outside() -> None:
    reader = role("reader", allow(READ), trusts={"AWS": f"arn:aws:iam::{ACCOUNT}:role/hop"})
    hop = role("hop", trusts={"AWS": [f"arn:aws:iam::{OTHER}:root", f"arn:aws:iam::{STRANGE}:root"]})
    ann = user("ann", allow("sts:AssumeRole", "arn:aws:iam::*:role/hop"), account=OTHER)
    found = who(bucket("files"), reader, hop, ann, user("bob", account=OTHER))
    assert found == {
        "reader": "Allowed",
        "hop": ["Allowed", "hop > reader"],
        "ann": ["Allowed", "ann > hop > reader"],
        f"arn:aws:iam::{STRANGE}:root": ["Allowed", f"arn:aws:iam::{STRANGE}:root > hop > reader"],
    }


def test_conditions_of_trust_are_part_of_the_path() -> None:
    trusting = trust({"AWS": STRANGE}, Condition={"StringEquals": {"sts:ExternalId": "x"}})
    found = who(bucket("files"), role("reader", allow(READ), trusts=trusting))
    assert found[f"arn:aws:iam::{STRANGE}:root"] == [
        "AllowedIf",
        "to assume reader: sts:ExternalId = x",
        f"arn:aws:iam::{STRANGE}:root > reader",
    ]


def test_keys_need_their_policy_or_a_grant() -> None:
    arn = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"
    grant = {"GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:role/app", "Operations": ["Decrypt"], "GrantId": "g"}
    found = who(
        key("k", allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}), Grants=[grant]),
        user("ann"),
        user("bob", allow("*")),
        role("app", trusts={"Service": "lambda.amazonaws.com"}),
        action="kms:Decrypt",
        resource=arn,
    )
    assert found == {"ann": "Allowed", "app": "Allowed"} | {
        "lambda.amazonaws.com": ["Allowed", "lambda.amazonaws.com > app"]
    }


def test_instances_reach_through_their_role() -> None:
    ec2 = {"Service": "ec2.amazonaws.com"}
    found = instances_that_can(
        estate(
            inventory(
                bucket(
                    "files", deny(READ, f"{FILES}/*", Principal={"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-2"})
                ),
                role("web", allow("s3:*"), trusts=ec2),
                role("idle", trusts=ec2),
                role("hop", allow("sts:AssumeRole"), trusts=ec2),
                role("reader", allow(READ), trusts={"AWS": f"arn:aws:iam::{ACCOUNT}:role/hop"}),
                *(profile(name, name) for name in ("web", "idle", "hop")),
                *(instance(f"i-{n}", name) for n, name in enumerate(("web", "web", "idle", "hop", ""), 1)),
                instance("i-6", "web", tokens="required"),
            )
        ),
        READ,
        FILES,
    )
    assert [(each.instance[-3:], each.role.rpartition("/")[2], each.imdsv1, len(each.row.path)) for each in found] == [
        ("i-1", "web", True, 1),
        ("i-4", "hop", True, 2),
        ("i-6", "web", False, 1),
    ]


def test_what_was_not_read_is_unknown_and_never_silent() -> None:
    missing = inventory(bucket("files"), user("ann", **attached("arn:aws:iam::aws:policy/ReadOnlyAccess")))
    found = who_can(estate(missing), READ, FILES)
    assert names(found) == {"ann": "Unknown"}
    assert "the document of arn:aws:iam::aws:policy/ReadOnlyAccess is not in the inventory" in found.rows[0].why
    refused = NotEvaluated("s3:GetBucketPolicy", ACCOUNT, "eu-west-1", FILES, "AccessDenied", "no")
    unread = Inventory([bucket("files"), user("ann", allow("*"))], not_evaluated=[refused])
    found = who_can(estate(unread), READ, FILES)
    assert names(found) == {"ann": "Unknown"}
    assert "s3:GetBucketPolicy was answered with AccessDenied" in found.unknown[0]
    answer = can(estate(unread), f"arn:aws:iam::{ACCOUNT}:user/ann", READ, f"{FILES}/a")
    assert answer.response.value == "Unknown"
    broken = who_can(estate(inventory(bucket("files"), user("ann", {"Effect": "Maybe"}))), READ, FILES)
    assert "inline policy own" in broken.rows[0].why


def test_can_with_and_without_context() -> None:
    found = estate(inventory(bucket("files"), user("ann", allow(READ, Condition={"Bool": {"aws:MFA": "true"}}))))
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert can(found, ann, READ, f"{FILES}/a").response.value == "ImplicitlyDenied"
    assert can(found, ann, READ, f"{FILES}/a", {"AWS:mfa": True}).response.value == "Allowed"


def test_patterns_of_actions_mean_any_of_them() -> None:
    found = who(
        bucket("files"), user("ann", allow("s3:GetObjectAcl")), user("bob", allow("s3:PutObject")), action="s3:Get*"
    )
    assert found == {"ann": "Allowed"}
    ec2 = {"Service": "ec2.amazonaws.com"}
    assets = (
        bucket("files"),
        role("web", allow("s3:GetObjectAcl"), trusts=ec2),
        profile("web", "web"),
        instance("i-1", "web"),
    )
    assert [each.instance[-3:] for each in instances_that_can(estate(inventory(*assets)), "s3:Get*", FILES)] == ["i-1"]
    none = who_can(estate(inventory(bucket("files"))), "s3:Nothing*", FILES)
    assert none.unknown == ("s3:Nothing* means no action that AWS has",)


def test_a_bucket_that_is_not_in_the_inventory_is_unknown() -> None:
    found = who_can(estate(inventory(user("ann", allow("s3:*")))), READ, "arn:aws:s3:::elsewhere")
    assert names(found) == {"ann": "Unknown"}
    assert "elsewhere/* is not in the inventory" in found.unknown[0]
    assert who(user("ann", allow("s3:*")), resource="arn:aws:s3:::*") == {"ann": "Allowed"}
    assert who(user("ann", allow("ec2:*")), action="ec2:StopInstances", resource="*") == {"ann": "Allowed"}


def test_the_unique_id_of_a_role_is_no_condition() -> None:
    others = deny(
        "s3:*", [FILES, f"{FILES}/*"], Principal="*", Condition={"StringNotLike": {"aws:userId": ["AROAONE:*"]}}
    )
    ec2 = {"Service": "ec2.amazonaws.com"}
    roles = [role(name, allow(READ), RoleId=f"AROA{name.upper()}", trusts=ec2) for name in ("one", "two")]
    found = who(bucket("files", others), *roles)
    assert {name for name in found if "amazonaws" not in name} == {"one"}
    assert found["one"] == "Allowed"


ENDPOINT = "AWS::EC2::VPCEndpoint"


def test_an_endpoints_policy_has_a_say_in_what_goes_through_it() -> None:
    only_other = {"PolicyDocument": document(allow("s3:*", "arn:aws:s3:::other/*", Principal="*"))}
    arn = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc-endpoint/vpce-1"
    endpoint = Asset(arn, ENDPOINT, ACCOUNT, "eu-west-1", {"VpcEndpointId": "vpce-1", **only_other})
    found = estate(inventory(user("ann", allow("s3:GetObject")), bucket("logs"), bucket("other"), endpoint))
    through = {"aws:SourceVpce": "vpce-1"}
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert can(found, ann, "s3:GetObject", "arn:aws:s3:::logs/x").response is Response.ALLOWED
    assert can(found, ann, "s3:GetObject", "arn:aws:s3:::logs/x", through).response is Response.IMPLICITLY_DENIED
    assert can(found, ann, "s3:GetObject", "arn:aws:s3:::other/x", through).response is Response.ALLOWED
    unknown = can(found, ann, "s3:GetObject", "arn:aws:s3:::logs/x", {"aws:SourceVpce": "vpce-2"})
    assert unknown.response is Response.UNKNOWN
    assert "vpce-2" in unknown.why


def test_a_session_policy_narrows_the_session() -> None:
    found = estate(inventory(role("web", allow("s3:*")), bucket("logs")))
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/one"
    reads = document(allow("s3:GetObject"))
    assert can(found, session, "s3:PutObject", "arn:aws:s3:::logs/x").response is Response.ALLOWED
    assert can(found, session, "s3:GetObject", "arn:aws:s3:::logs/x", None, reads).response is Response.ALLOWED
    assert (
        can(found, session, "s3:PutObject", "arn:aws:s3:::logs/x", None, reads).response is Response.IMPLICITLY_DENIED
    )


def test_nobody_of_ours_who_is_not_in_the_inventory_may_anything_for_certain() -> None:
    found = estate(inventory(bucket("files"), user("ann", allow(READ))))
    for name in ("user/typo", "role/gone"):
        answer = can(found, f"arn:aws:iam::{ACCOUNT}:{name}", READ, f"{FILES}/a")
        assert answer.response is Response.UNKNOWN
        assert f"{name} is not in the inventory" in answer.why
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/gone/s"
    assert can(found, session, READ, f"{FILES}/a").response is Response.UNKNOWN


def test_a_federated_user_needs_a_session_policy_and_a_user_whom_nobody_knows() -> None:
    found, bob = estate(inventory(bucket("files"))), f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    assert can(found, bob, READ, f"{FILES}/a").response is Response.IMPLICITLY_DENIED
    answer = can(found, bob, READ, f"{FILES}/a", session_policy=document(allow(READ)))
    assert answer.response is Response.UNKNOWN
    assert "which user" in answer.why


def test_instances_that_could_not_be_listed_are_told() -> None:
    found = estate(inventory(role("reader", allow(READ)), bucket("files")))
    assert unlooked_at(found, READ, FILES) == ()
    for action in ("ec2:DescribeInstances", "iam:ListInstanceProfiles"):
        found.inventory.not_evaluated[:] = [NotEvaluated(action, ACCOUNT, "eu-west-1", "", "AccessDenied", "no")]
        (told,) = unlooked_at(found, READ, FILES)
        assert told.startswith(f"{action} of eu-west-1 in account {ACCOUNT} was answered with AccessDenied")


def test_aws_managed_keys_are_under_no_resource_control_policy() -> None:
    ann = user("ann", allow("kms:Decrypt"))
    for manager, expected in (("AWS", "Allowed"), ("CUSTOMER", "ExplicitlyDenied")):
        used = key("1", allow("kms:*", Principal={"AWS": ACCOUNT}), KeyManager=manager)
        org = organization(
            OTHER, ACCOUNT, scps={"ou-1": [deny("kms:*", Principal="*")]}, kind="RESOURCE_CONTROL_POLICY"
        )
        found = estate(inventory(ann, used, org))
        assert can(found, ann.uid, "kms:Decrypt", used.uid).response.value == expected


def test_the_root_user_assumes_no_role() -> None:
    admin = role("admin", allow("*"), trusts={"AWS": ACCOUNT})
    found = estate(inventory(admin))
    rows = who_can(found, "sts:AssumeRole", admin.uid).rows
    assert [row.principal for row in rows if row.kind == "root"] == []
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert can(found, root, "sts:AssumeRole", admin.uid).response is Response.IMPLICITLY_DENIED
    assert can(found, root, "iam:DeleteRole", admin.uid).response is Response.ALLOWED


def test_whom_a_policy_names_in_an_account_that_nobody_has_looked_at() -> None:
    reader = f"arn:aws:iam::{OTHER}:role/reader"
    named = bucket("files", allow(READ, f"{FILES}/*", Principal={"AWS": reader}))
    found = who_can(estate(inventory(named, organization(ACCOUNT, OTHER))), READ, FILES)
    assert {row.principal: row.outcome.value for row in found.rows if row.kind != "root"} == {reader: "Unknown"}
    whole = bucket("files", allow(READ, f"{FILES}/*", Principal={"AWS": OTHER}))
    found = who_can(estate(inventory(whole, organization(ACCOUNT, OTHER))), READ, FILES)
    assert found.unknown == (f"{FILES} lets account {OTHER} in, whose users and roles are not in the inventory",)


def by_tag(pattern: str, *more: Any) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Who reads below a folder of the bucket: a role whose sessions may bring a tag of their own."""
    found = estate(inventory(role("app", allow(READ, f"{FILES}/{pattern}"), *more), bucket("files")))
    rows = who_can(found, READ, f"{FILES}/blue/a.csv").rows
    return {row.principal.rpartition("/")[2]: (row.outcome.value, row.conditions) for row in rows if row.kind == "role"}


def test_an_open_key_in_a_pattern_of_resources_is_a_condition() -> None:
    tag = "${aws:PrincipalTag/Team}"
    assert by_tag(f"{tag}/*") == {"app": ("AllowedIf", ("aws:PrincipalTag/Team = blue",))}
    assert by_tag("${aws:PrincipalTag/Team, 'blue'}/*") == {"app": ("AllowedIf", ("aws:PrincipalTag/Team is absent",))}
    assert by_tag("green*") == {}
    denied = deny(READ, f"{FILES}/*", Condition={"StringNotEquals": {"aws:PrincipalTag/Team": "green"}})
    assert by_tag(f"{tag}/*", denied) == {}
    assert by_tag(f"{tag}/{tag}.csv") == {}
    ((outcome, _),) = by_tag("${aws:PrincipalTag/Team}/${aws:PrincipalTag/File}").values()
    assert outcome == "Unknown"


def test_an_open_key_that_is_compared_with_another() -> None:
    same = {"StringEquals": {"aws:PrincipalTag/Team": "team-${aws:RequestTag/Team}"}}
    found = who_can(estate(inventory(role("app", allow("ec2:CreateTags", Condition=same)))), "ec2:CreateTags", "*")
    (row,) = (row for row in found.rows if row.kind == "role")
    assert row.outcome.value == "AllowedIf"
    tags = {name: values for name, values in row.witness.context.items() if "tag" in name}
    assert tags["aws:principaltag/team"] == (f"team-{tags['aws:requesttag/team'][0]}",)


@pytest.mark.parametrize(
    ("action", "denied"),
    [
        ("lambda:CreateFunction", "arn:aws:lambda:*:*:function:*"),
        ("s3:GetObject", "arn:aws:s3:::*/*"),
        ("iam:CreateUser", "arn:aws:iam::*:user/*"),
        ("iam:PassRole", "arn:aws:iam::*:role/*"),
        ("iam:AddUserToGroup", "arn:aws:iam::*:group/*"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/*"),
        ("states:StartExecution", "arn:aws:states:*:*:stateMachine:*"),
    ],
)
def test_any_resource_is_one_of_those_that_the_action_has(action: str, denied: str) -> None:
    ann = user("ann", allow("*"), deny(action, denied))
    assert can(estate(inventory(ann)), ann.uid, action, "*").response is Response.EXPLICITLY_DENIED
    assert can(estate(inventory(user("ann", allow("*")))), ann.uid, action, "*").response is Response.ALLOWED
