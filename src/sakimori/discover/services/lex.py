"""Lex: bots with their aliases, and who may talk to them or change them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

_BOT = arn("lex", "bot/{botId}")
_ALIAS = arn("lex", "bot-alias/{botId}/{botAliasId}")


def _policy(of: str) -> Detail:
    return Detail(
        operation="DescribeResourcePolicy",
        parameters={"resourceArn": of},
        path="policy",
        under="Policy",
        absent=("ResourceNotFoundException",),
    )


ALIAS = Resource(
    "AWS::Lex::BotAlias",
    items="botAliasSummaries[]",
    arn=_ALIAS,
    name="{botAliasName}",
    inherit={"botId": "{botId}"},
    details=(_policy(_ALIAS),),
    documents=("Policy",),
    relations=(Tie("in", "botId", arn("lex", "bot/{}")),),
)

BOT = Resource(
    "AWS::Lex::Bot",
    items="botSummaries[]",
    arn=_BOT,
    name="{botName}",
    details=(_policy(_BOT),),
    documents=("Policy",),
    lists=(Listing(operation="ListBotAliases", parameters={"botId": "{botId}"}, gives=(ALIAS,)),),
)

SERVICE = Service(client="lexv2-models", prefix="lex", lists=(Listing(operation="ListBots", gives=(BOT,)),))
