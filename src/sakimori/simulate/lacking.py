"""What moto has no answer to, answered in AWS's own shape: calls that list what nobody can make there are empty."""

from __future__ import annotations

import json
from typing import Any

from sakimori.simulate.public_images import public_images

_EMPTY = {
    "ec2": {
        "DescribeInstanceConnectEndpoints": "InstanceConnectEndpoints",
        "DescribeVpcBlockPublicAccessExclusions": "VpcBlockPublicAccessExclusions",
        "DescribeClientVpnEndpoints": "ClientVpnEndpoints",
    },
    "directconnect": {
        "DescribeVirtualInterfaces": "virtualInterfaces",
        "DescribeDirectConnectGateways": "directConnectGateways",
        "DescribeDirectConnectGatewayAssociations": "directConnectGatewayAssociations",
    },
    "elasticache": {"DescribeServerlessCaches": "ServerlessCaches"},
    "ssm": {
        "DescribeInstanceInformation": "InstanceInformationList",
        "DescribeInstancePatchStates": "InstancePatchStates",
        "ListAssociations": "Associations",
    },
    "securityhub": {"GetEnabledStandards": "StandardsSubscriptions"},
    "codepipeline": {"ListWebhooks": "webhooks"},
    "codebuild": {"ListSourceCredentials": "sourceCredentialsInfos"},
    "lambda": {"ListFunctionUrlConfigs": "FunctionUrlConfigs"},
    "eks": {
        "ListAddons": "addons",
        "ListAccessEntries": "accessEntries",
        "ListPodIdentityAssociations": "associations",
    },
    "apigatewayv2": {"GetAuthorizers": "Items"},
    "amplify": {"ListApps": "apps"},
    "apprunner": {"ListServices": "ServiceSummaryList"},
    "appstream": {
        "DescribeAppBlockBuilders": "AppBlockBuilders",
        "DescribeFleets": "Fleets",
        "DescribeImageBuilders": "ImageBuilders",
    },
    "appsync": {"ListDataSources": "dataSources"},
    "bedrock-agentcore-control": {
        "ListBrowsers": "browserSummaries",
        "ListCodeInterpreters": "codeInterpreterSummaries",
    },
    "chatbot": {
        "DescribeSlackChannelConfigurations": "SlackChannelConfigurations",
        "ListMicrosoftTeamsChannelConfigurations": "TeamChannelConfigurations",
    },
    "datazone": {"ListDomains": "items"},
    "deadline": {"ListFarms": "farms"},
    "devicefarm": {"ListProjects": "projects"},
    "emr-serverless": {"ListSessions": "sessions"},
    "gamelift": {"DescribeFleetAttributes": "FleetAttributes"},
    "gameliftstreams": {"ListStreamGroups": "Items"},
    "imagebuilder": {
        "ListImagePipelines": "imagePipelineList",
        "ListInfrastructureConfigurations": "infrastructureConfigurationSummaryList",
    },
    "mwaa": {"ListEnvironments": "Environments"},
    "cloudtrail": {"ListEventDataStores": "EventDataStores", "ListChannels": "Channels"},
    "oam": {"ListSinks": "Items"},
    "codeartifact": {"ListDomains": "domains", "ListRepositories": "repositories"},
    "opensearchserverless": {"ListAccessPolicies": "accessPolicySummaries"},
    "redshift": {"DescribeDataSharesForProducer": "DataShares"},
    "redshift-serverless": {"ListNamespaces": "namespaces", "ListSnapshots": "snapshots"},
    "rekognition": {"DescribeProjects": "ProjectDescriptions"},
    "s3": {"ListDirectoryBuckets": "Buckets"},
    "s3control": {
        "ListAccessPointsForObjectLambda": "ObjectLambdaAccessPointList",
        "ListAccessPointsForDirectoryBuckets": "AccessPointList",
        "ListAccessGrantsInstances": "AccessGrantsInstancesList",
    },
    "s3outposts": {"ListOutpostsWithS3": "Outposts"},
    "schemas": {"ListRegistries": "Registries"},
    "serverlessrepo": {"ListApplications": "Applications"},
    "signer": {"ListSigningProfiles": "profiles"},
    "network-firewall": {"ListFirewallPolicies": "FirewallPolicies", "ListRuleGroups": "RuleGroups"},
    "rolesanywhere": {"ListProfiles": "profiles", "ListTrustAnchors": "trustAnchors"},
    "servicecatalog": {"ListConstraintsForPortfolio": "ConstraintDetails"},
}
"""Service -> operation -> the list in its answer."""

_TOLD: dict[str, dict[str, dict[str, Any]]] = {
    "ec2": {
        "DescribeVpcBlockPublicAccessOptions": {
            "VpcBlockPublicAccessOptions": {
                "State": "default-state",
                "InternetGatewayBlockMode": "off",
                "ManagedBy": "account",
                "ExclusionsAllowed": "allowed",
            }
        },
    },
    "ssm": {
        "GetServiceSetting": {
            "ServiceSetting": {
                "SettingId": "/ssm/documents/console/public-sharing-permission",
                "SettingValue": "Disable",
                "ARN": "arn:aws:ssm:us-east-1:123456789012:servicesetting"
                "/ssm/documents/console/public-sharing-permission",
                "Status": "Default",
            }
        },
    },
    "cloudfront": {
        "ListCloudFrontOriginAccessIdentities": {
            "CloudFrontOriginAccessIdentityList": {"Marker": "", "MaxItems": 100, "IsTruncated": False, "Quantity": 0}
        },
    },
    "gamelift": {"ListContainerFleets": {}},
    "macie2": {
        "GetAutomatedDiscoveryConfiguration": {"status": "DISABLED", "autoEnableOrganizationMembers": "NONE"},
        "GetClassificationExportConfiguration": {"configuration": {}},
    },
}


def answer_for(operation: str, body: bytes) -> dict[str, Any] | None:
    """What is answered to `service:Operation`, as boto3 names them; None where moto answers."""
    if operation == "organizations:ListPolicies":
        return _policies(body)
    if operation == "wafv2:ListResourcesForWebACL":
        return _protected(body)
    if operation == "inspector2:BatchGetAccountStatus":
        return _inspected(body)
    if operation == "ec2:DescribeImages":
        return public_images(body)
    service, _, name = operation.partition(":")
    if name in _EMPTY.get(service, {}):
        return {_EMPTY[service][name]: []}
    return _TOLD.get(service, {}).get(name)


def _policies(body: bytes) -> dict[str, Any] | None:
    """moto knows service control policies; of the kinds that came later there are none."""
    kind = json.loads(body or b"{}").get("Filter")
    return {"Policies": []} if kind in ("RESOURCE_CONTROL_POLICY", "DECLARATIVE_POLICY_EC2") else None


_PROTECTED = {
    "APPLICATION_LOAD_BALANCER": ":loadbalancer/app/",
    "API_GATEWAY": "::/restapis/",
    "APPSYNC": ":appsync:",
    "COGNITO_USER_POOL": ":cognito-idp:",
    "APP_RUNNER_SERVICE": ":apprunner:",
    "VERIFIED_ACCESS_INSTANCE": ":verified-access-instance/",
    "AMPLIFY": ":amplify:",
}
"""The kinds of resources that a web ACL protects -> what only their ARNs hold."""


def _protected(body: bytes) -> dict[str, Any]:
    """moto keeps what web ACLs are associated with, and does not tell it."""
    from moto.wafv2.models import wafv2_backends

    asked = json.loads(body)
    region, account = asked["WebACLArn"].split(":")[3:5]
    acl = wafv2_backends[account][region].wacls.get(asked["WebACLArn"])
    sign = _PROTECTED[asked.get("ResourceType", "APPLICATION_LOAD_BALANCER")]
    return {"ResourceArns": [arn for arn in (acl.associated_resources if acl else ()) if sign in arn]}


def _inspected(body: bytes) -> dict[str, Any] | None:
    """moto tells nothing of accounts that never turned Inspector on; AWS says that it is off."""
    from moto.inspector2.models import inspector2_backends

    asked = json.loads(body or b"{}").get("accountIds", [])
    if any(backend.account_status for id in asked for backend in inspector2_backends[id].values()):
        return None
    off = {"status": "DISABLED", "errorCode": "SUCCESS", "errorMessage": ""}
    states = dict.fromkeys(("ec2", "ecr", "lambda", "lambdaCode"), off)
    return {"accounts": [{"accountId": id, "state": off, "resourceState": states} for id in asked]}
