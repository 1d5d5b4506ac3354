"""OpenSearch (and Elasticsearch) domains: who may reach them, how they are encrypted, what they log."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, in_vpc, uses_groups

DOMAIN = Resource(
    "AWS::OpenSearchService::Domain",
    items="DomainNames[]",
    arn=arn("es", "domain/{DomainName}"),
    name="{DomainName}",
    details=(
        Detail(
            operation="DescribeDomains",
            parameters={"DomainNames": "{DomainName}"},
            each="DomainNames",
            batch=5,
            path="DomainStatusList[]",
            key="DomainName",
            of="{DomainName}",
        ),
        Detail(
            operation="ListTags",
            parameters={"ARN": arn("es", "domain/{DomainName}")},
            path="TagList[]",
            under="Tags",
        ),
    ),
    documents=("AccessPolicies",),
    relations=(
        in_vpc("VPCOptions.VPCId"),
        in_subnets("VPCOptions.SubnetIds[]"),
        uses_groups("VPCOptions.SecurityGroupIds[]"),
        encrypted_by("EncryptionAtRestOptions.KmsKeyId"),
        Tie("runs-as", "CognitoOptions.RoleArn"),
        Tie("logs-to", "LogPublishingOptions[].CloudWatchLogsLogGroupArn"),
    ),
    moving=(
        "Processing",
        "UpgradeProcessing",
        "DomainProcessingStatus",
        "ChangeProgressDetails",
        "ServiceSoftwareOptions.NewVersion",
        "ServiceSoftwareOptions.UpdateAvailable",
        "ServiceSoftwareOptions.UpdateStatus",
        "ServiceSoftwareOptions.Cancellable",
        "ServiceSoftwareOptions.Description",
        "ServiceSoftwareOptions.AutomatedUpdateDate",
        "ServiceSoftwareOptions.OptionalDeployment",
    ),
)

SERVICE = Service(client="opensearch", prefix="es", lists=(Listing(operation="ListDomainNames", gives=(DOMAIN,)),))
