"""Pipelines, builds and deployments, as they are in the simulated AWS: never with their secrets."""

from __future__ import annotations

from typing import Any

from discover.world import discovered, ties
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws, told
from sakimori.simulate.recognise import Operation

ROLE = f"arn:aws:iam::{ACCOUNT}:role/builder"
TRUSTS_PIPELINES = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"Service": "codepipeline.amazonaws.com"}}]}'
)


def answer(aws: SimulatedAws, client: str, operation: str, result: dict[str, Any]) -> None:
    aws.handlers[f"{client}:{operation}"] = lambda call: told(Operation(client, operation), result)


def action(name: str, category: str, provider: str, configuration: dict[str, str]) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": configuration}


def test_a_pipeline_from_its_source_to_its_servers(aws: SimulatedAws) -> None:
    aws.client("iam").create_role(RoleName="builder", AssumeRolePolicyDocument=TRUSTS_PIPELINES)
    stages = [
        {"name": "Source", "actions": [action("s", "Source", "S3", {"S3Bucket": "code", "S3ObjectKey": "a.zip"})]},
        {
            "name": "Build",
            "actions": [
                action(
                    "b",
                    "Build",
                    "CodeBuild",
                    {"ProjectName": "web", "EnvironmentVariables": '[{"name": "P", "value": "hunter2"}]'},
                )
            ],
        },
        {
            "name": "Deploy",
            "actions": [action("d", "Deploy", "CodeDeploy", {"ApplicationName": "web", "DeploymentGroupName": "live"})],
        },
    ]
    aws.client("codepipeline").create_pipeline(
        pipeline={
            "name": "web",
            "roleArn": ROLE,
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "stages": stages,
        },
        tags=[{"key": "tier", "value": "ci"}],
    )
    hook = {
        "definition": {
            "name": "hook",
            "targetPipeline": "web",
            "targetAction": "s",
            "filters": [{"jsonPath": "$.ref"}],
            "authentication": "GITHUB_HMAC",
            "authenticationConfiguration": {"SecretToken": "hunter2"},
        },
        "url": "https://webhooks.example/trigger?t=hunter2",
        "arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:webhook:hook",
    }
    answer(aws, "codepipeline", "ListWebhooks", {"webhooks": [hook]})
    found = discovered("codepipeline")
    assert found.not_evaluated == []
    uid = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:web"
    pipeline = found.get(uid)
    assert pipeline
    assert pipeline.tags == {"tier": "ci"}
    assert [stage["name"] for stage in pipeline.config["stages"]] == ["Source", "Build", "Deploy"]
    assert ties(found, uid) == {
        ("built-from", "arn:aws:s3:::code"),
        ("targets", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/web"),
        ("targets", f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:web/live"),
        ("runs-as", ROLE),
        ("uses", "arn:aws:s3:::artifacts"),
    }
    assert ties(found, hook["arn"]) == {("targets", uid)}  # type: ignore[arg-type]
    assert "hunter2" not in str(list(found))


def test_a_project_without_its_secrets(aws: SimulatedAws) -> None:
    codebuild = aws.client("codebuild")
    codebuild.create_project(
        name="web",
        source={
            "type": "GITHUB",
            "location": "https://kaede:hunter2@github.com/example/web.git",
            "buildspec": "version: 0.2\nenv:\n  variables:\n    PASSWORD: hunter2\n",
        },
        artifacts={"type": "S3", "location": "artifacts"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": True,
            "environmentVariables": [{"name": "PASSWORD", "value": "hunter2"}],
        },
        serviceRole=ROLE,
        tags=[{"key": "tier", "value": "ci"}],
        vpcConfig={"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    )
    credential = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:token/github"
    listed = [{"arn": credential, "serverType": "GITHUB", "authType": "PERSONAL_ACCESS_TOKEN"}]
    answer(aws, "codebuild", "ListSourceCredentials", {"sourceCredentialsInfos": listed})
    found = discovered("codebuild")
    assert found.not_evaluated == []
    project = found.get(f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/web")
    assert project
    assert project.tags == {"tier": "ci"}
    assert [each["name"] for each in project.config["environment"]["environmentVariables"]] == ["PASSWORD"]
    assert project.config["source"]["location"] == "https://(redacted)@github.com/example/web.git"
    assert project.config["source"]["buildspec"] == "(redacted)"
    assert {("runs-as", ROLE), ("targets", "arn:aws:s3:::artifacts")} <= ties(found, project.uid)
    assert ("in", f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-1") in ties(found, project.uid)
    assert found.get(credential)
    assert "hunter2" not in str(list(found))


def test_an_application_and_where_it_is_deployed_to(aws: SimulatedAws) -> None:
    codedeploy = aws.client("codedeploy")
    for name in ("web", "api"):
        codedeploy.create_application(applicationName=name, computePlatform="Server")
        codedeploy.create_deployment_group(
            applicationName=name,
            deploymentGroupName="live",
            serviceRoleArn=ROLE,
            ec2TagFilters=[{"Key": "tier", "Value": name, "Type": "KEY_AND_VALUE"}],
        )
    found = discovered("codedeploy")
    assert found.not_evaluated == []
    group = found.get(f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:web/live")
    assert group
    assert group.config["ec2TagFilters"][0]["Value"] == "web"
    application = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:web"
    assert ties(found, group.uid) == {("in", application), ("runs-as", ROLE)}
    assert {asset.name for asset in found.of_type("AWS::CodeDeploy::Application")} == {"web", "api"}
