"""App Runner: services, what they are built from, and the roles that they run under. Of their variables only the
names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie
from sakimori.discover.ties import encrypted_by

_SOURCE = "Service.SourceConfiguration"

SERVED = Resource(
    "AWS::AppRunner::Service",
    items="ServiceSummaryList[]",
    arn="{ServiceArn}",
    name="{ServiceName}",
    details=(
        Detail(
            operation="DescribeService",
            parameters={"ServiceArn": "{ServiceArn}"},
            path="Service",
            secrets=(
                f"{_SOURCE}.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables",
                f"{_SOURCE}.CodeRepository.CodeConfiguration.CodeConfigurationValues.RuntimeEnvironmentVariables",
            ),
        ),
        Detail(
            operation="ListTagsForResource",
            parameters={"ResourceArn": "{ServiceArn}"},
            path="Tags[]",
            under="Tags",
        ),
    ),
    relations=(
        Tie("runs-as", "InstanceConfiguration.InstanceRoleArn"),
        Tie("runs-as", "SourceConfiguration.AuthenticationConfiguration.AccessRoleArn"),
        encrypted_by("EncryptionConfiguration.KmsKey"),
    ),
)

SERVICE = Service(client="apprunner", lists=(Listing(operation="ListServices", gives=(SERVED,)),))
