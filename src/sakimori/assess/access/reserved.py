"""What AWS decides whatever the policies say, and what asks for a policy of the resource's own."""

from __future__ import annotations

import re

from sakimori.assess.access.arns import parse_arn

ALWAYS_ALLOWED = "sts:getcalleridentity"
"""Allowed even where a policy denies it ("GetCallerIdentity", AWS STS API reference)."""

ROOT_SESSION = "sts:assumeroot"
"""Root sessions of an organisation's member accounts, from its management account or one delegated IAM."""

_READS = re.compile(r"iam:(get|list|simulate|generate)\w*")
_POLICY_WRITES = frozenset(
    "iam:createpolicy iam:createpolicyversion iam:deletepolicy iam:deletepolicyversion iam:setdefaultpolicyversion"
    " iam:tagpolicy iam:untagpolicy".split()
)
_SERVICE_LINKED = frozenset(
    "iam:createservicelinkedrole iam:deleteservicelinkedrole iam:updateroledescription iam:passrole".split()
)
_ALIAS_WRITES = frozenset(("kms:createalias", "kms:deletealias", "kms:updatealias"))


def forbidden(action: str, resource: str) -> str:
    """Why AWS itself refuses the action on this resource, or "". The action is in lower case.

    "AWS managed policies cannot be edited", "Using service-linked roles", "AWS managed keys".
    """
    if action in _ALIAS_WRITES and ":alias/aws/" in resource:
        return "aliases that begin with aws/ are AWS's own"
    if not action.startswith("iam:"):
        return ""
    if action in _POLICY_WRITES and resource.startswith("arn:") and ":iam::aws:policy/" in resource:
        return "AWS managed policies are AWS's own and cannot be changed"
    if ":role/aws-reserved/" in resource and not _READS.fullmatch(action):
        return "roles below aws-reserved/ are changed by the AWS service that made them only"
    if ":role/aws-service-role/" in resource and not (_READS.fullmatch(action) or action in _SERVICE_LINKED):
        return "service-linked roles are changed by their service only"
    return ""


def beyond_root(action: str) -> str:
    """Why AWS refuses the action (in lower case) to every root user, whatever policies say, or "".

    "AssumeRole" and "AssumeRoot", AWS STS API reference: neither takes the credentials of a root user.
    """
    kind = {"sts:assumerole": "roles", ROOT_SESSION: "root sessions"}.get(action)
    return f"a root user cannot assume {kind}, whatever the policies say" if kind else ""


def needs_resource_policy(action: str, resource: str) -> str:
    """What the resource's own policy is called where nothing is allowed without it, or ""."""
    arn = parse_arn(resource)
    if arn is None:
        return ""
    if arn.service == "iam" and arn.resource.startswith("role/") and action.startswith("sts:"):
        return "trust policy of the role"
    if arn.service == "kms" and arn.resource.startswith("key/"):
        return "key policy"
    return ""


RCP_SERVICES = frozenset("s3 sts kms sqs secretsmanager dynamodb ecr logs aoss cognito-idp cognito-identity".split())
"""Action prefixes that resource control policies have a say in ("Resource control policies", AWS Organizations)."""


def under_rcps(action: str) -> bool:
    """Have resource control policies a say in the action (in lower case)?

    None in kms:RetireGrant, whatever they say of kms:* ("Resource control policies in AWS KMS").
    """
    return action.partition(":")[0] in RCP_SERVICES and action != "kms:retiregrant"


_UNSIGNED = frozenset("s3 sqs sns es execute-api elasticfilesystem mediastore codebuild vpc-lattice-svcs".split())
_UNSIGNED_ACTIONS = frozenset(("lambda:invokefunctionurl", "bedrock-agentcore:invokegateway"))


def answers_unsigned(action: str) -> bool:
    """May a request of this action come from somebody who has not signed it? Most services answer nobody such."""
    return action.partition(":")[0].lower() in _UNSIGNED or action.lower() in _UNSIGNED_ACTIONS


_ON_EVERYTHING = {
    "s3": "ListAllMyBuckets CreateJob ListJobs GetAccountPublicAccessBlock PutAccountPublicAccessBlock ListAccessPoints"
    " ListMultiRegionAccessPoints ListStorageLensConfigurations",
    "kms": "ListKeys ListAliases CreateKey GenerateRandom CreateCustomKeyStore DescribeCustomKeyStores",
    "iam": "ListUsers ListRoles ListGroups ListPolicies ListAccountAliases GetAccountSummary"
    " GetAccountAuthorizationDetails"
    " GetAccountPasswordPolicy UpdateAccountPasswordPolicy DeleteAccountPasswordPolicy GenerateCredentialReport"
    " GetCredentialReport ListSAMLProviders ListOpenIDConnectProviders ListServerCertificates ListInstanceProfiles"
    " ListVirtualMFADevices CreateAccountAlias DeleteAccountAlias SimulateCustomPolicy GetContextKeysForCustomPolicy",
    "sts": "GetCallerIdentity GetSessionToken DecodeAuthorizationMessage GetAccessKeyInfo GetServiceBearerToken",
    "ec2": "AllocateHosts DescribeInstances DescribeImages DescribeVolumes DescribeSnapshots DescribeVpcs"
    " DescribeSubnets"
    " DescribeSecurityGroups DescribeNetworkInterfaces DescribeRegions DescribeAvailabilityZones DescribeAddresses"
    " DescribeKeyPairs DescribeRouteTables DescribeTags DescribeAccountAttributes DescribeNetworkAcls"
    " DescribeVpcEndpoints"
    " EnableSerialConsoleAccess EnableEbsEncryptionByDefault DisableEbsEncryptionByDefault GetEbsEncryptionByDefault",
    "sqs": "ListQueues",
    "sns": "ListTopics ListSubscriptions ListPlatformApplications",
    "lambda": "ListFunctions ListLayers ListEventSourceMappings GetAccountSettings CreateEventSourceMapping",
    "dynamodb": "ListTables ListBackups ListGlobalTables ListStreams DescribeLimits DescribeReservedCapacity",
    "secretsmanager": "ListSecrets GetRandomPassword",
    "ecr": "GetAuthorizationToken DescribeRegistry GetRegistryPolicy PutRegistryPolicy",
    "ecs": "ListClusters CreateCluster ListTaskDefinitions RegisterTaskDefinition DeregisterTaskDefinition"
    " DescribeTaskDefinition ListTaskDefinitionFamilies",
    "eks": "ListClusters CreateCluster",
    "cloudtrail": "DescribeTrails ListTrails LookupEvents ListPublicKeys",
    "logs": "DescribeQueries DescribeResourcePolicies PutResourcePolicy",
    "ssm": "DescribeParameters DescribeInstanceInformation ListDocuments ListCommands DescribeSessions",
    "organizations": "DescribeOrganization ListAccounts ListRoots CreateOrganization LeaveOrganization ListPolicies"
    " CreateAccount",
    "guardduty": "CreateDetector ListDetectors",
    "cloudformation": "ListStacks ListExports ValidateTemplate",
    "rds": "DescribeAccountAttributes DescribeEvents",
    "cloudwatch": "ListMetrics GetMetricData GetMetricStatistics PutMetricData",
    "sso": "ListInstances",
    "glue": "ListJobs ListCrawlers",
    "account": "ListRegions",
    "ce": "GetCostAndUsage",
}
_UNSCOPED = frozenset(f"{prefix}:{name}".lower() for prefix, names in _ON_EVERYTHING.items() for name in names.split())


def acts_on_everything(action: str) -> bool:
    """Has the action (in lower case) no resource of its own, so that only `*` as Resource means it?

    Nearly all that describes in EC2 is such ("Actions, resources, and condition keys for Amazon EC2").
    """
    return action in _UNSCOPED or (action.startswith("ec2:describe") and not action.endswith("attribute"))
