"""The rules of IAM's evaluation, one by one, as the user guide states them."""

from __future__ import annotations

from typing import Any

import pytest

from sakimori.assess.access.cases import CaseError, simulate

ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app/web"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-0abc"
OBJECT = "arn:aws:s3:::files/a"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"


def allow(action: str | list[str] = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str] = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return allow(action, resource, **more) | {"Effect": "Deny"}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def ask(
    *identity: dict[str, Any],
    principal: Any = USER,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    account: str = ACCOUNT,
    context: dict[str, Any] | None = None,
    **policies: Any,
) -> str:
    """The response to a request; positional arguments are statements of one identity policy."""
    request = {
        "principal": principal,
        "action": action,
        "resource": {"resource": resource, "accountId": account},
        "context": context or {},
    }
    return simulate({"request": request, "identityPolicies": [policy(*identity)], **policies}).response.value


ALLOWED, IMPLICIT, EXPLICIT = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"


# ---- conditions


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"aws:a": "x"}}, {}, IMPLICIT),
        ({"StringNotEquals": {"aws:a": "x"}}, {}, ALLOWED),
        ({"StringEqualsIfExists": {"aws:a": "x"}}, {}, ALLOWED),
        ({"StringEquals": {"AWS:A": ["y", "x"]}}, {"aws:a": "x"}, ALLOWED),
        ({"StringEquals": {"aws:a": "X"}}, {"aws:a": "x"}, IMPLICIT),
        ({"StringEqualsIgnoreCase": {"aws:a": "X"}}, {"aws:a": "x"}, ALLOWED),
        ({"StringEqualsIgnoreCase": {"aws:a": "STRASSE"}}, {"aws:a": "straße"}, IMPLICIT),
        ({"ForAllValues:StringNotEquals": {"aws:a": "x"}}, {"aws:a": ["y", "x"]}, IMPLICIT),
        ({"DateGreaterThan": {"aws:a": "2026-01-01T00:00:00+09:00"}}, {"aws:a": "2025-12-31T15:00:01Z"}, ALLOWED),
        ({"NumericLessThanIfExists": {"aws:a": "3600"}}, {}, ALLOWED),
        ({"ArnNotLike": {"aws:a": "arn:aws:iam::1:role/x"}}, {}, ALLOWED),
        ({"StringLike": {"aws:a": "x*z?"}}, {"aws:a": "xyz1"}, ALLOWED),
        ({"StringEquals": {"aws:a": "x*"}}, {"aws:a": "xy"}, IMPLICIT),
        ({"StringNotEquals": {"aws:a": ["x", "y"]}}, {"aws:a": "y"}, IMPLICIT),
        ({"Null": {"aws:a": "true"}}, {}, ALLOWED),
        ({"Null": {"aws:a": "false"}}, {}, IMPLICIT),
        ({"Null": {"aws:a": False}}, {"aws:a": "x"}, ALLOWED),
        ({"Bool": {"aws:a": True}}, {"aws:a": "TRUE"}, ALLOWED),
        ({"Bool": {"aws:a": "false"}}, {}, IMPLICIT),
        ({"NumericLessThan": {"aws:a": 10}}, {"aws:a": "9"}, ALLOWED),
        ({"NumericEquals": {"aws:a": "10"}}, {"aws:a": "10.0"}, ALLOWED),
        ({"NumericLessThan": {"aws:a": 10}}, {"aws:a": "many"}, IMPLICIT),
        ({"DateGreaterThan": {"aws:a": "2026-01-01T00:00:00Z"}}, {"aws:a": "2026-06-01T00:00:00Z"}, ALLOWED),
        ({"DateLessThan": {"aws:a": "2026-01-01"}}, {"aws:a": "1767225599"}, ALLOWED),
        ({"IpAddress": {"aws:a": "10.0.0.0/8"}}, {"aws:a": "10.1.2.3"}, ALLOWED),
        ({"NotIpAddress": {"aws:a": ["10.0.0.0/8", "2001:db8::/32"]}}, {"aws:a": "2001:db8::1"}, IMPLICIT),
        ({"BinaryEquals": {"aws:a": "QQ=="}}, {"aws:a": "QQ=="}, ALLOWED),
        ({"ArnLike": {"aws:a": "arn:aws:sns:*:1:t*"}}, {"aws:a": "arn:aws:sns:eu-west-1:1:tx"}, ALLOWED),
        ({"ArnEquals": {"aws:a": "arn:aws:sns:*:t"}}, {"aws:a": "arn:aws:sns:eu-west-1:1:t"}, IMPLICIT),
        ({"ForAllValues:StringEquals": {"aws:a": ["x", "y"]}}, {"aws:a": ["x", "y"]}, ALLOWED),
        ({"ForAllValues:StringEquals": {"aws:a": ["x", "y"]}}, {"aws:a": ["x", "z"]}, IMPLICIT),
        ({"ForAllValues:StringEquals": {"aws:a": "x"}}, {}, ALLOWED),
        ({"ForAnyValue:StringEquals": {"aws:a": "x"}}, {"aws:a": ["x", "z"]}, ALLOWED),
        ({"ForAnyValue:StringEquals": {"aws:a": "x"}}, {}, IMPLICIT),
        ({"ForAnyValue:StringNotEquals": {"aws:a": "x"}}, {"aws:a": ["x", "z"]}, ALLOWED),
        ({"ForAnyValue:StringNotEquals": {"aws:a": "x"}}, {}, IMPLICIT),
        ({"ForAllValues:StringNotLike": {"aws:a": "x*"}}, {"aws:a": ["a", "xy"]}, IMPLICIT),
        ({"ForAnyValue:StringEqualsIfExists": {"aws:a": "x"}}, {}, ALLOWED),
        ({"StringEquals": {"aws:a": "x"}, "Bool": {"aws:b": "true"}}, {"aws:a": "x"}, IMPLICIT),
        ({"StringEquals": {"aws:a": "${aws:b}"}}, {"aws:a": "x", "aws:b": "x"}, ALLOWED),
        ({"StringEquals": {"aws:a": "${aws:b, 'x'}"}}, {"aws:a": "x"}, ALLOWED),
        ({"StringEquals": {"aws:a": "${aws:b}"}}, {"aws:a": "x"}, IMPLICIT),
        ({"StringLike": {"aws:a": "${aws:b}"}}, {"aws:a": "xyz", "aws:b": "x*"}, IMPLICIT),
        ({"StringLike": {"aws:a": "${*}"}}, {"aws:a": "x"}, IMPLICIT),
        ({"StringLike": {"aws:a": "a${*}"}}, {"aws:a": "a*"}, ALLOWED),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, Any], expected: str) -> None:
    assert ask(allow(Condition=condition), context=context) == expected


def test_variables_in_resources_need_the_version_that_has_them() -> None:
    statement = allow(resource="arn:aws:s3:::files/${aws:username}")
    assert ask(statement, context={"aws:username": "a"}) == ALLOWED
    assert ask(statement, context={"aws:username": "*"}) == IMPLICIT
    old = {"Statement": [statement]}
    assert ask(identityPolicies=[old], context={"aws:username": "a"}) == IMPLICIT


# ---- the order


def test_a_denial_anywhere_wins() -> None:
    for where in ("identityPolicies", "permissionBoundaries", "endpointPolicies"):
        assert ask(**{where: [policy(allow("*"), deny())]}) == EXPLICIT
    assert ask(allow(), sessionPolicy=policy(allow(), deny())) == EXPLICIT
    assert ask(allow(), resourcePolicy=policy(deny(Principal="*"))) == EXPLICIT
    for where in ("serviceControlPolicies", "resourceControlPolicies"):
        level = {"orgIdentifier": "r-1", "policies": [policy(allow("*"), deny(Principal="*"))]}
        assert ask(allow(), **{where: [level]}) == EXPLICIT


def test_every_level_of_service_control_policies_must_allow() -> None:
    level = {"orgIdentifier": "r-1", "policies": [policy(allow("s3:*"))]}
    other = {"orgIdentifier": "ou-1", "policies": [policy(allow("ec2:*"))]}
    assert ask(allow(), serviceControlPolicies=[level, level]) == ALLOWED
    assert ask(allow(), serviceControlPolicies=[level, other]) == IMPLICIT


def test_service_linked_roles_are_under_no_control_policy() -> None:
    nothing = [{"orgIdentifier": "r-1", "policies": [policy(deny(Principal="*"))]}]
    for arn in (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForX/s",
    ):
        controls = {"serviceControlPolicies": nothing, "resourceControlPolicies": nothing}
        assert ask(allow(), principal=arn, **controls) == ALLOWED


def test_resource_control_policies_have_a_say_in_some_services_only() -> None:
    nothing = [{"orgIdentifier": "r-1", "policies": [policy(deny("*", Principal="*"))]}]
    instance = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1"
    done = ask(allow("*"), action="ec2:StopInstances", resource=instance, resourceControlPolicies=nothing)
    assert done == ALLOWED
    assert ask(allow("*"), resourceControlPolicies=nothing) == EXPLICIT
    grants = policy(allow("*", Principal={"AWS": ACCOUNT}))
    for action, expected in (("kms:RetireGrant", ALLOWED), ("kms:Decrypt", EXPLICIT)):
        asked: dict[str, Any] = {"action": action, "resource": KEY, "resourcePolicy": grants}
        assert ask(allow("*"), resourceControlPolicies=nothing, **asked) == expected


@pytest.mark.parametrize(
    ("principal", "named", "expected"),
    [
        (USER, USER, ALLOWED),
        (SESSION, SESSION, ALLOWED),
        (SESSION, ROLE, IMPLICIT),
        (ROLE, ROLE, IMPLICIT),
        (SESSION, "*", ALLOWED),
        (SESSION, f"arn:aws:iam::{ACCOUNT}:root", IMPLICIT),
    ],
)
def test_whom_a_boundary_limits_beside_a_resource_policy(principal: str, named: str, expected: str) -> None:
    grants = policy(allow(Principal={"AWS": named}))
    boundary = [policy(allow("ec2:*"))]
    assert ask(principal=principal, resourcePolicy=grants, permissionBoundaries=boundary) == expected


def test_a_session_is_its_role_whatever_the_path() -> None:
    assert ask(principal=SESSION, resourcePolicy=policy(allow(Principal={"AWS": ROLE}))) == ALLOWED
    other = policy(allow(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/web2"}))
    assert ask(principal=SESSION, resourcePolicy=other) == IMPLICIT


def test_a_denial_by_not_principal_spares_a_session_only_with_its_role() -> None:
    one = policy(deny(NotPrincipal={"AWS": [SESSION]}))
    both = policy(deny(NotPrincipal={"AWS": [SESSION, ROLE]}))
    del one["Statement"][0]["Resource"], both["Statement"][0]["Resource"]
    assert ask(allow(), principal=SESSION, resourcePolicy=one) == EXPLICIT
    assert ask(allow(), principal=SESSION, resourcePolicy=both) == ALLOWED
    bounded = {"permissionBoundaries": [policy(allow("*"))]}
    assert ask(allow(), principal=SESSION, resourcePolicy=both, **bounded) == EXPLICIT


def test_across_accounts_both_sides_must_allow() -> None:
    other = "444455556666"
    grants = policy(allow(Principal={"AWS": USER}))
    assert ask(allow(), account=other) == IMPLICIT
    assert ask(account=other, resourcePolicy=grants) == IMPLICIT
    assert ask(allow(), account=other, resourcePolicy=grants) == ALLOWED
    assert ask(allow(), account=other, resourcePolicy=policy(allow(Principal="*"))) == ALLOWED


def test_the_root_user_needs_no_allowance_but_heeds_denials() -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert ask(principal=root) == ALLOWED
    assert ask(principal=ACCOUNT) == ALLOWED
    assert ask(principal=root, resourcePolicy=policy(deny(Principal="*"))) == EXPLICIT
    assert ask(principal=root, account="444455556666") == IMPLICIT
    assert ask(principal=root, action="kms:Decrypt", resource=KEY) == IMPLICIT


@pytest.mark.parametrize("action", ["sts:AssumeRole", "STS:AssumeRole", "sts:*Role"])
def test_the_root_user_assumes_no_role(action: str) -> None:
    """ "AssumeRole" (STS): root credentials are refused; in its own account, across, and by a pattern of actions."""
    root = f"arn:aws:iam::{ACCOUNT}:root"
    trusting = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": root}})
    for account in (ACCOUNT, "444455556666"):
        there = ROLE.replace(ACCOUNT, account)
        assert ask(principal=root, action=action, resource=there, account=account, resourcePolicy=trusting) == IMPLICIT
        asked = ask(allow("*"), action=action, resource=there, account=account, resourcePolicy=trusting)
        assert asked == ALLOWED, "whom the account lets"
    refusing = policy({"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*"})
    assert ask(principal=root, action="sts:AssumeRole", resource=ROLE, resourcePolicy=refusing) == EXPLICIT


def test_a_root_session_is_for_the_organisation_to_give() -> None:
    """ "AssumeRoot" (STS): by an identity policy alone, from an account that no policy names."""
    asked: dict[str, Any] = {"action": "sts:AssumeRoot", "resource": "arn:aws:iam::444455556666:root"}
    for account in (ACCOUNT, "444455556666"):
        assert ask(allow("sts:AssumeRoot"), account=account, **asked) == "Unknown"
        assert ask(allow("sts:AssumeRole"), account=account, **asked) == IMPLICIT
        assert ask(allow("sts:*"), deny("sts:AssumeRoot"), account=account, **asked) == EXPLICIT
        assert ask(principal=f"arn:aws:iam::{ACCOUNT}:root", account=account, **asked) == IMPLICIT


def test_a_federated_user_has_what_its_session_policy_and_its_user_allow() -> None:
    """ "GetFederationToken" (STS): without a session policy only a resource that names the very session lets it in."""
    bob = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    assert ask(allow("*"), principal=bob) == IMPLICIT
    assert ask(allow("*"), principal=bob, sessionPolicy=policy(allow())) == ALLOWED
    assert ask(allow("*"), principal=bob, sessionPolicy=policy(allow("ec2:*"))) == IMPLICIT
    assert ask(principal=bob, resourcePolicy=policy(allow(Principal={"AWS": bob}))) == ALLOWED
    assert ask(allow("*"), principal=bob, resourcePolicy=policy(allow(Principal={"AWS": ACCOUNT}))) == IMPLICIT


def test_an_anonymous_caller_is_under_resource_control_policies_alone() -> None:
    level = [{"orgIdentifier": "r-1", "policies": [policy(deny("*", Principal="*"))]}]
    opened = policy(allow(Principal="*"))
    assert ask(principal="anonymous", resourcePolicy=opened, serviceControlPolicies=level) == ALLOWED
    assert ask(principal="anonymous", resourcePolicy=opened, resourceControlPolicies=level) == EXPLICIT


def test_addresses_of_both_kinds_are_compared_with_their_own() -> None:
    everywhere = allow(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})
    assert ask(everywhere, context={"aws:SourceIp": "198.51.100.1"}) == ALLOWED
    assert ask(everywhere, context={"aws:SourceIp": "2001:db8::1"}) == IMPLICIT
    six = allow(Condition={"IpAddress": {"aws:SourceIp": "2001:DB8::/32"}})
    assert ask(six, context={"aws:SourceIp": "2001:db8:0:0::1"}) == ALLOWED


def test_services_and_providers_need_the_resources_policy() -> None:
    service = policy(allow(Principal={"Service": "cloudtrail.amazonaws.com"}))
    assert ask(principal="cloudtrail.amazonaws.com", resourcePolicy=service) == ALLOWED
    assert ask(principal="config.amazonaws.com", resourcePolicy=service) == IMPLICIT
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example"
    trust = policy({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"})
    call = {"action": "sts:AssumeRoleWithWebIdentity", "resource": ROLE, "resourcePolicy": trust}
    assert ask(principal=provider, **call) == ALLOWED
    assert ask(allow("*"), principal=USER, **call) == IMPLICIT


def test_keys_and_roles_need_their_own_policy() -> None:
    everything = allow("*")
    decrypt = {"action": "kms:Decrypt", "resource": KEY}
    assert ask(everything, **decrypt) == IMPLICIT
    delegated = policy(allow("kms:*", Principal={"AWS": ACCOUNT}))
    assert ask(everything, **decrypt, resourcePolicy=delegated) == ALLOWED
    assert ask(**decrypt, resourcePolicy=delegated) == IMPLICIT
    assert ask(everything, action="sts:AssumeRole", resource=ROLE) == IMPLICIT


def test_a_canonical_user_is_nobody_we_know() -> None:
    unclear = policy(allow(Principal={"CanonicalUser": "a" * 64}))
    assert ask(resourcePolicy=unclear) == "Unknown"
    assert ask(allow(), resourcePolicy=unclear) == ALLOWED
    assert ask(deny(), resourcePolicy=unclear) == EXPLICIT


def test_get_caller_identity_is_always_allowed() -> None:
    assert ask(deny("*"), action="sts:GetCallerIdentity", resource="*") == ALLOWED


# ---- wildcards in the request


def test_a_pattern_is_allowed_where_something_that_it_means_is() -> None:
    below = "arn:aws:s3:::files/*"
    assert ask(allow(resource="arn:aws:s3:::files/x/*"), resource=below) == ALLOWED
    assert ask(allow(), deny(resource="arn:aws:s3:::files/*"), resource=below) == EXPLICIT
    covered = [deny(resource="arn:aws:s3:::files/x*"), allow(resource="arn:aws:s3:::files/x*")]
    assert ask(*covered, resource=below) == IMPLICIT
    boundary = [policy(allow(resource="arn:aws:s3:::files/y*"))]
    assert ask(allow(resource="arn:aws:s3:::files/x*"), resource=below, permissionBoundaries=boundary) == IMPLICIT
    assert ask(allow(resource="arn:aws:s3:::files/*y"), resource="arn:aws:s3:::*/x?") == ALLOWED


def test_patterns_of_actions_mean_actions_that_exist() -> None:
    assert ask(allow("s3:GetObject"), action="s3:Get*") == ALLOWED
    assert ask(allow("s3:GetObjec?x"), action="s3:Get*") == IMPLICIT
    assert ask(deny("s3:*"), allow("*"), action="s3:Get*") == EXPLICIT
    assert ask(allow("*"), action="s3:Nothing*") == "Unknown"


def test_too_many_overlaps_are_unknown_and_say_so() -> None:
    mess = [f"arn:aws:s3:::files/*{a}*{b}*{c}*" for a in "abcd" for b in "efgh" for c in "ijkl"]
    request = {"principal": USER, "action": "s3:GetObject", "resource": {"resource": "arn:aws:s3:::files/*"}}
    deny_all = deny(resource=[*mess, "arn:aws:s3:::files/*"])
    answer = simulate({"request": request, "identityPolicies": [policy(deny_all)]})
    assert answer.response.value == "Unknown"
    assert "too many" in answer.why


# ---- malformed


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        ({"Statement": [{"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}]}, "Effect is 'Maybe'"),
        ({"Statement": [allow(), {"Sid": "Two", "Effect": "Allow", "Resource": "*"}]}, "statement 2 (Two)"),
        ({"Statement": [allow() | {"NotAction": "x:y"}]}, "both Action and NotAction"),
        ({"Statement": [allow() | {"Action": 5}]}, "Action is a number"),
        ({"Statement": {"Effect": "Allow", "Action": "s3:*"}}, "neither Resource nor NotResource"),
        ({"Statement": [allow(Condition={"StringIs": {"aws:a": "x"}})]}, "StringIs on aws:a"),
        ({"Statement": [allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/99"}})]}, "10.0.0.0/99"),
        ({"Statement": [allow(Condition={"Bool": "x"})]}, "Condition Bool"),
        ({"Statement": [allow(Condition={"NullIfExists": {"aws:a": "true"}})]}, "IfExists does not go with Null"),
        ({"Statement": [allow(Condition={"NumericEquals": {"aws:a": "nan"}})]}, "'nan' is no number"),
        ({"Statement": [allow(Condition={"NumericEquals": {"aws:a": "1_000"}})]}, "'1_000' is no number"),
        ({"Statement": [allow(Condition={"IpAddress": {"aws:a": "10.0.0.0/255.0.0.0"}})]}, "10.0.0.0/255.0.0.0"),
        ({"Statement": [allow(Condition={"BinaryEquals": {"aws:a": "QQ"}})]}, "'QQ' is no text in base64"),
        ({"Version": "2020-01-01", "Statement": []}, "2020-01-01"),
        ({"Version": "2012-10-17"}, "no Statement"),
        ([], "identity policy 1: is a list"),
        ("{", "identity policy 1: is not JSON"),
    ],
)
def test_a_malformed_policy_is_named_with_its_statement(broken: Any, names: str) -> None:
    with pytest.raises(CaseError, match="identity policy 1") as caught:
        ask(identityPolicies=[broken])
    assert names in str(caught.value)


@pytest.mark.parametrize(
    "request_",
    [
        None,
        {},
        {"principal": USER, "action": "s3", "resource": "*"},
        {"principal": "x", "action": "s3:a", "resource": "*"},
    ],
)
def test_a_malformed_request_is_refused(request_: Any) -> None:
    with pytest.raises(CaseError):
        simulate({"request": request_})


def test_named_policies_are_cited_by_name() -> None:
    answer = simulate(
        {
            "request": {"principal": USER, "action": "s3:GetObject", "resource": {"resource": OBJECT}},
            "identityPolicies": [{"name": "readers", "policy": policy(allow(Sid="Read"))}],
        }
    )
    assert answer.to_json() == {
        "response": "Allowed",
        "decided_by": [{"policy": "readers", "sid": "Read", "effect": "Allow"}],
        "why": f"readers allows s3:GetObject on {OBJECT} in statement Read, and nothing denies or limits it",
    }
