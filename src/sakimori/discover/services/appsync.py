"""AppSync: GraphQL APIs, and what their fields read and call, as whom. Never the keys of their callers."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie
from sakimori.discover.ties import arns

SOURCE = Resource(
    "AWS::AppSync::DataSource",
    items="dataSources[]",
    arn="{dataSourceArn}",
    name="{name}",
    inherit={"apiArn": "{arn}"},
    relations=(
        Tie("in", "apiArn"),
        Tie("runs-as", "serviceRoleArn"),
        Tie("targets", "lambdaConfig.lambdaFunctionArn"),
        Tie("targets", "eventBridgeConfig.eventBusArn"),
        Tie("targets", "dynamodbConfig", "arn:{@partition}:dynamodb:{awsRegion}:{@account}:table/{tableName}"),
    ),
)

API = Resource(
    "AWS::AppSync::GraphQLApi",
    items="graphqlApis[]",
    arn="{arn}",
    name="{name}",
    tags="tags",
    lists=(Listing(operation="ListDataSources", parameters={"apiId": "{apiId}"}, gives=(SOURCE,)),),
    relations=(
        Tie("runs-as", "mergedApiExecutionRoleArn"),
        Tie("runs-as", "logConfig.cloudWatchLogsRoleArn"),
        arns("protected-by", "wafWebAclArn"),
    ),
)

SERVICE = Service(client="appsync", lists=(Listing(operation="ListGraphqlApis", gives=(API,)),))
