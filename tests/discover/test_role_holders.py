"""What runs under a role beside instances and functions, as it is in the simulated AWS: with its role, never with what
people write into variables, arguments and parameters."""

from __future__ import annotations

import json

import pytest

from discover.world import SECRET, answer, arn, found_in
from sakimori.simulate.aws import ACCOUNT, SimulatedAws

ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
TRUSTS = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}]}'
TEMPLATE = json.dumps(
    {
        "Parameters": {"Password": {"Type": "String"}},
        "Resources": {"Q": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"P": {"Value": {"Ref": "Password"}}},
    }
)
GIVEN = [{"ParameterKey": "Password", "ParameterValue": SECRET}]


@pytest.fixture(autouse=True)
def role(aws: SimulatedAws) -> None:
    aws.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUSTS)


def test_stacks_and_stack_sets(aws: SimulatedAws) -> None:
    client = aws.client("cloudformation")
    stack = client.create_stack(StackName="web", TemplateBody=TEMPLATE, Parameters=GIVEN, RoleARN=ROLE)["StackId"]
    client.create_stack_set(
        StackSetName="base", TemplateBody=TEMPLATE, Parameters=GIVEN, AdministrationRoleARN=ROLE, ExecutionRoleName="x"
    )
    found = found_in("cloudformation")
    assert found["AWS::CloudFormation::Stack"][0] == stack
    for kind in ("Stack", "StackSet"):
        assert ("runs-as", ROLE) in found[f"AWS::CloudFormation::{kind}"][2]
    assert found["AWS::CloudFormation::StackSet"][0].startswith(arn("cloudformation", "stackset/base:"))


def test_glue_jobs_and_endpoints(aws: SimulatedAws) -> None:
    client = aws.client("glue")
    command = {"Name": "glueetl", "ScriptLocation": "s3://code/job.py"}
    client.create_job(Name="etl", Role=ROLE, Command=command, DefaultArguments={"--password": SECRET})
    client.create_dev_endpoint(EndpointName="dev", RoleArn=ROLE, Arguments={"--password": SECRET})
    found = found_in("glue")
    assert found["AWS::Glue::Job"][0] == arn("glue", "job/etl")
    assert "--password" in found["AWS::Glue::Job"][1]["DefaultArguments"]
    assert ("runs-as", ROLE) in found["AWS::Glue::Job"][2] & found["AWS::Glue::DevEndpoint"][2]


def test_notebooks_and_the_profiles_of_studio(aws: SimulatedAws) -> None:
    client = aws.client("sagemaker")
    client.create_notebook_instance(NotebookInstanceName="book", InstanceType="ml.t2.medium", RoleArn=ROLE)
    domain = client.create_domain(
        DomainName="lab",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": ROLE},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
    )["DomainArn"]
    id = domain.rpartition("/")[2]
    answer(aws, "sagemaker", "ListUserProfiles", {"UserProfiles": [{"DomainId": id, "UserProfileName": "ann"}]})
    told = {"DomainId": id, "UserProfileName": "ann", "UserSettings": {"SecurityGroups": []}}
    answer(aws, "sagemaker", "DescribeUserProfile", told)
    found = found_in("sagemaker")
    assert ("runs-as", ROLE) in found["AWS::SageMaker::NotebookInstance"][2] & found["AWS::SageMaker::Domain"][2]
    uid, config, tied = found["AWS::SageMaker::UserProfile"]
    assert (uid, tied) == (arn("sagemaker", f"user-profile/{id}/ann"), {("in", domain)})
    assert config["DefaultUserSettings"]["ExecutionRole"] == ROLE


def test_state_machines(aws: SimulatedAws) -> None:
    definition = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
    client = aws.client("stepfunctions")
    machine = client.create_state_machine(
        name="orders", definition=definition, roleArn=ROLE, tags=[{"key": "tier", "value": "web"}]
    )["stateMachineArn"]
    uid, config, tied = found_in("stepfunctions")["AWS::StepFunctions::StateMachine"]
    assert (uid, tied) == (machine, {("runs-as", ROLE)})
    assert config["definition"]["StartAt"] == "Pass"


def test_job_definitions(aws: SimulatedAws) -> None:
    container = {
        "image": "busybox",
        "vcpus": 1,
        "memory": 64,
        "jobRoleArn": ROLE,
        "environment": [{"name": "PASSWORD", "value": SECRET}],
    }
    aws.client("batch").register_job_definition(
        jobDefinitionName="count", type="container", containerProperties=container, parameters={"password": SECRET}
    )
    uid, config, tied = found_in("batch")["AWS::Batch::JobDefinition"]
    assert (uid.rpartition("/")[2], tied) == ("count:1", {("runs-as", ROLE)})
    assert config["containerProperties"]["environment"][0]["name"] == "PASSWORD"


def test_clusters_of_emr(aws: SimulatedAws) -> None:
    aws.client("emr").run_job_flow(
        Name="count",
        Instances={"InstanceCount": 1, "MasterInstanceType": "m5.large", "KeepJobFlowAliveWhenNoSteps": True},
        JobFlowRole="nodes",
        ServiceRole="service",
        Configurations=[{"Classification": "core-site", "Properties": {"fs.s3.key": SECRET}}],
    )
    _, config, tied = found_in("emr")["AWS::EMR::Cluster"]
    assert config["Ec2InstanceAttributes"]["IamInstanceProfile"] == "nodes"
    assert ("uses", f"arn:aws:iam::{ACCOUNT}:instance-profile/nodes") in tied


def test_role_aliases_and_identity_pools(aws: SimulatedAws) -> None:
    aws.client("iot").create_role_alias(roleAlias="device", roleArn=ROLE)
    assert found_in("iot")["AWS::IoT::RoleAlias"][::2] == (arn("iot", "rolealias/device"), {("runs-as", ROLE)})
    client = aws.client("cognito-identity")
    id = client.create_identity_pool(IdentityPoolName="app", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    roles = {"IdentityPoolId": id, "Roles": {"unauthenticated": ROLE}}
    answer(aws, "cognito-identity", "GetIdentityPoolRoles", roles)
    uid, config, tied = found_in("cognitoidentity")["AWS::Cognito::IdentityPool"]
    assert (uid, config["Roles"]) == (arn("cognito-identity", f"identitypool/{id}"), {"unauthenticated": ROLE})
    assert tied == {("runs-as", ROLE)}


def test_what_the_simulation_has_no_answer_to(aws: SimulatedAws) -> None:
    service = arn("apprunner", "service/web/1")
    summary = {"ServiceArn": service, "ServiceName": "web"}
    variables = {"RuntimeEnvironmentVariables": {"PASSWORD": SECRET}}
    image = {"ImageIdentifier": "web", "ImageRepositoryType": "ECR", "ImageConfiguration": variables}
    described = {
        **summary,
        "ServiceId": "1",
        "Status": "RUNNING",
        "SourceConfiguration": {"ImageRepository": image},
        "InstanceConfiguration": {"InstanceRoleArn": ROLE},
    }
    answer(aws, "apprunner", "ListServices", {"ServiceSummaryList": [summary]})
    answer(aws, "apprunner", "DescribeService", {"Service": described})
    answer(aws, "apprunner", "ListTagsForResource", {"Tags": [{"Key": "tier", "Value": "web"}]})
    assert found_in("apprunner")["AWS::AppRunner::Service"][::2] == (service, {("runs-as", ROLE)})

    shown = {"appArn": arn("amplify", "apps/1"), "name": "site", "iamServiceRoleArn": ROLE}
    answer(aws, "amplify", "ListApps", {"apps": [{**shown, "environmentVariables": {"P": SECRET}}]})
    assert found_in("amplify")["AWS::Amplify::App"][::2] == (shown["appArn"], {("runs-as", ROLE)})

    options = {"core.password": SECRET}
    environment = {"Name": "flows", "ExecutionRoleArn": ROLE, "AirflowConfigurationOptions": options}
    answer(aws, "mwaa", "ListEnvironments", {"Environments": ["flows"]})
    answer(aws, "mwaa", "GetEnvironment", {"Environment": {**environment, "SourceBucketArn": "arn:aws:s3:::dags"}})
    uid, _, tied = found_in("mwaa")["AWS::MWAA::Environment"]
    assert uid == arn("airflow", "environment/flows")
    assert tied == {("runs-as", ROLE), ("built-from", "arn:aws:s3:::dags")}


def test_agents(aws: SimulatedAws) -> None:
    client = "bedrock-agentcore-control"
    runtime, browser, interpreter = (
        arn("bedrock-agentcore", f"{kind}/x-1") for kind in ("runtime", "browser-custom", "code-interpreter-custom")
    )
    one = {"agentRuntimeArn": runtime, "agentRuntimeId": "x-1", "agentRuntimeName": "x", "status": "READY"}
    answer(aws, client, "ListAgentRuntimes", {"agentRuntimes": [one]})
    answer(aws, client, "GetAgentRuntime", {**one, "roleArn": ROLE, "environmentVariables": {"P": SECRET}})
    answer(aws, client, "GetResourcePolicy", {"policy": TRUSTS})
    two = {"browserArn": browser, "browserId": "x-1", "name": "x", "status": "READY"}
    answer(aws, client, "ListBrowsers", {"browserSummaries": [two]})
    answer(aws, client, "GetBrowser", {**two, "executionRoleArn": ROLE})
    three = {"codeInterpreterArn": interpreter, "codeInterpreterId": "x-1", "name": "x", "status": "READY"}
    answer(aws, client, "ListCodeInterpreters", {"codeInterpreterSummaries": [three]})
    answer(aws, client, "GetCodeInterpreter", {**three, "executionRoleArn": ROLE})
    found = found_in("bedrockagentcore")
    assert {uid for uid, _, tied in found.values() if tied == {("runs-as", ROLE)}} == {runtime, browser, interpreter}
    assert found["AWS::BedrockAgentCore::Runtime"][1]["Policy"]["Version"] == "2012-10-17"
