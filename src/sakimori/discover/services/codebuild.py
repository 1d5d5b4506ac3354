"""CodeBuild: projects with what they build from, as whom and where; and the kinds of credentials for their sources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sakimori.discover.declare import Detail, Item, Listing, Place, Resource, Service, Tie, arn
from sakimori.discover.ties import arns, encrypted_by, in_subnets, in_vpc, uses_groups
from sakimori.model.asset import Asset, Relation

_USERINFO = re.compile(r"(?<=://)[^/@]+@")


def _bare(project: Item) -> Item:
    """Without the passwords in addresses of sources, and with build commands only if they are a file's name."""
    told = dict(project)
    for key in ("source", "secondarySources"):
        found = told.get(key)
        if isinstance(found, dict):
            told[key] = _bare_source(found)
        elif isinstance(found, list):
            told[key] = [_bare_source(source) for source in found]
    return told


def _bare_source(source: Item) -> Item:
    told = dict(source)
    if told.get("location"):
        told["location"] = _USERINFO.sub("(redacted)@", told["location"])
    if "\n" in (told.get("buildspec") or ""):
        told["buildspec"] = "(redacted)"
    return told


def stores(project: Asset, place: Place) -> Iterator[Relation]:
    """`built-from` and `targets`: the buckets that sources come from and artifacts go to."""
    source, artifacts = project.config.get("source") or {}, project.config.get("artifacts") or {}
    if source.get("type") == "S3" and source.get("location"):
        bucket = source["location"].removeprefix(f"arn:{place.partition}:s3:::").partition("/")[0]
        yield Relation(project.uid, "built-from", f"arn:{place.partition}:s3:::{bucket}")
    if artifacts.get("type") == "S3" and artifacts.get("location"):
        yield Relation(project.uid, "targets", f"arn:{place.partition}:s3:::{artifacts['location'].partition('/')[0]}")


PROJECT = Resource(
    "AWS::CodeBuild::Project",
    items="projects[]",
    scalar="name",
    arn=arn("codebuild", "project/{name}"),
    name="{name}",
    tags="tags",
    details=(
        Detail(
            operation="BatchGetProjects",
            parameters={"names": "{name}"},
            each="names",
            batch=100,
            path="projects[]",
            key="name",
            of="{name}",
            secrets=("projects[].environment.environmentVariables[].value", "projects[].webhook.secret"),
        ),
    ),
    shape=_bare,
    relations=(
        stores,
        Tie("runs-as", "serviceRole"),
        in_vpc("vpcConfig.vpcId"),
        in_subnets("vpcConfig.subnets[]"),
        uses_groups("vpcConfig.securityGroupIds[]"),
        encrypted_by("encryptionKey"),
        arns("uses", "environment.registryCredential.credential"),
        Tie("logs-to", "logsConfig.cloudWatchLogs.groupName", arn("logs", "log-group:{}")),
    ),
    moving=("environment.dockerServer.status",),
)

CREDENTIAL = Resource(
    "AWS::CodeBuild::SourceCredential", items="sourceCredentialsInfos[]", arn="{arn}", name="{serverType}"
)

SERVICE = Service(
    client="codebuild",
    lists=(
        Listing(operation="ListProjects", gives=(PROJECT,)),
        Listing(operation="ListSourceCredentials", gives=(CREDENTIAL,)),
    ),
)
