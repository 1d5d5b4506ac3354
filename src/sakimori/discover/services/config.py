"""Config: whether it records, what and where to; its rules and aggregators."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by

STATUS = Resource("AWS::Config::Status", items="", arn=arn("config", "status"))
"""The region's recorders in one asset, that there is even if there are none."""

RECORDER = Resource(
    "AWS::Config::ConfigurationRecorder",
    items="ConfigurationRecorders[]",
    arn=arn("config", "configuration-recorder/{name}"),
    name="{name}",
    details=(
        Detail(
            operation="DescribeConfigurationRecorderStatus",
            shared=True,
            path="ConfigurationRecordersStatus[]",
            key="name",
            of="{name}",
            under="Status",
        ),
    ),
    relations=(Tie("runs-as", "roleARN"),),
    moving=(
        "Status.lastStatus",
        "Status.lastStatusChangeTime",
    ),
)

CHANNEL = Resource(
    "AWS::Config::DeliveryChannel",
    items="DeliveryChannels[]",
    arn=arn("config", "delivery-channel/{name}"),
    name="{name}",
    relations=(
        Tie("logs-to", "s3BucketName", "arn:{@partition}:s3:::{}"),
        Tie("targets", "snsTopicARN"),
        encrypted_by("s3KmsKeyArn"),
    ),
)

RULE = Resource(
    "AWS::Config::ConfigRule",
    items="ConfigRules[]",
    arn="{ConfigRuleArn}",
    name="{ConfigRuleName}",
    documents=("InputParameters",),
)

AGGREGATOR = Resource(
    "AWS::Config::ConfigurationAggregator",
    items="ConfigurationAggregators[]",
    arn="{ConfigurationAggregatorArn}",
    name="{ConfigurationAggregatorName}",
    relations=(Tie("runs-as", "OrganizationAggregationSource.RoleArn"),),
)

SERVICE = Service(
    client="config",
    lists=(
        Listing(operation="DescribeConfigurationRecorders", gives=(STATUS, RECORDER)),
        Listing(operation="DescribeDeliveryChannels", gives=(CHANNEL,)),
        Listing(operation="DescribeConfigRules", gives=(RULE,)),
        Listing(operation="DescribeConfigurationAggregators", gives=(AGGREGATOR,)),
    ),
)
