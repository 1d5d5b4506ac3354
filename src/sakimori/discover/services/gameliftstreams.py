"""GameLift Streams: groups of streams, and the sessions that are running in them, with the roles they were given."""

from __future__ import annotations

from sakimori.discover.declare import Item, Listing, Resource, Service, Tie

_OVER = ("TERMINATING", "TERMINATED", "ERROR")


def _is_running(session: Item) -> bool:
    return session.get("Status") not in _OVER


SESSION = Resource(
    "AWS::GameLiftStreams::StreamSession",
    items="Items[]",
    arn="{Arn}",
    where=_is_running,
    inherit={"StreamGroupArn": "{Arn}"},
    relations=(Tie("in", "StreamGroupArn"), Tie("runs-as", "RoleArn"), Tie("uses", "ApplicationArn")),
    moving=("Status", "StatusReason", "LastUpdatedAt", "ExportFilesMetadata"),
)

GROUP = Resource(
    "AWS::GameLiftStreams::StreamGroup",
    items="Items[]",
    arn="{Arn}",
    name="{Description}",
    lists=(Listing(operation="ListStreamSessions", parameters={"Identifier": "{Id}"}, gives=(SESSION,)),),
    relations=(Tie("uses", "DefaultApplication.Arn"),),
)

SERVICE = Service(client="gameliftstreams", sparse=True, lists=(Listing(operation="ListStreamGroups", gives=(GROUP,)),))
