"""Deadline Cloud: farms, and their queues and fleets with the roles whose keys they hand out. Never the scripts of
hosts."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by

_IN_FARM = Tie("in", "farmId", arn("deadline", "farm/{}"))

QUEUE = Resource(
    "AWS::Deadline::Queue",
    items="queues[]",
    arn=arn("deadline", "farm/{farmId}/queue/{queueId}"),
    name="{displayName}",
    details=(Detail(operation="GetQueue", parameters={"farmId": "{farmId}", "queueId": "{queueId}"}),),
    relations=(
        _IN_FARM,
        Tie("runs-as", "roleArn"),
        Tie("uses", "jobAttachmentSettings.s3BucketName", "arn:{@partition}:s3:::{}"),
        Tie("uses", "jobRunAsUser.windows.passwordArn"),
    ),
    moving=("status", "blockedReason"),
)

FLEET = Resource(
    "AWS::Deadline::Fleet",
    items="fleets[]",
    arn=arn("deadline", "farm/{farmId}/fleet/{fleetId}"),
    name="{displayName}",
    details=(
        Detail(
            operation="GetFleet",
            parameters={"farmId": "{farmId}", "fleetId": "{fleetId}"},
            secrets=("hostConfiguration.scriptBody",),
        ),
    ),
    relations=(_IN_FARM, Tie("runs-as", "roleArn")),
    moving=("autoScalingStatus", "targetWorkerCount", "workerCount"),
)

_OF_FARM = {"farmId": "{farmId}"}

FARM = Resource(
    "AWS::Deadline::Farm",
    items="farms[]",
    arn=arn("deadline", "farm/{farmId}"),
    name="{displayName}",
    lists=(
        Listing(operation="ListQueues", parameters=_OF_FARM, gives=(QUEUE,)),
        Listing(operation="ListFleets", parameters=_OF_FARM, gives=(FLEET,)),
    ),
    relations=(encrypted_by("kmsKeyArn"),),
)

SERVICE = Service(client="deadline", lists=(Listing(operation="ListFarms", gives=(FARM,)),))
