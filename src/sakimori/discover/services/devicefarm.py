"""Device Farm: projects, the roles that their tests run under, and the specifications that say what a test does. Of the
variables only the names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie
from sakimori.discover.source import Answer
from sakimori.discover.ties import in_subnets, in_vpc, uses_groups


def _has_role(project: Item) -> bool:
    return bool(project.get("executionRoleArn"))


def _specifications(answer: Answer) -> list[str]:
    """The ARNs of those uploads of one's own that say what a test does."""
    uploads = [each for each in answer.get("uploads") or () if str(each.get("type")).endswith("_TEST_SPEC")]
    return [each["arn"] for each in uploads if each.get("category") != "CURATED"]


PROJECT = Resource(
    "AWS::DeviceFarm::Project",
    items="projects[]",
    arn="{arn}",
    name="{name}",
    details=(
        Detail(
            operation="ListUploads",
            parameters={"arn": "{arn}"},
            parse=_specifications,
            under="Specifications",
            when=_has_role,
            secrets=("uploads[].url",),
        ),
    ),
    relations=(
        Tie("runs-as", "executionRoleArn"),
        in_vpc("vpcConfig.vpcId"),
        in_subnets("vpcConfig.subnetIds[]"),
        uses_groups("vpcConfig.securityGroupIds[]"),
    ),
)

SERVICE = Service(
    client="devicefarm",
    lists=(Listing(operation="ListProjects", secrets=("projects[].environmentVariables[].value",), gives=(PROJECT,)),),
)
