"""Ways into what has a role already: what makes each of them one, what does not, and from discovery to the finding."""

from __future__ import annotations

import json
from typing import Any

import pytest

from discover.world import answer, arn, discovered
from estates import ACCOUNT, allow, inventory, profile, role, trust, user
from sakimori.assess.access.escalation import Escalation, escalations
from sakimori.assess.access.estate import estate
from sakimori.assess.access.holders import named_by
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.asset import Asset
from sakimori.simulate.aws import ACCOUNT as SIMULATED
from sakimori.simulate.aws import SimulatedAws

ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
HERE = f"eu-west-1:{ACCOUNT}"


def thing(kind: str, uid: str, /, **config: Any) -> Asset:
    return Asset(uid, kind, ACCOUNT, "eu-west-1", config)


def found_by(*allowed: Any, assets: tuple[Asset, ...], trusts: Any = None) -> list[Escalation]:
    """How ann, who is allowed this and no more, becomes an administrator."""
    service = trusts or trust({"Service": "any.amazonaws.com"})
    return escalations(estate(inventory(user("ann", *allowed), role("admin", allow("*"), trusts=service), *assets)))


def ways(*allowed: Any, assets: tuple[Asset, ...], trusts: Any = None) -> list[str]:
    found = found_by(*allowed, assets=assets, trusts=trusts)
    return sorted(edge.method.id for each in found for edge in (each.chain[0], *each.others))


def test_an_arn_for_each_value_that_a_path_leads_to() -> None:
    asset = thing("AWS::X::Y", f"arn:aws-cn:x:{HERE}:y/1", Name="n", Stacks=["a", "b"], Own=["arn:1"], Deep={"Id": "d"})
    assert [*named_by(asset, "arn:{@partition}:x:{@region}:{@account}:y/{Name}/*")] == [f"arn:aws-cn:x:{HERE}:y/n/*"]
    assert [*named_by(asset, "stack/{Stacks[]}/{Deep.Id}")] == ["stack/a/d", "stack/b/d"]
    assert [*named_by(asset, "{Own[]}")] == ["arn:1"]
    assert [*named_by(asset, "{Stacks[]}-{Missing}")] == []


# ---- Roles Anywhere

ANCHOR, SECOND = (f"arn:aws:rolesanywhere:{HERE}:trust-anchor/{n}" for n in (1, 2))


def signing(*, anchor: bool = True, in_force: bool = True, roles: tuple[str, ...] = (ADMIN,)) -> tuple[Asset, ...]:
    made = f"arn:aws:rolesanywhere:{HERE}:profile/1"
    return (
        thing("AWS::RolesAnywhere::TrustAnchor", ANCHOR, trustAnchorArn=ANCHOR, enabled=anchor),
        thing("AWS::RolesAnywhere::TrustAnchor", SECOND, trustAnchorArn=SECOND, enabled=True),
        thing("AWS::RolesAnywhere::Profile", made, profileArn=made, enabled=in_force, roleArns=[*roles]),
    )


def trusting(**condition: Any) -> dict[str, Any]:
    return trust({"Service": "rolesanywhere.amazonaws.com"}, **({"Condition": condition} if condition else {}))


REPLACED = allow("rolesanywhere:UpdateTrustAnchor", ANCHOR)
ADDED = allow("rolesanywhere:CreateTrustAnchor")


def test_whoever_replaces_or_adds_an_authority_signs_in() -> None:
    assert ways(REPLACED, assets=signing(), trusts=trusting()) == ["roles_anywhere_authority_replaced"]
    assert ways(ADDED, assets=signing(), trusts=trusting()) == ["roles_anywhere_authority_added"]


@pytest.mark.parametrize("wanted", [{"in_force": False}, {"roles": (f"{ADMIN}2",)}])
def test_no_profile_in_force_has_the_role(wanted: dict[str, Any]) -> None:
    assert ways(REPLACED, ADDED, assets=signing(**wanted), trusts=trusting()) == []


def test_an_anchor_that_is_off_lets_nobody_in() -> None:
    assert ways(REPLACED, assets=signing(anchor=False), trusts=trusting()) == []


def test_a_role_may_trust_one_anchor_alone() -> None:
    mine, other = (trusting(ArnEquals={"aws:SourceArn": each}) for each in (ANCHOR, SECOND))
    assert ways(REPLACED, ADDED, assets=signing(), trusts=mine) == ["roles_anywhere_authority_replaced"]
    assert ways(REPLACED, ADDED, assets=signing(), trusts=other) == []
    anybody = trusting(ArnLike={"aws:SourceArn": f"arn:aws:rolesanywhere:*:{ACCOUNT}:trust-anchor/*"})
    assert len(ways(REPLACED, ADDED, assets=signing(), trusts=anybody)) == 2


def test_a_role_that_asks_for_a_certificate_of_some_name_stays_open() -> None:
    named = trusting(StringEquals={"aws:PrincipalTag/x509Subject/CN": "builder"})
    (found,) = found_by(REPLACED, assets=signing(), trusts=named)
    assert found.outcome is Outcome.CONDITIONAL
    assert "builder" in " ".join(found.chain[0].conditions)


# ---- what a description must say besides


def source(**http: Any) -> tuple[Asset, ...]:
    uid = f"arn:aws:appsync:{HERE}:apis/1/datasources/s"
    return (thing("AWS::AppSync::DataSource", uid, serviceRoleArn=ADMIN, httpConfig=http or None),)


def test_a_source_that_signs_is_one_and_a_table_is_none() -> None:
    field = allow("appsync:UpdateResolver")
    signed = {"authorizationType": "AWS_IAM", "awsIamConfig": {"signingServiceName": "iam"}}
    assert ways(field, assets=source(endpoint="https://iam.amazonaws.com", authorizationConfig=signed)) == [
        "graph_field_changed"
    ]
    assert ways(field, assets=source(endpoint="https://example.com")) == []
    assert ways(field, assets=source()) == []


def environment(name: str) -> tuple[Asset, ...]:
    resources = [{"name": "bucket", "value": "admin"}, {"name": name, "value": ADMIN}]
    uid = f"arn:aws:datazone:{HERE}:domain/d/environment/e"
    return (thing("AWS::DataZone::Environment", uid, domainId="d", provisionedResources=resources),)


def test_an_environment_gives_out_its_users_role_alone() -> None:
    keys = allow("datazone:GetEnvironmentCredentials", f"arn:aws:datazone:{HERE}:domain/d")
    assert ways(keys, assets=environment("userRoleArn")) == ["data_environment_keys_taken"]
    assert ways(keys, assets=environment("otherRoleArn")) == []
    elsewhere = allow("datazone:GetEnvironmentCredentials", f"arn:aws:datazone:{HERE}:domain/other")
    assert ways(elsewhere, assets=environment("userRoleArn")) == []


def test_a_session_needs_the_fleet_and_one_of_its_stacks() -> None:
    uid = f"arn:aws:appstream:{HERE}:fleet/f"
    fleet = thing("AWS::AppStream::Fleet", uid, IamRoleArn=ADMIN, Stacks=["a", "b"])
    both = allow("appstream:CreateStreamingURL", [uid, f"arn:aws:appstream:{HERE}:stack/b"])
    assert ways(both, assets=(fleet,)) == ["appstream_session_opened"]
    assert ways(allow("appstream:CreateStreamingURL", uid), assets=(fleet,)) == []
    assert ways(both, assets=(thing(fleet.type, uid, IamRoleArn=ADMIN, Stacks=["a"]),)) == []


@pytest.mark.parametrize(("version", "open"), [("x.x.x", True), ("1.x.x", True), ("1.2.3/1", False), ("1.2.3", False)])
def test_only_components_of_an_open_version_can_be_slipped_in(version: str, open: bool) -> None:
    components = [{"componentArn": f"arn:aws:imagebuilder:{HERE}:component/harden/{version}"}]
    infrastructure = f"arn:aws:imagebuilder:{HERE}:infrastructure-configuration/i"
    pipeline = f"arn:aws:imagebuilder:{HERE}:image-pipeline/p"
    config = {"infrastructureConfigurationArn": infrastructure, "ContainerRecipe": {"components": components}}
    assets = (
        profile("build", "admin"),
        thing("AWS::ImageBuilder::InfrastructureConfiguration", infrastructure, instanceProfileName="build"),
        thing("AWS::ImageBuilder::ImagePipeline", pipeline, **config),
    )
    mine = allow("imagebuilder:CreateComponent", f"arn:aws:imagebuilder:{HERE}:component/harden/*")
    start = allow("imagebuilder:StartImagePipelineExecution", pipeline)
    assert ways(mine, start, assets=assets) == (["image_component_replaced"] if open else [])
    other = allow("imagebuilder:CreateComponent", f"arn:aws:imagebuilder:{HERE}:component/own/*")
    assert ways(other, start, assets=assets) == []


@pytest.mark.parametrize("named", [{"RoleArn": ADMIN}, {"LocalRoleName": "admin"}])
def test_a_product_is_launched_under_the_role_of_its_constraint(named: dict[str, str]) -> None:
    uid, product = f"arn:aws:catalog:{HERE}:constraint/c", f"arn:aws:catalog:{HERE}:product/p"
    constraint = thing("AWS::ServiceCatalog::LaunchRoleConstraint", uid, ConstraintParameters=named, ProductId="p")
    calls = ["servicecatalog:CreateProvisioningArtifact", "servicecatalog:ProvisionProduct"]
    assert ways(allow(calls, product), assets=(constraint,)) == ["product_version_added"]
    assert ways(allow(calls, f"{product}2"), assets=(constraint,)) == []


# ---- from discovery


def test_what_is_discovered_is_found_to_be_a_way_in(aws: SimulatedAws) -> None:
    iam = aws.client("iam")
    admin = f"arn:aws:iam::{SIMULATED}:role/admin"
    everybody = json.dumps(trust({"Service": ["rolesanywhere.amazonaws.com", "fis.amazonaws.com"]}))
    iam.create_role(RoleName="admin", AssumeRolePolicyDocument=everybody)
    everything = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]})
    iam.put_role_policy(RoleName="admin", PolicyName="all", PolicyDocument=everything)
    fleet, anchor = arn("appstream", "fleet/desk"), arn("rolesanywhere", "trust-anchor/1")
    allowed = {
        "opener": allow("appstream:CreateStreamingURL", [fleet, arn("appstream", "stack/people")]),
        "signer": allow("rolesanywhere:UpdateTrustAnchor", anchor),
        "tester": allow(["fis:UpdateExperimentTemplate", "fis:StartExperiment"]),
        "stranger": allow("rolesanywhere:UpdateTrustAnchor", arn("rolesanywhere", "trust-anchor/2")),
    }
    for name, statement in allowed.items():
        iam.create_user(UserName=name)
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=text)
    one = {"Arn": fleet, "Name": "desk", "InstanceType": "s", "State": "RUNNING", "IamRoleArn": admin}
    answer(aws, "appstream", "DescribeFleets", {"Fleets": [{**one, "ComputeCapacityStatus": {"Desired": 1}}]})
    answer(aws, "appstream", "ListAssociatedStacks", {"Names": ["people"]})
    anchors = [{"trustAnchorArn": anchor, "name": "pki", "enabled": True}]
    answer(aws, "rolesanywhere", "ListTrustAnchors", {"trustAnchors": anchors})
    profiles = [{"profileArn": arn("rolesanywhere", "profile/1"), "enabled": True, "roleArns": [admin]}]
    answer(aws, "rolesanywhere", "ListProfiles", {"profiles": profiles})
    aws.client("fis").create_experiment_template(
        clientToken="t",
        description="d",
        roleArn=admin,
        stopConditions=[{"source": "none"}],
        targets={},
        actions={"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
    )
    found = escalations(estate(discovered("iam", "appstream", "rolesanywhere", "fis")))
    assert {each.principal.rpartition("/")[2]: each.chain[0].method.id for each in found} == {
        "opener": "appstream_session_opened",
        "signer": "roles_anywhere_authority_replaced",
        "tester": "experiment_of_role_changed",
    }
