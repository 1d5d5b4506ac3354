"""More kinds of configuration items, as in `config_kinds.py`."""

from __future__ import annotations

import json
from typing import Any

from discover.config_kinds import REGION, SECRET, arn, item

LAUNCH = arn("autoscaling", "launchConfiguration:u:launchConfigurationName/lc")
RULES = arn("network-firewall", "firewall-policy/p")

MORE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        item(
            "AWS::CloudFront::Distribution",
            "arn:aws:cloudfront::111122223333:distribution/E1",
            {
                "id": "E1",
                "arn": "arn:aws:cloudfront::111122223333:distribution/E1",
                "distributionConfig": {
                    "webACLId": "acl",
                    "origins": {
                        "items": [{"id": "o", "customHeaders": {"items": [{"headerName": "K", "headerValue": SECRET}]}}]
                    },
                },
            },
        ),
        {
            "Id": "E1",
            "DistributionConfig": {
                "Origins": {"Items": [{"Id": "o", "CustomHeaders": {"Items": [{"HeaderName": "K"}]}}]},
                "WebACLId": "acl",
            },
        },
    ),
    (
        item(
            "AWS::AutoScaling::LaunchConfiguration",
            LAUNCH,
            {
                "launchConfigurationARN": LAUNCH,
                "securityGroups": [{"value": "sg-1"}],
                "iamInstanceProfile": {"value": "web"},
                "userData": SECRET,
            },
        ),
        {"SecurityGroups": ["sg-1"], "IamInstanceProfile": "web"},
    ),
    (
        item(
            "AWS::EC2::LaunchTemplate",
            arn("ec2", "launch-template/lt-1"),
            {"Id": "lt-1", "LatestVersionNumber": "2", "LaunchTemplateData": {"UserData": SECRET}},
        ),
        {"LaunchTemplateId": "lt-1", "LatestVersionNumber": 2},
    ),
    (
        item(
            "AWS::EC2::VPNConnection",
            arn("ec2", "vpn-connection/vpn-1"),
            {
                "vpnConnectionId": "vpn-1",
                "state": {"value": "available"},
                "customerGatewayConfiguration": f"<pre_shared_key>{SECRET}</pre_shared_key>",
            },
        ),
        {"VpnConnectionId": "vpn-1", "State": "available"},
    ),
    (
        item(
            "AWS::RDS::DBSnapshot",
            arn("rds", "snapshot:s"),
            {"dBSnapshotArn": arn("rds", "snapshot:s"), "dBSnapshotIdentifier": "s"},
            supplementaryConfiguration={
                "DBSnapshotAttributes": json.dumps([{"attributeName": "restore", "attributeValues": ["all"]}])
            },
        ),
        {"DBSnapshotAttributes": [{"AttributeName": "restore", "AttributeValues": ["all"]}]},
    ),
    (
        item(
            "AWS::Redshift::Cluster",
            arn("redshift", "cluster:r"),
            {"clusterIdentifier": "r", "encrypted": True},
            supplementaryConfiguration={"LoggingStatus": {"loggingEnabled": True, "bucketName": "logs"}},
        ),
        {"Encrypted": True, "LoggingStatus": {"LoggingEnabled": True, "BucketName": "logs"}},
    ),
    (
        item(
            "AWS::DynamoDB::Table",
            arn("dynamodb", "table/t"),
            {
                "tableName": "t",
                "tableArn": arn("dynamodb", "table/t"),
                "ssedescription": {"status": "ENABLED", "kmsmasterKeyArn": "k"},
            },
        ),
        {"TableName": "t", "SSEDescription": {"Status": "ENABLED", "KMSMasterKeyArn": "k"}},
    ),
    (
        item(
            "AWS::EKS::FargateProfile",
            arn("eks", "fargateprofile/c/f/1"),
            {
                "Arn": arn("eks", "fargateprofile/c/f/1"),
                "ClusterName": "c",
                "FargateProfileName": "f",
                "Subnets": ["subnet-1"],
            },
        ),
        {"fargateProfileName": "f", "clusterName": "c", "subnets": ["subnet-1"]},
    ),
    (
        item(
            "AWS::NetworkFirewall::FirewallPolicy",
            RULES,
            {
                "firewallPolicy": {"statelessDefaultActions": ["aws:pass"]},
                "firewallPolicyResponse": {"firewallPolicyArn": RULES, "firewallPolicyName": "p"},
            },
        ),
        {"Arn": RULES, "Name": "p", "FirewallPolicy": {"StatelessDefaultActions": ["aws:pass"]}},
    ),
    (
        item("AWS::ApiGatewayV2::Stage", "arn:aws:apigateway:eu-west-1::/apis/a1/stages/prod", {"stageName": "prod"}),
        {"ApiId": "a1", "StageName": "prod"},
    ),
    (
        item(
            "AWS::Route53::HostedZone",
            "arn:aws:route53:::hostedzone/Z1",
            {
                "Id": "Z1",
                "Name": "example.com.",
                "VPCs": [{"VPCId": "vpc-1", "VPCRegion": REGION}],
                "QueryLoggingConfig": {"CloudWatchLogsLogGroupArn": {"CloudWatchLogsLogGroupArn": "logs", "Id": "q"}},
            },
        ),
        {
            "Name": "example.com.",
            "VPCs": [{"VPCId": "vpc-1", "VPCRegion": REGION}],
            "QueryLoggingConfig": {"Id": "q", "CloudWatchLogsLogGroupArn": "logs"},
        },
    ),
    (
        item(
            "AWS::ElasticLoadBalancing::LoadBalancer",
            arn("elasticloadbalancing", "loadbalancer/clb"),
            {
                "loadBalancerName": "clb",
                "vpcid": "vpc-1",
                "subnets": [{"value": "subnet-1"}],
                "listenerDescriptions": [{"listener": {"loadBalancerPort": 80, "instancePort": 8080}}],
            },
        ),
        {
            "LoadBalancerName": "clb",
            "VPCId": "vpc-1",
            "Subnets": ["subnet-1"],
            "ListenerDescriptions": [{"Listener": {"LoadBalancerPort": 80, "InstancePort": 8080}}],
        },
    ),
]
