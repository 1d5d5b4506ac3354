"""Ways into what has a role already: what makes each of them one, what does not, and from discovery to the finding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from discover.world import answer, arn, discovered
from estates import ACCOUNT, allow, document, inventory, profile, role, trust, user
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


def signing(
    *, anchor: bool = True, in_force: bool = True, roles: tuple[str, ...] = (ADMIN,), **limits: Any
) -> tuple[Asset, ...]:
    made = f"arn:aws:rolesanywhere:{HERE}:profile/1"
    return (
        thing("AWS::RolesAnywhere::TrustAnchor", ANCHOR, trustAnchorArn=ANCHOR, enabled=anchor),
        thing("AWS::RolesAnywhere::TrustAnchor", SECOND, trustAnchorArn=SECOND, enabled=True),
        thing("AWS::RolesAnywhere::Profile", made, profileArn=made, enabled=in_force, roleArns=[*roles], **limits),
    )


def trusting(**condition: Any) -> dict[str, Any]:
    return trust({"Service": "rolesanywhere.amazonaws.com"}, **({"Condition": condition} if condition else {}))


REPLACED = allow("rolesanywhere:UpdateTrustAnchor", ANCHOR)
ADDED = allow("rolesanywhere:CreateTrustAnchor")


def test_whoever_replaces_or_adds_an_authority_signs_in() -> None:
    assert ways(REPLACED, assets=signing(), trusts=trusting()) == ["roles_anywhere_authority_replaced"]
    assert ways(ADDED, assets=signing(), trusts=trusting()) == ["roles_anywhere_authority_added"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"in_force": False},
        {"roles": (f"{ADMIN}2",)},
        {"sessionPolicy": document(allow("s3:*"))},
        {"managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
    ],
)
def test_no_profile_in_force_has_the_role_with_all_its_rights(wanted: dict[str, Any]) -> None:
    assert ways(REPLACED, ADDED, assets=signing(**wanted), trusts=trusting()) == []


def test_a_profile_that_narrows_nothing_is_one() -> None:
    everything = ["arn:aws:iam::aws:policy/AdministratorAccess"]
    assert ways(ADDED, assets=signing(managedPolicyArns=everything), trusts=trusting()) != []


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


ROLE = f"arn:aws:iam::{SIMULATED}:role/admin"


def administrator(aws: SimulatedAws, *services: str) -> None:
    """An administrator's role that these services may take."""
    iam = aws.client("iam")
    trusted = json.dumps(trust({"Service": [f"{each}.amazonaws.com" for each in services]}))
    iam.create_role(RoleName="admin", AssumeRolePolicyDocument=trusted)
    iam.put_role_policy(RoleName="admin", PolicyName="all", PolicyDocument=json.dumps(document(allow("*"))))


def people(aws: SimulatedAws, allowed: Mapping[str, list[Any]]) -> None:
    """A user for each name, who may do no more than this."""
    iam = aws.client("iam")
    for name, statements in allowed.items():
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(document(*statements)))


def first_links(*names: str) -> dict[str, str]:
    """Who becomes an administrator of the simulated account, and by which method first."""
    found = escalations(estate(discovered("iam", *names)))
    return {each.principal.rpartition("/")[2]: each.chain[0].method.id for each in found}


def test_what_is_discovered_is_found_to_be_a_way_in(aws: SimulatedAws) -> None:
    administrator(aws, "rolesanywhere", "fis")
    fleet, anchor = arn("appstream", "fleet/desk"), arn("rolesanywhere", "trust-anchor/1")
    people(
        aws,
        {
            "opener": [allow("appstream:CreateStreamingURL", [fleet, arn("appstream", "stack/people")])],
            "signer": [allow("rolesanywhere:UpdateTrustAnchor", anchor)],
            "tester": [allow(["fis:UpdateExperimentTemplate", "fis:StartExperiment"])],
            "stranger": [allow("rolesanywhere:UpdateTrustAnchor", arn("rolesanywhere", "trust-anchor/2"))],
        },
    )
    one = {"Arn": fleet, "Name": "desk", "InstanceType": "s", "State": "RUNNING", "IamRoleArn": ROLE}
    answer(aws, "appstream", "DescribeFleets", {"Fleets": [{**one, "ComputeCapacityStatus": {"Desired": 1}}]})
    answer(aws, "appstream", "ListAssociatedStacks", {"Names": ["people"]})
    anchors = [{"trustAnchorArn": anchor, "name": "pki", "enabled": True}]
    answer(aws, "rolesanywhere", "ListTrustAnchors", {"trustAnchors": anchors})
    profiles = [{"profileArn": arn("rolesanywhere", "profile/1"), "enabled": True, "roleArns": [ROLE]}]
    answer(aws, "rolesanywhere", "ListProfiles", {"profiles": profiles})
    aws.client("fis").create_experiment_template(
        clientToken="t",
        description="d",
        roleArn=ROLE,
        stopConditions=[{"source": "none"}],
        targets={},
        actions={"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
    )
    assert first_links("appstream", "rolesanywhere", "fis") == {
        "opener": "appstream_session_opened",
        "signer": "roles_anywhere_authority_replaced",
        "tester": "experiment_of_role_changed",
    }


GROUP, SPECIFICATION = arn("gameliftstreams", "streamgroup/sg-1"), arn("devicefarm", "upload:p1/u1")
COMPONENT, PIPELINE = arn("imagebuilder", "component/harden"), arn("imagebuilder", "image-pipeline/p")
MACHINES = {"arn": arn("imagebuilder", "infrastructure-configuration/m"), "name": "m", "instanceProfileName": "build"}
API, LAB = (
    arn("appsync", "apis/a1"),
    {"Name": "lab", "EngineVersion": {"EffectiveEngineVersion": "PySpark engine version 3"}},
)
DOMAIN = {
    "id": "d",
    "name": "d",
    "arn": arn("datazone", "domain/d"),
    "managedAccountId": SIMULATED,
    "status": "AVAILABLE",
}
SIGNED = {"authorizationType": "AWS_IAM", "awsIamConfig": {"signingServiceName": "iam"}}
CONSTRAINT = {"ConstraintId": "c", "Type": "LAUNCH", "ProductId": "prod-1", "PortfolioId": "port-1"}
MADE = {"createdAt": "2026-01-01T00:00:00Z", "createdBy": "ann"}
ENVIRONMENT = {"domainId": "d", "projectId": "p", "id": "e", "name": "e", "provider": "AWS", **MADE}

ANSWERS: dict[str, dict[str, Any]] = {
    "servicecatalog:ListPortfolios": {
        "PortfolioDetails": [{"Id": "port-1", "ARN": arn("catalog", "portfolio/port-1")}]
    },
    "servicecatalog:ListConstraintsForPortfolio": {"ConstraintDetails": [CONSTRAINT]},
    "servicecatalog:DescribeConstraint": {"ConstraintParameters": '{"LocalRoleName": "admin"}'},
    "datazone:ListDomains": {"items": [{**DOMAIN, **MADE}]},
    "datazone:ListProjects": {"items": [{"domainId": "d", "id": "p", "name": "p", **MADE}]},
    "datazone:ListEnvironments": {"items": [ENVIRONMENT]},
    "datazone:GetEnvironment": {
        **ENVIRONMENT,
        "provisionedResources": [{"name": "userRoleArn", "value": ROLE, "type": "IAM"}],
    },
    "imagebuilder:ListImagePipelines": {
        "imagePipelineList": [
            {
                "arn": PIPELINE,
                "name": "p",
                "infrastructureConfigurationArn": MACHINES["arn"],
                "imageRecipeArn": arn("imagebuilder", "image-recipe/r/1.0.0"),
            }
        ]
    },
    "imagebuilder:GetImageRecipe": {"imageRecipe": {"components": [{"componentArn": f"{COMPONENT}/x.x.x"}]}},
    "imagebuilder:ListInfrastructureConfigurations": {"infrastructureConfigurationSummaryList": [MACHINES]},
    "imagebuilder:GetInfrastructureConfiguration": {"infrastructureConfiguration": MACHINES},
    "devicefarm:ListProjects": {
        "projects": [{"arn": arn("devicefarm", "project:p1"), "name": "p", "executionRoleArn": ROLE}]
    },
    "devicefarm:ListUploads": {
        "uploads": [{"arn": SPECIFICATION, "type": "APPIUM_NODE_TEST_SPEC", "category": "PRIVATE"}]
    },
    "gameliftstreams:ListStreamGroups": {"Items": [{"Arn": GROUP, "Id": "sg-1"}]},
    "gameliftstreams:ListStreamSessions": {
        "Items": [{"Arn": arn("gameliftstreams", "streamsession/sg-1/s"), "Status": "CONNECTED", "RoleArn": ROLE}]
    },
    "appsync:ListGraphqlApis": {"graphqlApis": [{"arn": API, "apiId": "a1", "name": "web"}]},
    "appsync:ListDataSources": {
        "dataSources": [
            {
                "dataSourceArn": f"{API}/datasources/s",
                "name": "s",
                "serviceRoleArn": ROLE,
                "httpConfig": {"endpoint": "https://iam.amazonaws.com", "authorizationConfig": SIGNED},
            }
        ]
    },
    "athena:ListWorkGroups": {"WorkGroups": [LAB]},
    "athena:GetWorkGroup": {"WorkGroup": {**LAB, "Configuration": {"ExecutionRole": ROLE}}},
}
"""What the simulated AWS has no answer to: things whose role stands in a text, a list, or what they refer to."""


@pytest.mark.parametrize(
    ("service", "allowed", "method"),
    [
        (
            "servicecatalog",
            [
                allow(
                    ["servicecatalog:CreateProvisioningArtifact", "servicecatalog:ProvisionProduct"],
                    arn("catalog", "product/prod-1"),
                )
            ],
            "product_version_added",
        ),
        ("datazone", [allow("datazone:GetEnvironmentCredentials", DOMAIN["arn"])], "data_environment_keys_taken"),
        (
            "imagebuilder",
            [
                allow("imagebuilder:CreateComponent", f"{COMPONENT}/*"),
                allow("imagebuilder:StartImagePipelineExecution", PIPELINE),
            ],
            "image_component_replaced",
        ),
        ("devicefarm", [allow("devicefarm:UpdateUpload", SPECIFICATION)], "device_test_changed"),
        ("gameliftstreams", [allow("gameliftstreams:CreateStreamSessionAdminShell", GROUP)], "game_stream_entered"),
        ("appsync", [allow("appsync:UpdateResolver")], "graph_field_changed"),
        (
            "athena",
            [allow("athena:StartCalculationExecution", arn("athena", "workgroup/lab"))],
            "athena_session_joined",
        ),
    ],
)
def test_a_role_is_found_wherever_it_stands(aws: SimulatedAws, service: str, allowed: list[Any], method: str) -> None:
    administrator(aws, "any")
    aws.client("iam").create_instance_profile(InstanceProfileName="build")
    aws.client("iam").add_role_to_instance_profile(InstanceProfileName="build", RoleName="admin")
    people(aws, {"ann": allowed})
    for name, result in ANSWERS.items():
        client, _, operation = name.partition(":")
        answer(aws, client, operation, result)
    assert first_links(service) == {"ann": method}


def test_the_roles_of_a_serverless_applications_jobs(aws: SimulatedAws) -> None:
    administrator(aws, "emr-serverless")
    emr = aws.client("emr-serverless")
    made = emr.create_application(name="jobs", releaseLabel="emr-7.0.0", type="SPARK", clientToken="t")
    emr.start_application(applicationId=made["applicationId"])
    emr.start_job_run(applicationId=made["applicationId"], clientToken="t", executionRoleArn=ROLE)
    people(aws, {"ann": [allow("emr-serverless:UpdateApplication", made["arn"])]})
    assert first_links("emrserverless") == {"ann": "emr_serverless_application_changed"}
