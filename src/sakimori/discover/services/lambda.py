"""Lambda: functions with who may call them and as whom they run, what calls them, and layers. Of their variables only
the names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie
from sakimori.discover.ties import arns, encrypted_by, in_subnets, in_vpc, uses_groups

_GIVEN = {"FunctionName": "{FunctionName}"}
_NOT_FOUND = ("ResourceNotFoundException",)

FUNCTION = Resource(
    "AWS::Lambda::Function",
    items="Functions[]",
    arn="{FunctionArn}",
    name="{FunctionName}",
    details=(
        Detail(operation="GetPolicy", parameters=_GIVEN, path="Policy", under="Policy", absent=_NOT_FOUND),
        Detail(
            operation="ListFunctionUrlConfigs",
            parameters=_GIVEN,
            path="FunctionUrlConfigs[]",
            under="FunctionUrlConfigs",
        ),
        Detail(
            operation="GetFunctionConcurrency",
            parameters=_GIVEN,
            path="ReservedConcurrentExecutions",
            under="ReservedConcurrentExecutions",
        ),
        Detail(operation="ListTags", parameters={"Resource": "{FunctionArn}"}, path="Tags", under="Tags"),
    ),
    documents=("Policy",),
    relations=(
        Tie("runs-as", "Role"),
        in_vpc("VpcConfig.VpcId"),
        in_subnets("VpcConfig.SubnetIds[]"),
        uses_groups("VpcConfig.SecurityGroupIds[]"),
        Tie("uses", "Layers[].Arn"),
        Tie("uses", "FileSystemConfigs[].Arn"),
        encrypted_by("KMSKeyArn"),
        Tie("targets", "DeadLetterConfig.TargetArn"),
        Tie("logs-to", "LoggingConfig.LogGroup", "arn:{@partition}:logs:{@region}:{@account}:log-group:{}"),
    ),
    moving=(
        "State",
        "StateReason",
        "StateReasonCode",
    ),
    ordered=(
        "Layers",
        "ImageConfigResponse.ImageConfig.Command",
        "ImageConfigResponse.ImageConfig.EntryPoint",
    ),
)

MAPPING = Resource(
    "AWS::Lambda::EventSourceMapping",
    items="EventSourceMappings[]",
    arn="arn:{@partition}:lambda:{@region}:{@account}:event-source-mapping:{UUID}",
    relations=(
        Tie("subscribed-to", "EventSourceArn"),
        Tie("targets", "FunctionArn"),
        arns("uses", "SourceAccessConfigurations[].URI"),
    ),
    moving=("LastProcessingResult",),
)

LAYER = Resource(
    "AWS::Lambda::LayerVersion",
    items="Layers[]",
    arn="{LatestMatchingVersion.LayerVersionArn}",
    name="{LayerName}",
    details=(
        Detail(
            operation="GetLayerVersionPolicy",
            parameters={"LayerName": "{LayerName}", "VersionNumber": "{LatestMatchingVersion.Version}"},
            path="Policy",
            under="Policy",
            absent=_NOT_FOUND,
        ),
    ),
    documents=("Policy",),
)

SERVICE = Service(
    client="lambda",
    lists=(
        Listing(operation="ListFunctions", secrets=("Functions[].Environment.Variables",), gives=(FUNCTION,)),
        Listing(operation="ListEventSourceMappings", gives=(MAPPING,)),
        Listing(operation="ListLayers", gives=(LAYER,)),
    ),
)
