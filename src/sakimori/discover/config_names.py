"""Where AWS Config's configuration of a kind is not the describe answer in other spelling: what is called what there.

Kinds that Config took over from CloudFormation's registry have CloudFormation's properties (`Arn`, `Id`, flat options)
and are only a part of what the describe calls tell. Source of all names: AWS's published resource schema for advanced
queries (github.com/awslabs/aws-config-resource-schema), read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

TYPES = {"AWS::IAM::Policy": "AWS::IAM::ManagedPolicy", "AWS::OpenSearch::Domain": "AWS::OpenSearchService::Domain"}
"""Config's names of types that differ from CloudFormation's (Config Developer Guide, "Supported Resource Types")."""

_FROM_REGISTRY: dict[str, dict[str, str]] = {
    "AWS::Amplify::App": {"appArn": "Arn", "iamServiceRoleArn": "IAMServiceRole"},
    "AWS::AppRunner::Service": {},
    "AWS::AppStream::Fleet": {"Arn": "@arn"},
    "AWS::AppSync::GraphQLApi": {},
    "AWS::Athena::WorkGroup": {"Configuration": "WorkGroupConfiguration"},
    "AWS::Cognito::IdentityPool": {"IdentityPoolId": "Id"},
    "AWS::DeviceFarm::Project": {},
    "AWS::EC2::CarrierGateway": {},
    "AWS::EC2::ClientVpnEndpoint": {"ClientVpnEndpointId": "Id"},
    "AWS::EC2::LaunchTemplate": {"LaunchTemplateId": "Id"},
    "AWS::EC2::PrefixList": {"PrefixListArn": "Arn"},
    "AWS::EC2::TransitGateway": {
        "TransitGatewayId": "Id",
        "TransitGatewayArn": "@arn",
        **{
            f"Options.{name}": name
            for name in (
                *("AmazonSideAsn", "TransitGatewayCidrBlocks", "AutoAcceptSharedAttachments", "DnsSupport"),
                *("DefaultRouteTableAssociation", "AssociationDefaultRouteTableId", "VpnEcmpSupport"),
                *("DefaultRouteTablePropagation", "PropagationDefaultRouteTableId", "MulticastSupport"),
            )
        },
    },
    "AWS::EC2::TransitGatewayAttachment": {
        "TransitGatewayAttachmentId": "Id",
        "ResourceId": "VpcId",
        "VpcAttachment.VpcId": "VpcId",
        "VpcAttachment.SubnetIds": "SubnetIds",
    },
    "AWS::EC2::TransitGatewayRouteTable": {"TransitGatewayRouteTableId": "Id"},
    "AWS::ECR::Repository": {
        "repositoryArn": "Arn",
        "Policy": "RepositoryPolicyText",
        "LifecyclePolicy": "LifecyclePolicy.LifecyclePolicyText",
    },
    "AWS::ECS::Cluster": {"clusterArn": "Arn", "settings": "ClusterSettings"},
    "AWS::ECS::Service": {"clusterArn": "Cluster", "roleArn": "Role"},
    "AWS::ECS::TaskDefinition": {},
    "AWS::EFS::AccessPoint": {"AccessPointArn": "Arn"},
    "AWS::EFS::FileSystem": {"FileSystemArn": "Arn"},
    "AWS::EKS::Addon": {"addonArn": "Arn"},
    "AWS::EKS::Cluster": {
        "status": "ClusterStatus",
        "certificateAuthority.data": "CertificateAuthorityData",
        "identity.oidc.issuer": "OpenIdConnectIssuerUrl",
    },
    "AWS::EKS::FargateProfile": {"fargateProfileArn": "Arn"},
    "AWS::ElasticLoadBalancingV2::Listener": {},
    "AWS::Glue::Job": {},
    "AWS::GuardDuty::Detector": {"DetectorId": "Id"},
    "AWS::IAM::OIDCProvider": {},
    "AWS::IAM::SAMLProvider": {},
    "AWS::ImageBuilder::ImagePipeline": {},
    "AWS::ImageBuilder::InfrastructureConfiguration": {},
    "AWS::IoT::RoleAlias": {},
    "AWS::KMS::Alias": {"AliasArn": "@arn"},
    "AWS::OpenSearchService::Domain": {"DomainId": "Id"},
    "AWS::Route53::HostedZone": {"QueryLoggingConfig": "QueryLoggingConfig.CloudWatchLogsLogGroupArn"},
    "AWS::Route53Resolver::ResolverRule": {"Id": "ResolverRuleId"},
    "AWS::SageMaker::Domain": {},
    "AWS::SageMaker::NotebookInstance": {"NotebookInstanceArn": "@arn"},
    "AWS::SecretsManager::Secret": {},
    "AWS::SSM::Document": {},
    "AWS::StepFunctions::StateMachine": {
        "stateMachineArn": "Arn",
        "name": "StateMachineName",
        "type": "StateMachineType",
    },
}

_RENAMED: dict[str, dict[str, str]] = {
    "AWS::ApiGateway::Stage": {"restApiId": "@arn/2"},
    "AWS::ApiGatewayV2::Stage": {"apiId": "@arn/2"},
    "AWS::KMS::Key": {"KeyArn": "arn", "Rotation.KeyRotationEnabled": "KeyRotationStatus"},
    "AWS::Lambda::Function": {"ReservedConcurrentExecutions": "Concurrency.reservedConcurrentExecutions"},
    "AWS::NetworkFirewall::Firewall": {
        "FirewallArn": "firewall.firewallArn",
        "FirewallName": "firewall.firewallName",
    },
    "AWS::NetworkFirewall::FirewallPolicy": {
        "Arn": "firewallPolicyResponse.firewallPolicyArn",
        "Name": "firewallPolicyResponse.firewallPolicyName",
    },
    "AWS::NetworkFirewall::RuleGroup": {
        "Arn": "ruleGroupResponse.ruleGroupArn",
        "Name": "ruleGroupResponse.ruleGroupName",
    },
    "AWS::ServiceCatalog::Portfolio": {"ARN": "@arn"},
    "AWS::WAFv2::IPSet": {"ARN": "resourceARN"},
    "AWS::WAFv2::RuleGroup": {"ARN": "resourceARN"},
    "AWS::WAFv2::WebACL": {"ARN": "resourceARN"},
    **_FROM_REGISTRY,
}
"""By type: the path in the describe answers, and that in the configuration (or the supplementary one); `@arn` is the
item's own ARN, `@arn/2` what stands behind its second slash."""

IN_PART = frozenset(_FROM_REGISTRY)
"""Kinds of which Config has only what CloudFormation knows."""

NECESSARY: dict[str, tuple[str, ...]] = {
    "AWS::EC2::EgressOnlyInternetGateway": ("attachments",),
    "AWS::EC2::Instance": ("networkInterfaces",),
    "AWS::EC2::InternetGateway": ("attachments",),
    "AWS::EC2::NatGateway": ("natGatewayAddresses", "state", "subnetId"),
    "AWS::EC2::NetworkAcl": ("entries", "associations"),
    "AWS::EC2::NetworkInterface": ("groups", "privateIpAddresses", "ipv6Addresses", "subnetId"),
    "AWS::EC2::RouteTable": ("routes", "associations", "vpcId"),
    "AWS::EC2::SecurityGroup": ("ipPermissions", "ipPermissionsEgress", "vpcId"),
    "AWS::EC2::Subnet": ("cidrBlock", "ipv6CidrBlockAssociationSet", "vpcId"),
    "AWS::EC2::VPC": ("cidrBlock",),
    "AWS::EC2::VPCEndpoint": ("vpcEndpointType", "networkInterfaceIds"),
    "AWS::EC2::VPCPeeringConnection": ("status", "requesterVpcInfo", "accepterVpcInfo"),
    "AWS::EC2::VPNGateway": ("vpcAttachments",),
    "AWS::ElasticLoadBalancing::LoadBalancer": ("listenerDescriptions", "instances", "scheme", "securityGroups"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("scheme", "type", "availabilityZones"),
}
"""What Config tells of every such resource, be it null, and a query may not have selected: without it nobody knows
where packets go."""

PARSED = {"AWS::ECS::TaskDefinition": ("taskDefinition",)}
"""Kinds whose describe answer is taken apart by a function: the paths in it that Config has the content of."""


def renamed(type: str, item: Mapping[str, Any], configuration: Any, supplementary: Mapping[str, Any]) -> Any:
    """The configuration with what Config calls otherwise under the describe calls' own names, too."""
    if not isinstance(configuration, Mapping):
        return configuration
    made = dict(configuration)
    for wanted, given in _RENAMED.get(type, {}).items():
        if given.startswith("@arn"):
            value = _of_arn(str(item.get("ARN") or item.get("arn") or ""), given)
        else:
            value = _found({**configuration, **supplementary}, given)
        if value is not None:
            _put(made, wanted, value)
    return made


def _of_arn(arn: str, given: str) -> str | None:
    _, _, place = given.partition("/")
    parts = arn.split("/")
    if not place:
        return arn or None
    return parts[int(place)] if len(parts) > int(place) else None


def _found(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = named(name, value) if isinstance(value, Mapping) else None
    return value


def named(name: str, values: Mapping[str, Any]) -> Any:
    """The value of a key, however its letters are spelt."""
    return next((value for key, value in values.items() if key.lower() == name.lower()), None)


def _put(into: dict[str, Any], path: str, value: Any) -> None:
    head, _, rest = path.partition(".")
    for key in [key for key in into if key.lower() == head.lower() and key != head]:
        del into[key]  # Config's own of that name, spelt otherwise
    if rest:
        inner = into.get(head)
        into[head] = dict(inner) if isinstance(inner, Mapping) else {}
        _put(into[head], rest, value)
    else:
        into[head] = value


def untold(item: Mapping[str, Any], wanted: Iterable[str]) -> list[str]:
    """Those keys that the item's configuration does not have at all."""
    configuration = item.get("configuration")
    if isinstance(configuration, str):
        try:
            configuration = json.loads(configuration)
        except ValueError:
            configuration = None
    known = {key.lower() for key in configuration} if isinstance(configuration, Mapping) else set()
    return [each for each in wanted if each.lower() not in known]
