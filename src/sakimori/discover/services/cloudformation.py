"""CloudFormation: stacks and stack sets, with the roles that they keep. Never what their parameters and outputs say."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

STACK = Resource(
    "AWS::CloudFormation::Stack",
    items="Stacks[]",
    arn="{StackId}",
    name="{StackName}",
    relations=(
        Tie("runs-as", "RoleARN"),
        Tie("in", "ParentId"),
        Tie("logs-to", "NotificationARNs[]"),
    ),
    moving=("DriftInformation.LastCheckTimestamp",),
)

STACK_SET = Resource(
    "AWS::CloudFormation::StackSet",
    items="Summaries[]",
    arn=arn("cloudformation", "stackset/{StackSetId}"),
    name="{StackSetName}",
    details=(
        Detail(
            operation="DescribeStackSet",
            parameters={"StackSetName": "{StackSetName}"},
            path="StackSet",
            secrets=("StackSet.TemplateBody", "StackSet.Parameters[].ParameterValue"),
        ),
    ),
    relations=(Tie("runs-as", "AdministrationRoleARN"),),
    moving=(
        "LastDriftCheckTimestamp",
        "StackSetDriftDetectionDetails",
    ),
)

SERVICE = Service(
    client="cloudformation",
    lists=(
        Listing(
            operation="DescribeStacks",
            secrets=("Stacks[].Parameters[].ParameterValue", "Stacks[].Outputs[].OutputValue"),
            gives=(STACK,),
        ),
        Listing(operation="ListStackSets", parameters={"Status": "ACTIVE"}, page_size=100, gives=(STACK_SET,)),
    ),
)
