"""Bedrock AgentCore: runtimes of agents, their browsers and code interpreters, each with the role that it runs under,
and who else may call a runtime. Of their variables only the names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie

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
        Detail(
            operation="GetResourcePolicy",
            parameters={"resourceArn": "{agentRuntimeArn}"},
            path="policy",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
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

SERVICE = Service(
    client="bedrock-agentcore-control",
    prefix="bedrock-agentcore",
    lists=(
        Listing(operation="ListAgentRuntimes", page_size=100, gives=(RUNTIME,)),
        Listing(operation="ListBrowsers", parameters={"type": "CUSTOM"}, page_size=100, gives=(BROWSER,)),
        Listing(operation="ListCodeInterpreters", parameters={"type": "CUSTOM"}, page_size=100, gives=(INTERPRETER,)),
    ),
)
