"""Which resource's policy has a say about an ARN: its own, or that of what it is inside of, as objects are in a bucket;
and what an action that such a policy allows is done to."""

from __future__ import annotations

import re
from functools import lru_cache

from sakimori.assess.access.arns import parse_arn
from sakimori.model.asset import Asset

BUCKET, API, REGISTRY = "AWS::S3::Bucket", "AWS::ApiGateway::RestApi", "AWS::ECR::Registry"
ACCESS_POINT, OF_REGIONS = "AWS::S3::AccessPoint", "AWS::S3::MultiRegionAccessPoint"
CATALOG = "AWS::Glue::DataCatalog"

_OBJECTS = r"s3(-outposts)?:(?!\w*bucket)\w*object\w*"

_INSIDE: dict[str, tuple[tuple[str, str], ...]] = {
    BUCKET: ((_OBJECTS, "{uid}/*"),),
    ACCESS_POINT: ((_OBJECTS, "{uid}/object/*"),),
    OF_REGIONS: ((_OBJECTS, "{uid}/object/*"),),
    "AWS::S3Outposts::Bucket": ((_OBJECTS, "{uid}/object/*"),),
    "AWS::S3Tables::TableBucket": (
        (r"s3tables:(?!createtable\b|listtables\b)(?!\w*bucket)\w*table\w*", "{uid}/table/*"),
    ),
    "AWS::OpenSearchService::Domain": ((r"es:eshttp\w*", "{uid}/*"),),
    "AWS::VpcLattice::Service": ((r"vpc-lattice-svcs:\w+", "{uid}/*"),),
    API: ((r"execute-api:\w+", "arn:{partition}:execute-api:{region}:{account}:{id}/*"),),
    REGISTRY: ((r"ecr:\w+", "{above}:repository/*"),),
    "AWS::Events::EventBus": (
        (r"events:(?!describeeventbus|puteventbus|deleteeventbus)\w*(rule|target)\w*", "{above}:rule/{rules}*"),
    ),
    CATALOG: (
        (r"glue:\w*(table|partition|column)\w*", "{above}:table/*"),
        (r"glue:\w*database\w*", "{above}:database/*"),
        (r"glue:\w*userdefinedfunction\w*", "{above}:userDefinedFunction/*"),
    ),
    "AWS::EventSchemas::Registry": ((r"schemas:(?!\w*registry)\w*schema\w*", "{above}:schema/{id}/*"),),
    "AWS::Rekognition::Project": ((r"rekognition:\w*projectversion\w*", "{versions}/version/*"),),
}
"""Kind of resource -> actions (in lower case) that act on what is inside it, and the ARNs of that."""


def subject_of(asset: Asset, action: str) -> str:
    """What an action that a resource's policy allows is done to: the resource, or all that is inside it."""
    for pattern, template in _INSIDE.get(asset.type, ()):
        if re.fullmatch(pattern, action.lower()):
            return _filled(template, asset)
    return asset.uid


def _filled(template: str, asset: Asset) -> str:
    above, _, resource = asset.uid.rpartition(":")
    name = resource.partition("/")[2]
    return template.format(
        uid=asset.uid,
        above=above,
        id=resource.rpartition("/")[2],
        partition=asset.uid.split(":", 2)[1],
        region=asset.region,
        account=asset.account,
        rules="" if name == "default" else f"{name}/",
        versions=asset.uid.rpartition("/")[0],
    )


_WITHIN = (
    (r"(arn:[\w-]+:s3:::[^/]+)/.*", r"\1"),
    (r"(arn:[\w-]+:s3:[\w-]*:\d+:accesspoint/[^/]+)/object/.*", r"\1"),
    (r"(arn:[\w-]+:s3-outposts:[\w-]+:\d+:outpost/[^/]+/bucket/[^/]+)/object/.*", r"\1"),
    (r"(arn:[\w-]+:s3tables:[\w-]+:\d+:bucket/[^/]+)/table/.*", r"\1"),
    (r"arn:([\w-]+):execute-api:([\w-]+):[^:]*:([^/]+)(/.*)?", r"arn:\1:apigateway:\2::/restapis/\3"),
    (r"(arn:[\w-]+:(?:es|dynamodb):[^:]*:[^:]*:[\w-]+/[^/]*)/.*", r"\1"),
    (r"(arn:[\w-]+:vpc-lattice:[\w-]+:\d+:service/[^/]+)/.*", r"\1"),
    (r"(arn:[\w-]+:glue:[\w-]+:\d+:)(?:database|table|userDefinedFunction)/.*", r"\1catalog"),
    (r"(arn:[\w-]+:events:[\w-]+:\d+:)rule/([^/]+)/.*", r"\1event-bus/\2"),
    (r"(arn:[\w-]+:events:[\w-]+:\d+:)rule/[^/]+", r"\1event-bus/default"),
    (r"(arn:[\w-]+:schemas:[\w-]+:\d+:)schema/([^/]+)/.*", r"\1registry/\2"),
    (r"(arn:[\w-]+:rekognition:[\w-]+:\d+:project/[^/]+)/version/.*", r"\1"),
    (r"(arn:[\w-]+:codeartifact:[\w-]+:\d+:)package/([^/]+/[^/]+)/.*", r"\1repository/\2"),
)


@lru_cache(maxsize=65_536)
def container_of(arn: str) -> str:
    """The resource with a policy that an ARN is of something inside of: of an object its bucket; or ""."""
    if arn.startswith("arn:"):
        for pattern, container in _WITHIN:
            found = re.fullmatch(pattern, arn, re.DOTALL)
            if found:
                return found.expand(container)
    return ""


_HAVE_POLICIES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        "s3 kms sqs sns secretsmanager lambda ecr dynamodb elasticfilesystem es execute-api iam s3-object-lambda"
        " s3-outposts s3express s3tables codeartifact signer".split(),
        ("",),
    ),
    "acm-pca": ("certificate-authority/",),
    "aoss": ("collection/",),
    "backup": ("backup-vault:",),
    "bedrock-agentcore": ("runtime/", "gateway/"),
    "cloudtrail": ("channel/", "eventdatastore/"),
    "dsql": ("cluster/",),
    "events": ("event-bus/", "rule/"),
    "glacier": ("vaults/",),
    "glue": ("catalog", "database/", "table/", "userDefinedFunction/"),
    "kafka": ("cluster/",),
    "kinesis": ("stream/",),
    "lex": ("bot/", "bot-alias/"),
    "logs": ("destination:", "delivery-destination:"),
    "oam": ("sink/",),
    "redshift-serverless": ("namespace/", "snapshot/"),
    "rekognition": ("project/",),
    "s3vectors": ("bucket/",),
    "schemas": ("registry/", "schema/"),
    "serverlessrepo": ("applications/",),
    "ses": ("identity/",),
    "vpc-lattice": ("service/", "servicenetwork/"),
}
"""Service in an ARN -> what begins the resources of its that may have a policy, or are inside of what has one."""


def may_have_policy(arn: str) -> bool:
    """May a policy of the resource's own have a say about it? Of iam, that is the trust policy of a role."""
    parts = parse_arn(arn)
    return parts is not None and parts.resource.startswith(_HAVE_POLICIES.get(parts.service, (" ",)))
