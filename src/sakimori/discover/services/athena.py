"""Athena: workgroups, and the roles that sessions of Spark in them run under. Of Spark's properties only the names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by

_ENGINE = "WorkGroup.Configuration.EngineConfiguration"


def _runs_spark(group: Item) -> bool:
    """Only sessions of Spark run under a role; the workgroup that every region has needs no further call."""
    return "spark" in str(group.get("EngineVersion")).lower()


WORKGROUP = Resource(
    "AWS::Athena::WorkGroup",
    items="WorkGroups[]",
    arn=arn("athena", "workgroup/{Name}"),
    name="{Name}",
    details=(
        Detail(
            operation="GetWorkGroup",
            parameters={"WorkGroup": "{Name}"},
            path="WorkGroup.Configuration",
            under="Configuration",
            when=_runs_spark,
            secrets=(
                f"{_ENGINE}.AdditionalConfigs",
                f"{_ENGINE}.SparkProperties",
                f"{_ENGINE}.Classifications[].Properties",
                "WorkGroup.Configuration.AdditionalConfiguration",
            ),
        ),
    ),
    relations=(
        Tie("runs-as", "Configuration.ExecutionRole"),
        encrypted_by("Configuration.CustomerContentEncryptionConfiguration.KmsKey"),
    ),
    moving=("CreationTime",),  # nobody made the workgroup that every region has: moto tells the moment of the question
)

SERVICE = Service(client="athena", lists=(Listing(operation="ListWorkGroups", gives=(WORKGROUP,)),))
