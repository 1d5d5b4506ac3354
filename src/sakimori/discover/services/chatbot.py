"""Chat applications (AWS Chatbot, Amazon Q Developer): channels of Slack and Microsoft Teams, and the roles that
commands typed there run under."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Reach, Resource, Service, Tie

_RELATIONS = (
    Tie("runs-as", "IamRoleArn"),
    Tie("subscribed-to", "SnsTopicArns[]"),
    Tie("uses", "GuardrailPolicyArns[]"),
)

SLACK = Resource(
    "AWS::Chatbot::SlackChannelConfiguration",
    items="SlackChannelConfigurations[]",
    arn="{ChatConfigurationArn}",
    name="{ConfigurationName}",
    relations=_RELATIONS,
)

TEAMS = Resource(
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration",
    items="TeamChannelConfigurations[]",
    arn="{ChatConfigurationArn}",
    name="{ConfigurationName}",
    relations=_RELATIONS,
)

SERVICE = Service(
    client="chatbot",
    reach=Reach.GLOBAL,
    homes={"aws": "us-west-2"},
    lists=(
        Listing(operation="DescribeSlackChannelConfigurations", gives=(SLACK,)),
        Listing(operation="ListMicrosoftTeamsChannelConfigurations", gives=(TEAMS,)),
    ),
)
