"""CloudTrail: the account's trails in all regions, whether they run, and which events they keep."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Reach, Resource, Service, Tie
from sakimori.discover.ties import encrypted_by

_NAME = {"TrailName": "{TrailARN}"}

TRAIL = Resource(
    "AWS::CloudTrail::Trail",
    items="Trails[]",
    arn="{TrailARN}",
    name="{Name}",
    region="{HomeRegion}",
    details=(
        Detail(operation="GetTrail", parameters={"Name": "{TrailARN}"}, region="{HomeRegion}", path="Trail"),
        Detail(operation="GetTrailStatus", parameters={"Name": "{TrailARN}"}, region="{HomeRegion}", under="Status"),
        Detail(operation="GetEventSelectors", parameters=_NAME, region="{HomeRegion}", under="Selectors"),
        Detail(
            operation="GetInsightSelectors",
            parameters=_NAME,
            region="{HomeRegion}",
            path="InsightSelectors[]",
            under="InsightSelectors",
            absent=("InsightNotEnabledException",),
        ),
        Detail(
            operation="ListTags",
            parameters={"ResourceIdList": "{TrailARN}"},
            each="ResourceIdList",
            batch=20,
            region="{HomeRegion}",
            path="ResourceTagList[]",
            key="ResourceId",
            of="{TrailARN}",
            value="TagsList",
            under="Tags",
        ),
    ),
    relations=(
        Tie("logs-to", "S3BucketName", "arn:{@partition}:s3:::{}"),
        Tie("logs-to", "CloudWatchLogsLogGroupArn"),
        Tie("targets", "SnsTopicARN"),
        encrypted_by("KmsKeyId"),
        Tie("runs-as", "CloudWatchLogsRoleArn"),
    ),
    moving=(
        "Status.LatestDeliveryTime",
        "Status.LatestNotificationTime",
        "Status.LatestCloudWatchLogsDeliveryTime",
        "Status.LatestDigestDeliveryTime",
        "Status.LatestDeliveryAttemptTime",
        "Status.LatestNotificationAttemptTime",
        "Status.LatestDeliveryAttemptSucceeded",
        "Status.LatestNotificationAttemptSucceeded",
    ),
)

SERVICE = Service(
    client="cloudtrail",
    reach=Reach.GLOBAL,
    # One region tells of the trails of all; what a trail does is asked where it lives.
    lists=(Listing(operation="ListTrails", gives=(TRAIL,)),),
)
