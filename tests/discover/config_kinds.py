"""Configuration items of kinds that AWS Config tells in CloudFormation's words, or wraps and nests, with the property
names of AWS's published resource schema; beside each, what the describe calls call the same."""

from __future__ import annotations

import json
from typing import Any

ACCOUNT, REGION = "111122223333", "eu-west-1"
POLICY = {"Version": "2012-10-17", "Statement": []}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def item(kind: str, uid: str, configuration: Any, **more: Any) -> dict[str, Any]:
    told = {"awsAccountId": ACCOUNT, "awsRegion": REGION, "resourceType": kind, "ARN": uid, "tags": {"tier": "db"}}
    return told | {"resourceId": uid.rpartition("/")[2], "configuration": configuration} | more


SECRET = "hunter2"

TASK = arn("ecs", "task-definition/shop:7")
CONTAINER = {
    "Name": "app",
    "Image": "shop:1",
    "Environment": [{"Name": "PASSWORD", "Value": SECRET}],
    "Secrets": [{"Name": "TOKEN", "ValueFrom": arn("secretsmanager", "secret:token")}],
    "PortMappings": [{"ContainerPort": 8080, "Protocol": "tcp"}],
}
FIREWALL = arn("network-firewall", "firewall/edge")
ACL = arn("wafv2", "regional/webacl/web/11")
API = "arn:aws:apigateway:eu-west-1::/restapis/a1/stages/prod"
LISTENER = arn("elasticloadbalancing", "listener/app/web/1/2")
DOMAIN = arn("es", "domain/logs")

KINDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        item(
            "AWS::ECS::TaskDefinition",
            TASK,
            {
                "TaskDefinitionArn": TASK,
                "Family": "shop",
                "NetworkMode": "awsvpc",
                "TaskRoleArn": "arn:aws:iam::111122223333:role/shop",
                "ContainerDefinitions": [CONTAINER],
                "Volumes": [{"Name": "data", "EfsVolumeConfiguration": {"FileSystemId": "fs-1"}}],
            },
        ),
        {
            "family": "shop",
            "networkMode": "awsvpc",
            "containerDefinitions": [
                {
                    "name": "app",
                    "image": "shop:1",
                    "environment": [{"name": "PASSWORD"}],
                    "secrets": [{"name": "TOKEN", "valueFrom": arn("secretsmanager", "secret:token")}],
                    "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
                }
            ],
            "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
        },
    ),
    (
        item(
            "AWS::ECS::Cluster",
            arn("ecs", "cluster/shop"),
            {
                "Arn": arn("ecs", "cluster/shop"),
                "ClusterName": "shop",
                "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
            },
        ),
        {"clusterName": "shop", "settings": [{"name": "containerInsights", "value": "enabled"}]},
    ),
    (
        item(
            "AWS::ECS::Service",
            arn("ecs", "service/shop/web"),
            {
                "ServiceArn": arn("ecs", "service/shop/web"),
                "ServiceName": "web",
                "Cluster": arn("ecs", "cluster/shop"),
                "TaskDefinition": TASK,
                "LoadBalancers": [{"TargetGroupArn": "tg", "ContainerPort": 8080}],
                "NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED", "Subnets": ["subnet-1"]}},
            },
        ),
        {
            "clusterArn": arn("ecs", "cluster/shop"),
            "taskDefinition": TASK,
            "loadBalancers": [{"targetGroupArn": "tg", "containerPort": 8080}],
            "networkConfiguration": {"awsvpcConfiguration": {"assignPublicIp": "ENABLED", "subnets": ["subnet-1"]}},
        },
    ),
    (
        item(
            "AWS::EKS::Cluster",
            arn("eks", "cluster/prod"),
            {
                "Name": "prod",
                "ClusterStatus": "ACTIVE",
                "OpenIdConnectIssuerUrl": "https://oidc.example/1",
                "ResourcesVpcConfig": {"EndpointPublicAccess": True, "PublicAccessCidrs": ["0.0.0.0/0"]},
                "Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": "audit"}]}},
                "EncryptionConfig": [{"Provider": {"KeyArn": "key"}, "Resources": ["secrets"]}],
            },
        ),
        {
            "status": "ACTIVE",
            "identity": {"oidc": {"issuer": "https://oidc.example/1"}},
            "resourcesVpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]},
            "logging": {"clusterLogging": [{"types": ["audit"], "enabled": True}]},
            "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "key"}}],
        },
    ),
    (
        item(
            "AWS::EC2::TransitGateway",
            arn("ec2", "transit-gateway/tgw-1"),
            {"Id": "tgw-1", "AmazonSideAsn": 64512, "DnsSupport": "enable", "AutoAcceptSharedAttachments": "disable"},
        ),
        {
            "TransitGatewayId": "tgw-1",
            "Options": {"AmazonSideAsn": 64512, "DnsSupport": "enable", "AutoAcceptSharedAttachments": "disable"},
        },
    ),
    (
        item(
            "AWS::EC2::TransitGatewayAttachment",
            arn("ec2", "transit-gateway-attachment/tgw-attach-1"),
            {"Id": "tgw-attach-1", "TransitGatewayId": "tgw-1", "VpcId": "vpc-1", "SubnetIds": ["subnet-1"]},
        ),
        {
            "TransitGatewayAttachmentId": "tgw-attach-1",
            "TransitGatewayId": "tgw-1",
            "ResourceType": "vpc",
            "ResourceId": "vpc-1",
            "VpcAttachment": {"VpcId": "vpc-1", "SubnetIds": ["subnet-1"]},
        },
    ),
    (
        item(
            "AWS::EC2::PrefixList",
            arn("ec2", "prefix-list/pl-1"),
            {
                "Arn": arn("ec2", "prefix-list/pl-1"),
                "PrefixListId": "pl-1",
                "PrefixListName": "offices",
                "OwnerId": ACCOUNT,
                "Entries": [{"Cidr": "192.0.2.0/24"}],
            },
        ),
        {"PrefixListId": "pl-1", "Entries": [{"Cidr": "192.0.2.0/24"}]},
    ),
    (
        item(
            "AWS::ECR::Repository",
            arn("ecr", "repository/shop"),
            {
                "Arn": arn("ecr", "repository/shop"),
                "RepositoryName": "shop",
                "ImageScanningConfiguration": {"ScanOnPush": True},
                "RepositoryPolicyText": POLICY,
            },
        ),
        {"repositoryName": "shop", "imageScanningConfiguration": {"scanOnPush": True}, "Policy": POLICY},
    ),
    (
        item(
            "AWS::EFS::FileSystem",
            arn("elasticfilesystem", "file-system/fs-1"),
            {"FileSystemId": "fs-1", "Encrypted": True, "BackupPolicy": {"Status": "ENABLED"}},
        ),
        {"FileSystemId": "fs-1", "Encrypted": True, "BackupPolicy": {"Status": "ENABLED"}},
    ),
    (
        item(
            "AWS::GuardDuty::Detector", arn("guardduty", "detector/d1"), {"Id": "d1", "Enable": True, "DataSources": {}}
        ),
        {"DetectorId": "d1", "Status": "ENABLED"},
    ),
    (
        item(
            "AWS::KMS::Alias",
            arn("kms", "alias/shop"),
            {"AliasName": "alias/shop", "TargetKeyId": "1234"},
        ),
        {"AliasName": "alias/shop", "TargetKeyId": "1234", "AliasArn": arn("kms", "alias/shop")},
    ),
    (
        item(
            "AWS::KMS::Key",
            arn("kms", "key/1234"),
            {"arn": arn("kms", "key/1234"), "keyId": "1234", "keyManager": "CUSTOMER", "awsaccountId": ACCOUNT},
            supplementaryConfiguration={"KeyRotationStatus": "true"},
        ),
        {"KeyId": "1234", "KeyManager": "CUSTOMER", "AWSAccountId": ACCOUNT, "Rotation": {"KeyRotationEnabled": True}},
    ),
    (
        item(
            "AWS::OpenSearch::Domain",
            DOMAIN,
            {
                "Arn": DOMAIN,
                "DomainName": "logs",
                "Id": f"{ACCOUNT}/logs",
                "EncryptionAtRestOptions": {"Enabled": True},
                "VPCOptions": {"SubnetIds": ["subnet-1"]},
            },
        ),
        {
            "DomainName": "logs",
            "ARN": DOMAIN,
            "EncryptionAtRestOptions": {"Enabled": True},
            "VPCOptions": {"SubnetIds": ["subnet-1"]},
        },
    ),
    (
        item(
            "AWS::ElasticLoadBalancingV2::Listener",
            LISTENER,
            {
                "ListenerArn": LISTENER,
                "LoadBalancerArn": "lb",
                "Port": 443,
                "Protocol": "HTTPS",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg"}],
            },
        ),
        {
            "ListenerArn": LISTENER,
            "LoadBalancerArn": "lb",
            "Port": 443,
            "Protocol": "HTTPS",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg"}],
        },
    ),
    (
        item(
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            arn("elasticloadbalancing", "loadbalancer/app/web/1"),
            {
                "loadBalancerArn": arn("elasticloadbalancing", "loadbalancer/app/web/1"),
                "dNSName": "web.example",
                "securityGroups": [{"value": "sg-1"}],
                "state": {"code": "active"},
            },
        ),
        {"DNSName": "web.example", "SecurityGroups": ["sg-1"], "State": {"Code": "active"}},
    ),
    (
        item(
            "AWS::EC2::NatGateway",
            arn("ec2", "natgateway/nat-1"),
            {
                "natGatewayId": "nat-1",
                "state": {"value": "available"},
                "natGatewayAddresses": [{"publicIp": "1.2.3.4"}],
            },
        ),
        {"NatGatewayId": "nat-1", "State": "available", "NatGatewayAddresses": [{"PublicIp": "1.2.3.4"}]},
    ),
    (
        item(
            "AWS::EC2::VPCPeeringConnection",
            arn("ec2", "vpc-peering-connection/pcx-1"),
            {"vpcPeeringConnectionId": "pcx-1", "status": "active", "accepterVpcInfo": {"vpcId": "vpc-2"}},
        ),
        {"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "active"}, "AccepterVpcInfo": {"VpcId": "vpc-2"}},
    ),
    (
        item(
            "AWS::NetworkFirewall::Firewall",
            FIREWALL,
            {"firewall": {"firewallArn": FIREWALL, "firewallName": "edge", "vpcId": "vpc-1"}},
        ),
        {"FirewallArn": FIREWALL, "Firewall": {"FirewallArn": FIREWALL, "FirewallName": "edge", "VpcId": "vpc-1"}},
    ),
    (
        item(
            "AWS::CodePipeline::Pipeline",
            arn("codepipeline", "deploy"),
            {"pipeline": {"name": "deploy", "roleArn": "role"}, "metadata": {"pipelineArn": "x"}},
            resourceName="deploy",
        ),
        {"name": "deploy", "roleArn": "role"},
    ),
    (
        item("AWS::ApiGateway::Stage", API, {"stageName": "prod", "webAclArn": ACL, "tracingEnabled": False}),
        {"restApiId": "a1", "stageName": "prod", "webAclArn": ACL, "tracingEnabled": False},
    ),
    (
        item(
            "AWS::WAFv2::WebACL",
            ACL,
            {"name": "web", "id": "11", "resourceARN": ACL, "capacity": 50, "defaultAction": "ALLOW"},
        ),
        {"Name": "web", "Id": "11", "ARN": ACL, "Capacity": 50, "DefaultAction": None},
    ),
    (
        item(
            "AWS::SNS::Topic",
            arn("sns", "alerts"),
            {"TopicArn": arn("sns", "alerts"), "KmsMasterKeyId": "k", "Policy": json.dumps(POLICY)},
        ),
        {
            "TopicArn": arn("sns", "alerts"),
            "Attributes": {"TopicArn": arn("sns", "alerts"), "KmsMasterKeyId": "k", "Policy": POLICY},
        },
    ),
    (
        item(
            "AWS::RDS::DBCluster",
            arn("rds", "cluster:shop"),
            {
                "dbclusterIdentifier": "shop",
                "dbclusterArn": arn("rds", "cluster:shop"),
                "endpoint": {"value": "shop.example"},
                "availabilityZones": [{"value": "eu-west-1a"}],
                "storageEncrypted": True,
            },
        ),
        {
            "DBClusterIdentifier": "shop",
            "Endpoint": "shop.example",
            "AvailabilityZones": ["eu-west-1a"],
            "StorageEncrypted": True,
        },
    ),
]
