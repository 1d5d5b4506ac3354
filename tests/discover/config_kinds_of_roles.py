"""Configuration items of what runs under a role, as in `config_kinds.py`."""

from __future__ import annotations

from typing import Any

from discover.config_kinds import ACCOUNT, SECRET, arn, item

ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
APP, SITE = arn("apprunner", "service/web/1"), arn("amplify", "apps/1")
MACHINE, BOOK = arn("states", "stateMachine:orders"), arn("sagemaker", "notebook-instance/book")
STUDIO, API = arn("sagemaker", "domain/d-1"), arn("appsync", "apis/1")
PIPELINE, MACHINES = arn("imagebuilder", "image-pipeline/p"), arn("imagebuilder", "infrastructure-configuration/i")
TESTS = arn("devicefarm", "project:p1")

OF_ROLES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        item(
            "AWS::Amplify::App",
            SITE,
            {
                "AppId": "1",
                "AppName": "site",
                "Arn": SITE,
                "IAMServiceRole": ROLE,
                "EnvironmentVariables": [{"Name": "P", "Value": SECRET}],
            },
        ),
        {"appArn": SITE, "iamServiceRoleArn": ROLE},
    ),
    (
        item(
            "AWS::AppRunner::Service",
            APP,
            {
                "ServiceArn": APP,
                "ServiceName": "web",
                "InstanceConfiguration": {"InstanceRoleArn": ROLE},
                "SourceConfiguration": {
                    "ImageRepository": {
                        "ImageIdentifier": "web",
                        "ImageConfiguration": {"RuntimeEnvironmentVariables": [{"Name": "P", "Value": SECRET}]},
                    }
                },
            },
        ),
        {
            "InstanceConfiguration": {"InstanceRoleArn": ROLE},
            "SourceConfiguration.ImageRepository.ImageIdentifier": "web",
        },
    ),
    (
        item(
            "AWS::AppStream::Fleet",
            arn("appstream", "fleet/desk"),
            {"Id": "desk", "Name": "desk", "IamRoleArn": ROLE, "VpcConfig": {"SubnetIds": ["subnet-1"]}},
        ),
        {"Name": "desk", "IamRoleArn": ROLE, "VpcConfig": {"SubnetIds": ["subnet-1"]}},
    ),
    (
        item(
            "AWS::AppSync::GraphQLApi",
            API,
            {"ApiId": "1", "Arn": API, "Id": API, "LogConfig": {"FieldLogLevel": "ALL"}},
        ),
        {"apiId": "1", "arn": API, "logConfig": {"fieldLogLevel": "ALL"}},
    ),
    (
        item(
            "AWS::Athena::WorkGroup",
            arn("athena", "workgroup/lab"),
            {
                "Name": "lab",
                "State": "ENABLED",
                "WorkGroupConfiguration": {
                    "ExecutionRole": ROLE,
                    "EngineVersion": {"EffectiveEngineVersion": "PySpark engine version 3"},
                    "EngineConfiguration": {"SparkProperties": {"key": SECRET}},
                },
            },
        ),
        {"Name": "lab", "Configuration.ExecutionRole": ROLE},
    ),
    (
        item(
            "AWS::Cognito::IdentityPool",
            arn("cognito-identity", "identitypool/eu-west-1:1"),
            {"Id": "eu-west-1:1", "IdentityPoolName": "app", "AllowUnauthenticatedIdentities": True},
        ),
        {"IdentityPoolId": "eu-west-1:1", "AllowUnauthenticatedIdentities": True},
    ),
    (
        item("AWS::DeviceFarm::Project", TESTS, {"Arn": TESTS, "Name": "app", "DefaultJobTimeoutMinutes": 5}),
        {"arn": TESTS, "name": "app", "defaultJobTimeoutMinutes": 5},
    ),
    (
        item(
            "AWS::Glue::Job",
            arn("glue", "job/etl"),
            {"Id": "etl", "Name": "etl", "Role": ROLE, "Command": {"ScriptLocation": "s3://code/job.py"}},
        ),
        {"Name": "etl", "Role": ROLE, "Command": {"ScriptLocation": "s3://code/job.py"}},
    ),
    (
        item(
            "AWS::ImageBuilder::ImagePipeline",
            PIPELINE,
            {"Arn": PIPELINE, "Name": "p", "InfrastructureConfigurationArn": MACHINES},
        ),
        {"arn": PIPELINE, "infrastructureConfigurationArn": MACHINES},
    ),
    (
        item(
            "AWS::ImageBuilder::InfrastructureConfiguration",
            MACHINES,
            {"Arn": MACHINES, "Name": "i", "InstanceProfileName": "builder", "SecurityGroupIds": ["sg-1"]},
        ),
        {"arn": MACHINES, "instanceProfileName": "builder", "securityGroupIds": ["sg-1"]},
    ),
    (
        item("AWS::IoT::RoleAlias", arn("iot", "rolealias/device"), {"RoleAlias": "device", "RoleArn": ROLE}),
        {"roleAlias": "device", "roleArn": ROLE},
    ),
    (
        item("AWS::SageMaker::Domain", STUDIO, {"DomainArn": STUDIO, "DefaultUserSettings": {"ExecutionRole": ROLE}}),
        {"DomainArn": STUDIO, "DefaultUserSettings": {"ExecutionRole": ROLE}},
    ),
    (
        item("AWS::SageMaker::NotebookInstance", BOOK, {"Id": BOOK, "NotebookInstanceName": "book", "RoleArn": ROLE}),
        {"NotebookInstanceArn": BOOK, "RoleArn": ROLE},
    ),
    (
        item(
            "AWS::StepFunctions::StateMachine",
            MACHINE,
            {"Arn": MACHINE, "StateMachineName": "orders", "StateMachineType": "STANDARD", "RoleArn": ROLE},
        ),
        {"stateMachineArn": MACHINE, "name": "orders", "type": "STANDARD", "roleArn": ROLE},
    ),
    (
        item("AWS::ServiceCatalog::Portfolio", arn("catalog", "portfolio/port-1"), {"providerName": "it"}),
        {"ProviderName": "it"},
    ),
]
