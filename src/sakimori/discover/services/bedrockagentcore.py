"""Bedrock AgentCore: runtimes of agents, their browsers, code interpreters and gateways, each with the role that it
runs under, with who else may call a runtime or a gateway. Of their variables only the names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie


def _policy(of: str) -> Detail:
    return Detail(
        operation="GetResourcePolicy",
        parameters={"resourceArn": of},
        path="policy",
        under="Policy",
        absent=("ResourceNotFoundException",),
    )


RUNTIME = Resource(
    "AWS::BedrockAgentCore::Runtime",
    items="agentRuntimes[]",
    arn="{agentRuntimeArn}",
    name="{agentRuntimeName}",
    details=(
        Detail(
            operation="GetAgentRuntime",
            parameters={"agentRuntimeId": "{agentRuntimeId}"},
            secrets=("environmentVariables",),
        ),
        _policy("{agentRuntimeArn}"),
    ),
    documents=("Policy",),
    relations=(Tie("runs-as", "roleArn"),),
)

BROWSER = Resource(
    "AWS::BedrockAgentCore::BrowserCustom",
    items="browserSummaries[]",
    arn="{browserArn}",
    name="{name}",
    details=(Detail(operation="GetBrowser", parameters={"browserId": "{browserId}"}),),
    relations=(Tie("runs-as", "executionRoleArn"),),
)

INTERPRETER = Resource(
    "AWS::BedrockAgentCore::CodeInterpreterCustom",
    items="codeInterpreterSummaries[]",
    arn="{codeInterpreterArn}",
    name="{name}",
    details=(Detail(operation="GetCodeInterpreter", parameters={"codeInterpreterId": "{codeInterpreterId}"}),),
    relations=(Tie("runs-as", "executionRoleArn"),),
)

GATEWAY = Resource(
    "AWS::BedrockAgentCore::Gateway",
    items="items[]",
    arn="{gatewayArn}",
    name="{name}",
    details=(Detail(operation="GetGateway", parameters={"gatewayIdentifier": "{gatewayId}"}), _policy("{gatewayArn}")),
    documents=("Policy",),
    relations=(Tie("runs-as", "roleArn"),),
)

SERVICE = Service(
    client="bedrock-agentcore-control",
    prefix="bedrock-agentcore",
    lists=(
        Listing(operation="ListAgentRuntimes", page_size=100, gives=(RUNTIME,)),
        Listing(operation="ListGateways", page_size=100, gives=(GATEWAY,)),
        Listing(operation="ListBrowsers", parameters={"type": "CUSTOM"}, page_size=100, gives=(BROWSER,)),
        Listing(operation="ListCodeInterpreters", parameters={"type": "CUSTOM"}, page_size=100, gives=(INTERPRETER,)),
    ),
)
