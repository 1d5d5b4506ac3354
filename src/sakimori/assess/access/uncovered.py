"""Kinds of resources that others can be let into and that discovery does not look at: answers about them are Unknown,
and `assess access` says each time how many they are.

From the tables "AWS services that work with IAM" (resource-based policies) and "Shareable AWS resources" (AWS RAM).
"""

from __future__ import annotations

import re

from sakimori.assess.access.resource_policies import POLICIES
from sakimori.assess.access.sharing import KINDS as SHARED

_WITH_POLICIES = {
    "acm-pca": "AWS::ACMPCA::CertificateAuthority",
    "aoss": "AWS::OpenSearchServerless::AccessPolicy",
    "backup": "AWS::Backup::BackupVault",
    "bedrock-agentcore": "AWS::BedrockAgentCore::Gateway",
    "codeartifact": "AWS::CodeArtifact::Repository",
    "events": "AWS::Events::EventBus",
    "glue": "AWS::Glue::DataCatalog",
    "iot": "AWS::IoT::Policy",
    "kinesis": "AWS::Kinesis::Stream",
    "lex": "AWS::Lex::Bot",
    "logs": "AWS::Logs::Destination",
    "mediastore": "AWS::MediaStore::Container",
    "redshift-serverless": "AWS::RedshiftServerless::Namespace",
    "rekognition": "AWS::Rekognition::Project",
    "s3-object-lambda": "AWS::S3ObjectLambda::AccessPoint",
    "s3-outposts": "AWS::S3Outposts::Bucket",
    "s3express": "AWS::S3Express::DirectoryBucket",
    "s3tables": "AWS::S3Tables::TableBucket",
    "schemas": "AWS::EventSchemas::Registry",
    "serverlessrepo": "AWS::ServerlessRepo::Application",
    "ses": "AWS::SES::EmailIdentity",
    "signer": "AWS::Signer::SigningProfile",
    "vpc-lattice": "AWS::VpcLattice::Service",
}
"""The service in an ARN -> the kind whose policy has a say."""

_OTHERWISE = (
    "AWS::S3::AccessPoint",
    "AWS::S3::AccessGrant",
    "AWS::LakeFormation::Permissions",
    "AWS::RAM::ResourceShare",
)

CHECKS = ("public_resource", "cross_account_resource")
"""The checks whose answers lack these kinds."""


def kinds() -> list[str]:
    """All such kinds, sorted; not those that discovery has come to cover."""
    return sorted({*_WITH_POLICIES.values(), *_OTHERWISE} - {*POLICIES, *SHARED})


def kind_of(service: str) -> str:
    """The kind of a service whose policy, which nobody has looked at, has a say about its resources; or ""."""
    kind = _WITH_POLICIES.get(service, "")
    return "" if kind in POLICIES else kind


_CATALOGUE = re.compile(r"glue:\w*(catalog|database|table|partition|column|userdefinedfunction)\w*|athena:\w*")


def lake_formation_has_a_say(action: str) -> bool:
    """Does Lake Formation, whose permissions nobody has looked at, have to allow the action (in lower case) as well?"""
    return bool(_CATALOGUE.fullmatch(action))


HANDS_OUT = {"lakeformation.amazonaws.com": "Lake Formation", "access-grants.s3.amazonaws.com": "S3 Access Grants"}
"""Services that hand out sessions of the roles that they are trusted with, to whom their own grants say."""
