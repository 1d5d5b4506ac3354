"""Step Functions: state machines, what they do and as whom."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie
from sakimori.discover.ties import encrypted_by

MACHINE = Resource(
    "AWS::StepFunctions::StateMachine",
    items="stateMachines[]",
    arn="{stateMachineArn}",
    name="{name}",
    tags="tags",
    details=(
        Detail(operation="DescribeStateMachine", parameters={"stateMachineArn": "{stateMachineArn}"}),
        Detail(
            operation="ListTagsForResource",
            parameters={"resourceArn": "{stateMachineArn}"},
            path="tags[]",
            under="tags",
        ),
    ),
    documents=("definition",),
    ordered=("definition.States[].Choices", "definition.States[].Catch", "definition.States[].Retry"),
    relations=(
        Tie("runs-as", "roleArn"),
        Tie("logs-to", "loggingConfiguration.destinations[].cloudWatchLogsLogGroup.logGroupArn"),
        encrypted_by("encryptionConfiguration.kmsKeyId"),
    ),
)

SERVICE = Service(
    client="stepfunctions",
    prefix="states",
    lists=(Listing(operation="ListStateMachines", page_size=1000, gives=(MACHINE,)),),
)
