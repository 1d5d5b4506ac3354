"""Public and shared resources of every kind that discovery looks at, and those of kinds that it does not."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, OTHER, STRANGE, allow, bucket, document, inventory, organization, role, user
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.engine import Response
from sakimori.assess.access.estate import estate
from sakimori.assess.access.inside import subject_of
from sakimori.assess.access.questions import can, who_can
from sakimori.assess.access.resource_policies import POLICIES
from sakimori.assess.access.sharing import KINDS, shared
from sakimori.discover.services import services
from sakimori.model.asset import Asset, Inventory, NotEvaluated

REGION = "eu-west-1"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"


def thing(kind: str, arn: str, **config: Any) -> Asset:
    return Asset(arn, kind, ACCOUNT, REGION, config)


def arn(service: str, rest: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:{service}:{REGION}:{account}:{rest}"


def policy(principal: Any, action: str, resource: str = "*") -> dict[str, Any]:
    return document(allow(action, resource, Principal=principal))


def with_policy(principal: Any) -> list[tuple[Asset, str]]:
    """A resource of every kind with a policy that lets the principal do one thing, and that."""
    domain, api = arn("es", "domain/search"), f"arn:aws:apigateway:{REGION}::/restapis/abc"
    stages = arn("execute-api", "abc/*")
    repositories = arn("ecr", "repository/*")
    layer = arn("lambda", "layer:l:1")
    return [
        (bucket("b", allow("s3:GetObject", "arn:aws:s3:::b/*", Principal=principal)), "s3:GetObject"),
        (thing("AWS::KMS::Key", arn("kms", "key/1"), Policy=policy(principal, "kms:Decrypt")), "kms:Decrypt"),
        (
            thing("AWS::SQS::Queue", arn("sqs", "q"), Attributes={"Policy": policy(principal, "sqs:SendMessage")}),
            "sqs:SendMessage",
        ),
        (
            thing("AWS::SNS::Topic", arn("sns", "t"), Attributes={"Policy": policy(principal, "sns:Publish")}),
            "sns:Publish",
        ),
        (
            thing(
                "AWS::SecretsManager::Secret",
                arn("secretsmanager", "secret:s-1"),
                ResourcePolicy=policy(principal, "secretsmanager:GetSecretValue"),
            ),
            "secretsmanager:GetSecretValue",
        ),
        (
            thing(
                "AWS::Lambda::Function", arn("lambda", "function:f"), Policy=policy(principal, "lambda:InvokeFunction")
            ),
            "lambda:InvokeFunction",
        ),
        (
            thing("AWS::Lambda::LayerVersion", layer, Policy=policy(principal, "lambda:GetLayerVersion", layer)),
            "lambda:GetLayerVersion",
        ),
        (
            thing("AWS::ECR::Repository", arn("ecr", "repository/r"), Policy=policy(principal, "ecr:BatchGetImage")),
            "ecr:BatchGetImage",
        ),
        (
            thing(
                "AWS::ECR::Registry",
                arn("ecr", "registry"),
                Policy=policy(principal, "ecr:ReplicateImage", repositories),
            ),
            "ecr:ReplicateImage",
        ),
        (
            thing(
                "AWS::BedrockAgentCore::Runtime",
                arn("bedrock-agentcore", "runtime/r-1"),
                Policy=policy(principal, "bedrock-agentcore:InvokeAgentRuntime"),
            ),
            "bedrock-agentcore:InvokeAgentRuntime",
        ),
        (
            thing(
                "AWS::DynamoDB::Table", arn("dynamodb", "table/t"), ResourcePolicy=policy(principal, "dynamodb:Scan")
            ),
            "dynamodb:Scan",
        ),
        (
            thing(
                "AWS::EFS::FileSystem",
                arn("elasticfilesystem", "file-system/fs-1"),
                Policy=policy(principal, "elasticfilesystem:ClientMount"),
            ),
            "elasticfilesystem:ClientMount",
        ),
        (
            thing("AWS::OpenSearchService::Domain", domain, AccessPolicies=policy(principal, "es:*", f"{domain}/*")),
            "es:ESHttpGet",
        ),
        (
            thing("AWS::ApiGateway::RestApi", api, policy=policy(principal, "execute-api:Invoke", stages)),
            "execute-api:Invoke",
        ),
    ]


NEWER = [
    ("AWS::ACMPCA::CertificateAuthority", "acm-pca", "certificate-authority/1", "Policy", "acm-pca:IssueCertificate"),
    ("AWS::Backup::BackupVault", "backup", "backup-vault:v", "Policy", "backup:CopyIntoBackupVault"),
    (
        "AWS::BedrockAgentCore::Gateway",
        "bedrock-agentcore",
        "gateway/g-1",
        "Policy",
        "bedrock-agentcore:InvokeGateway",
    ),
    ("AWS::CodeArtifact::Domain", "codeartifact", "domain/d", "Policy", "codeartifact:GetAuthorizationToken"),
    ("AWS::CodeArtifact::Repository", "codeartifact", "repository/d/r", "Policy", "codeartifact:ReadFromRepository"),
    ("AWS::CloudTrail::Channel", "cloudtrail", "channel/1", "Policy", "cloudtrail-data:PutAuditEvents"),
    ("AWS::CloudTrail::EventDataStore", "cloudtrail", "eventdatastore/1", "Policy", "cloudtrail:StartQuery"),
    ("AWS::DSQL::Cluster", "dsql", "cluster/c", "Policy", "dsql:DbConnect"),
    ("AWS::Glacier::Vault", "glacier", "vaults/v", "Policy", "glacier:InitiateJob"),
    ("AWS::MSK::Cluster", "kafka", "cluster/c/1", "Policy", "kafka:CreateVpcConnection"),
    ("AWS::Oam::Sink", "oam", "sink/1", "Policy", "oam:CreateLink"),
    ("AWS::S3Vectors::VectorBucket", "s3vectors", "bucket/b", "Policy", "s3vectors:QueryVectors"),
    ("AWS::EventSchemas::Registry", "schemas", "registry/r", "Policy", "schemas:DescribeSchema"),
    ("AWS::Events::EventBus", "events", "event-bus/default", "Policy", "events:PutEvents"),
    ("AWS::Glue::DataCatalog", "glue", "catalog", "PolicyInJson", "glue:GetTable"),
    ("AWS::Kinesis::Stream", "kinesis", "stream/s", "Policy", "kinesis:GetRecords"),
    ("AWS::Kinesis::StreamConsumer", "kinesis", "stream/s/consumer/c:1", "Policy", "kinesis:SubscribeToShard"),
    ("AWS::Lex::Bot", "lex", "bot/B", "Policy", "lex:DescribeBot"),
    ("AWS::Lex::BotAlias", "lex", "bot-alias/B/A", "Policy", "lex:RecognizeText"),
    ("AWS::Logs::DeliveryDestination", "logs", "delivery-destination:d", "Policy", "logs:CreateDelivery"),
    ("AWS::Logs::Destination", "logs", "destination:d", "accessPolicy", "logs:PutSubscriptionFilter"),
    (
        "AWS::RedshiftServerless::Namespace",
        "redshift-serverless",
        "namespace/1",
        "Policy",
        "redshift:CreateInboundIntegration",
    ),
    (
        "AWS::RedshiftServerless::Snapshot",
        "redshift-serverless",
        "snapshot/1",
        "Policy",
        "redshift-serverless:RestoreFromSnapshot",
    ),
    ("AWS::S3::AccessGrantsInstance", "s3", "access-grants/default", "Policy", "s3:GetDataAccess"),
    ("AWS::S3Express::DirectoryBucket", "s3express", "bucket/b--apne1-az1--x-s3", "Policy", "s3express:CreateSession"),
    ("AWS::S3ObjectLambda::AccessPoint", "s3-object-lambda", "accesspoint/p", "Policy", "s3-object-lambda:GetObject"),
    ("AWS::S3Outposts::Bucket", "s3-outposts", "outpost/op-1/bucket/b", "Policy", "s3-outposts:GetObject"),
    ("AWS::S3Tables::Table", "s3tables", "bucket/b/table/1", "Policy", "s3tables:GetTableData"),
    ("AWS::S3Tables::TableBucket", "s3tables", "bucket/b", "Policy", "s3tables:GetTableData"),
]
"""Kind, service and resource in its ARN, where its policy stands, and an action that it may allow."""


def newer(principal: Any) -> list[tuple[Asset, str]]:
    """The kinds whose policy stands alone in their description, and those that have several."""
    found = [
        (thing(kind, arn(service, rest), **{key: policy(principal, action)}), action)
        for kind, service, rest, key, action in NEWER
    ]
    sends, copies = policy(principal, "ses:SendEmail"), policy(principal, "rekognition:CopyProjectVersion")
    nothing = policy({"AWS": ACCOUNT}, "ses:SendRawEmail")
    identity = thing("AWS::SES::EmailIdentity", arn("ses", "identity/a.example"), Policies={"a": nothing, "b": sends})
    project = thing(
        "AWS::Rekognition::Project", arn("rekognition", "project/p/1"), Policies=[{"PolicyDocument": copies}]
    )
    return [*found, (identity, "ses:SendEmail"), (project, "rekognition:CopyProjectVersion")]


def sharing(account: str) -> list[tuple[Asset, str]]:
    """A resource of every kind that is shared otherwise, with an account or all, and what that gives."""
    everybody = account == "all"
    volume = {"Group": "all"} if everybody else {"UserId": account}
    attribute = [{"AttributeName": "restore", "AttributeValues": [account]}]
    allowed = [{"Principal": "*" if everybody else f"arn:aws:iam::{account}:root"}]
    return [
        (
            thing("AWS::EC2::Snapshot", arn("ec2", "snapshot/snap-1", ""), CreateVolumePermissions=[volume]),
            "ebs:GetSnapshotBlock",
        ),
        (thing("AWS::EC2::Image", arn("ec2", "image/ami-1", ""), LaunchPermissions=[volume]), "ec2:RunInstances"),
        (
            thing("AWS::RDS::DBSnapshot", arn("rds", "snapshot:s"), DBSnapshotAttributes=attribute),
            "rds:RestoreDBInstanceFromDBSnapshot",
        ),
        (
            thing(
                "AWS::RDS::DBClusterSnapshot", arn("rds", "cluster-snapshot:s"), DBClusterSnapshotAttributes=attribute
            ),
            "rds:RestoreDBClusterFromSnapshot",
        ),
        (
            thing(
                "AWS::Redshift::ClusterSnapshot",
                arn("redshift", "snapshot:c/s"),
                AccountsWithRestoreAccess=[{"AccountId": account}],
            ),
            "redshift:RestoreFromClusterSnapshot",
        ),
        (thing("AWS::SSM::Document", arn("ssm", "document/d"), AccountIds=[account]), "ssm:GetDocument"),
        (
            thing("AWS::EC2::VPCEndpointService", arn("ec2", "vpc-endpoint-service/v"), AllowedPrincipals=allowed),
            "ec2:CreateVpcEndpoint",
        ),
        (
            thing(
                "AWS::ServerlessRepo::Application",
                arn("serverlessrepo", "applications/a"),
                Statements=[{"Actions": ["Deploy"], "Principals": ["*" if everybody else account]}],
            ),
            "serverlessrepo:CreateCloudFormationChangeSet",
        ),
    ]


def shared_with_accounts(account: str) -> list[tuple[Asset, str]]:
    """What can be shared with accounts by their numbers alone."""
    permission = {"action": "signer:StartSigningJob", "principal": account, "statementId": "s"}
    consumer = {"ConsumerIdentifier": account, "Status": "ACTIVE"}
    return [
        (
            thing("AWS::Signer::SigningProfile", arn("signer", "/signing-profiles/p"), Permissions=[permission]),
            "signer:StartSigningJob",
        ),
        (
            thing(
                "AWS::RedshiftServerless::Snapshot",
                arn("redshift-serverless", "snapshot/1"),
                accountsWithRestoreAccess=[account],
            ),
            "redshift-serverless:RestoreFromSnapshot",
        ),
        (
            thing(
                "AWS::Redshift::DataShare",
                arn("redshift", "datashare:n/s"),
                DataShareAssociations=[consumer, {**consumer, "Status": "DEAUTHORIZED", "ConsumerIdentifier": OTHER}],
            ),
            "redshift:AssociateDataShareConsumer",
        ),
    ]


def reported(asset: Asset, check: str) -> list[tuple[str, str]]:
    findings = assess(inventory(asset), [check]).findings
    return [(finding.asset, action) for finding in findings for action in finding.evidence["actions"]]


@pytest.mark.parametrize(
    ("asset", "action"), [*with_policy("*"), *newer("*"), *sharing("all")], ids=lambda each: getattr(each, "type", each)
)
def test_what_is_open_to_everybody_is_found(asset: Asset, action: str) -> None:
    assert (asset.uid, action) in reported(asset, "public_resource")


@pytest.mark.parametrize(
    ("asset", "action"),
    [
        *with_policy({"AWS": f"arn:aws:iam::{STRANGE}:root"}),
        *newer({"AWS": STRANGE}),
        *sharing(STRANGE),
        *shared_with_accounts(STRANGE),
    ],
    ids=lambda each: getattr(each, "type", each),
)
def test_what_is_shared_with_a_strange_account_is_found(asset: Asset, action: str) -> None:
    assert (asset.uid, action) in reported(asset, "cross_account_resource")
    assert reported(asset, "public_resource") == []


@pytest.mark.parametrize(
    ("asset", "action"),
    [*with_policy({"AWS": ACCOUNT}), *newer({"AWS": ACCOUNT}), *sharing(ACCOUNT), *shared_with_accounts(ACCOUNT)],
    ids=lambda each: getattr(each, "type", each),
)
def test_what_is_for_its_own_account_is_not(asset: Asset, action: str) -> None:
    assert reported(asset, "public_resource") == reported(asset, "cross_account_resource") == []
    found = estate(inventory(asset, user("ann")))
    able = [row.principal for row in who_can(found, action, subject_of(asset, action)).rows if row.kind != "root"]
    assert able == [], "its users need a policy of their own"


def test_every_kind_that_is_declared_is_tested() -> None:
    every = (*with_policy("*"), *newer("*"), *sharing("all"), *shared_with_accounts(STRANGE))
    elsewhere = {
        "AWS::CodeBuild::Project",
        "AWS::S3::AccessPoint",
        "AWS::S3::MultiRegionAccessPoint",
        "AWS::S3Express::AccessPoint",
        "AWS::VpcLattice::Service",
        "AWS::VpcLattice::ServiceNetwork",
    }
    assert {asset.type for asset, _ in every} == {*POLICIES, *KINDS} - elsewhere
    discovered = {resource.type for service in services().values() for _, resource in service.resources()}
    assert discovered >= {*POLICIES, *KINDS}


def test_builds_that_anybody_may_read() -> None:
    project = thing("AWS::CodeBuild::Project", arn("codebuild", "project/p"), projectVisibility="PUBLIC_READ")
    assert reported(project, "public_resource") == [(project.uid, "codebuild:BatchGetBuilds")]
    assert [*shared(thing(project.type, project.uid, projectVisibility="PRIVATE"))] == []


def test_an_image_that_an_organisation_may_launch() -> None:
    ours = {"OrganizationArn": f"arn:aws:organizations::{ACCOUNT}:organization/o-1"}
    unit = {"OrganizationalUnitArn": f"arn:aws:organizations::{ACCOUNT}:ou/o-1/ou-1"}
    for permission in (ours, unit):
        image = thing("AWS::EC2::Image", arn("ec2", "image/ami-1", ""), LaunchPermissions=[permission])
        neighbour = user("bob", allow("ec2:RunInstances"), account=OTHER)
        assets = inventory(image, neighbour, organization(ACCOUNT, OTHER))
        rows = who_can(estate(assets), "ec2:RunInstances", image.uid).rows
        assert neighbour.uid in [row.principal for row in rows if row.outcome.value == "Allowed"]
    assert assess(inventory(image, organization(ACCOUNT, OTHER)), ["public_resource"]).findings == ()


def test_only_our_own_distributions_identity_is_no_stranger() -> None:
    reader = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"
    site = bucket("site", allow("s3:GetObject", "arn:aws:s3:::site/*", Principal={"AWS": reader}))
    identity = Asset("arn:aws:cloudfront::1:origin-access-identity/E1", IDENTITY, ACCOUNT, "global", {"Id": "E1"})
    assert reported(site, "cross_account_resource") == [(site.uid, "s3:GetObject")]
    assert assess(inventory(site, identity), ["cross_account_resource"]).findings == ()


IDENTITY = "AWS::CloudFront::CloudFrontOriginAccessIdentity"


def test_a_resource_whose_sharing_could_not_be_read_is_undecided() -> None:
    snapshot = thing("AWS::EC2::Snapshot", arn("ec2", "snapshot/snap-1", ""))
    why = NotEvaluated("ec2:DescribeSnapshotAttribute", ACCOUNT, REGION, snapshot.uid, "AccessDenied", "no")
    for check in ("public_resource", "cross_account_resource"):
        (undecided,) = assess(Inventory([snapshot], not_evaluated=[why]), [check]).undecided
        assert undecided.asset == snapshot.uid
        assert "ec2:DescribeSnapshotAttribute" in undecided.reason


# ---- what is not in the inventory


@pytest.mark.parametrize(
    ("action", "resource", "said"),
    [
        ("events:PutEvents", arn("events", "event-bus/b"), "not in the inventory"),
        ("ses:SendEmail", arn("ses", "identity/example.com"), "not in the inventory"),
        ("backup:CopyIntoBackupVault", arn("backup", "backup-vault:v"), "not in the inventory"),
        ("kinesis:GetRecords", arn("kinesis", "stream/s"), "not in the inventory"),
        ("glue:GetTable", arn("glue", "table/d/t"), "Lake Formation"),
        ("athena:StartQueryExecution", arn("athena", "workgroup/w"), "Lake Formation"),
    ],
)
def test_a_policy_that_nobody_has_looked_at_makes_the_answer_unknown(action: str, resource: str, said: str) -> None:
    found = estate(inventory(user("ann", allow("*"))))
    answer = can(found, ANN, action, resource)
    assert answer.response is Response.UNKNOWN
    assert said in answer.why
    (row,) = (each for each in who_can(found, action, resource).rows if each.principal == ANN)
    assert row.outcome.value == "Unknown"


@pytest.mark.parametrize(("asset", "action"), newer({"AWS": ANN}), ids=lambda each: getattr(each, "type", each))
def test_the_newer_kinds_are_answered_about_exactly(asset: Asset, action: str) -> None:
    """Who the policy names can; who has the right of his own can; others of the account cannot."""
    found = estate(inventory(asset, user("ann"), user("bob", allow(action)), user("cem")))
    subject = subject_of(asset, action).replace("*", "x")
    answers = {name: can(found, ANN.replace("ann", name), action, subject).response for name in ("ann", "bob", "cem")}
    unsure = asset.type == "AWS::Glue::DataCatalog"  # Lake Formation has a say, too
    allowed = Response.UNKNOWN if unsure else Response.ALLOWED
    assert answers == {
        "ann": allowed,
        "bob": allowed,
        "cem": Response.UNKNOWN if unsure else Response.IMPLICITLY_DENIED,
    }
    able = {row.principal[-3:] for row in who_can(found, action, subject).rows if row.kind == "user"}
    assert able == {"ann", "bob"}


def test_a_denial_is_certain_whatever_else_there_is() -> None:
    found = estate(inventory(user("ann", allow("*"), {"Effect": "Deny", "Action": "events:*", "Resource": "*"})))
    assert can(found, ANN, "events:PutEvents", arn("events", "event-bus/b")).response is Response.EXPLICITLY_DENIED


@pytest.mark.parametrize(
    ("service", "name"),
    [("lakeformation.amazonaws.com", "Lake Formation"), ("access-grants.s3.amazonaws.com", "S3 Access Grants")],
)
def test_a_role_that_a_service_hands_out_makes_the_list_of_readers_incomplete(service: str, name: str) -> None:
    registered = role("registered", allow("s3:GetObject", "arn:aws:s3:::lake/*"), trusts={"Service": service})
    found = estate(inventory(registered, bucket("lake"), bucket("other")))
    (unknown,) = who_can(found, "s3:GetObject", "arn:aws:s3:::lake").unknown
    assert unknown == f"{name} hands out sessions of {registered.uid}, and its grants are not looked at"
    assert who_can(found, "s3:GetObject", "arn:aws:s3:::other").unknown == ()


def test_an_alias_means_its_key() -> None:
    own = thing("AWS::KMS::Key", arn("kms", "key/1"), Policy=policy({"AWS": ACCOUNT}, "kms:*"))
    alias = thing("AWS::KMS::Alias", arn("kms", "alias/a"), TargetKeyId="1")
    found = estate(inventory(own, alias, user("ann", allow("kms:Decrypt"))))
    assert can(found, ANN, "kms:Decrypt", alias.uid).response is Response.ALLOWED
