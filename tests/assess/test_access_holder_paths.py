"""Where methods look for a role is where discovery puts it: by botocore's models, and by the simulated AWS."""

from __future__ import annotations

import json
import re

import pytest

from discover import test_services as models
from discover.world import discovered
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import estate
from sakimori.assess.access.holders import AROUND
from sakimori.assess.access.methods import methods
from sakimori.discover.services import own_services
from sakimori.simulate.aws import ACCOUNT, SimulatedAws

HOLDERS = sorted({method.holder for method in methods() if method.holder})
WHERE = {
    resource.type: (service, listing, resource)
    for service in own_services().values()
    for listing, resource in service.resources()
}
ELSEWHERE = {
    "@deployed-to": "AWS::EC2::Instance",
    "@deployed-by": "AWS::EC2::Instance",
    "@of-beanstalk": "AWS::EC2::Instance",
    "@built-by": "AWS::CodeBuild::Project",
    "taskDefinitionArn": "AWS::ECS::TaskDefinition",
    "infrastructureConfigurationArn": "AWS::ImageBuilder::InfrastructureConfiguration",
    "@associated-with": "AWS::EC2::Instance",
    "@associated-with-latest": "AWS::EC2::Instance",
    "@signing": "AWS::AppSync::DataSource",
    "@enabled": "AWS::RolesAnywhere::Profile",
    "@signed-in-by": "AWS::RolesAnywhere::Profile",
}
"""The kind of what the second half of a path is looked up in, by its first half."""


def is_there(kind: str, path: str) -> bool:
    return models.leads(models.config_shape(*WHERE[kind]), re.sub(r"\[[^]]+\]", "[]", path))


@pytest.mark.parametrize(("kind", "paths"), HOLDERS)
def test_a_path_leads_to_something_that_discovery_keeps(kind: str, paths: str) -> None:
    for path in paths.split(", "):
        first, arrow, rest = path.partition(" -> ")
        assert first in AROUND or is_there(kind, first), path
        assert not arrow or is_there(ELSEWHERE[first], rest), path
    parsed = any(detail.parse for detail in WHERE[kind][2].details)
    assert parsed or not is_there(kind, "nosuch"), "else the test means nothing"


TEMPLATES = sorted(
    {
        (method.holder[0], template)
        for method in methods()
        for template in (method.source, *(need.place for need in method.needs))
        if method.holder and "{" in template
    }
)


@pytest.mark.parametrize(("kind", "template"), TEMPLATES)
def test_an_arn_is_made_of_what_discovery_keeps(kind: str, template: str) -> None:
    for path in re.findall(r"\{([^{}]*)\}", template):
        assert path in ("@partition", "@region", "@account") or is_there(kind, path), path


def policy(action: str | list[str], resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trusting(service: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def account(aws: SimulatedAws) -> None:
    """A pipeline that builds from a bucket, a job of Glue and a state machine, each under an administrator's role."""
    iam = aws.client("iam")
    for service in ("codebuild", "glue", "states"):
        iam.create_role(RoleName=service, AssumeRolePolicyDocument=trusting(service))
        iam.put_role_policy(RoleName=service, PolicyName="all", PolicyDocument=policy("*"))
    iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=trusting("codepipeline"))
    for user, allowed in {
        "developer": policy("s3:PutObject", "arn:aws:s3:::code/app/*"),
        "writer": policy("s3:PutObject", "arn:aws:s3:::code/docs/*"),
        "analyst": policy("glue:UpdateJob", f"arn:aws:glue:*:{ACCOUNT}:job/etl"),
        "stranger": policy("glue:UpdateJob", f"arn:aws:glue:*:{ACCOUNT}:job/other"),
        "operator": policy(["states:UpdateStateMachine", "states:StartExecution"]),
    }.items():
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=allowed)
    aws.client("codebuild").create_project(
        name="web",
        source={"type": "S3", "location": "elsewhere/web.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/codebuild",
    )

    def action(category: str, provider: str, configuration: dict[str, str]) -> dict[str, object]:
        kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        return {"name": category, "actionTypeId": kind, "configuration": configuration}

    source = action("Source", "S3", {"S3Bucket": "code", "S3ObjectKey": "app/web.zip"})
    stages = [
        {"name": "Source", "actions": [source]},
        {"name": "Build", "actions": [action("Build", "CodeBuild", {"ProjectName": "web"})]},
    ]
    role = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
    store = {"type": "S3", "location": "artifacts"}
    aws.client("codepipeline").create_pipeline(
        pipeline={"name": "web", "roleArn": role, "artifactStore": store, "stages": stages}
    )
    aws.client("s3").create_bucket(Bucket="code")
    aws.client("glue").create_job(Name="etl", Role="glue", Command={"Name": "glueetl", "ScriptLocation": "s3://j/j.py"})
    definition = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
    machine = f"arn:aws:iam::{ACCOUNT}:role/states"
    aws.client("stepfunctions").create_state_machine(name="m", definition=definition, roleArn=machine)


def test_what_is_discovered_leads_to_an_administrator(account: None) -> None:
    names = ("iam", "s3", "codebuild", "codepipeline", "glue", "stepfunctions")
    found = escalations(estate(discovered(*names)))
    assert {each.principal.rpartition("/")[2]: each.chain[0].method.id for each in found} == {
        "developer": "pipeline_object_replaced_for_build",
        "analyst": "glue_job_of_role_changed",
        "operator": "state_machine_changed",
    }
