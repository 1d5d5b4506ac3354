"""What the function may do: exactly what its workflows, their actions and its own running declare, each on the
narrowest resource that the action takes.

Source: "Service Authorization Reference", which says for each action the types of resources that it takes; where it
takes none, the resource is "*". In other accounts it acts by a role that they have for it (`respond permissions`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sakimori.notify.channels import sns
from sakimori.notify.routes import channel
from sakimori.respond import function, plugins, table
from sakimori.respond.carried_routes import Settings, named
from sakimori.respond.deploy.design import Design

ACCOUNT, PARTITION, REGION = "{account}", "{partition}", "{region}"
"""What stands in an ARN for the account, partition and region that are deployed to."""


def _own(service: str, *resources: str, region: str = "*") -> tuple[str, ...]:
    return tuple(f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{resource}" for resource in resources)


_ALL = ("*",)
_BUCKETS = (f"arn:{PARTITION}:s3:::*",)
_SNAPSHOTS = (f"arn:{PARTITION}:ec2:*::snapshot/*",)
_ACLS = _own("wafv2", "regional/webacl/*/*", "global/webacl/*/*")

RESOURCES: dict[str, tuple[str, ...]] = {
    "apigateway:GET": (f"arn:{PARTITION}:apigateway:*::/*",),
    "cloudfront:ListDistributions": _ALL,
    "codepipeline:DisableStageTransition": _own("codepipeline", "*/*"),
    "codepipeline:EnableStageTransition": _own("codepipeline", "*/*"),
    "codepipeline:GetPipeline": _own("codepipeline", "*"),
    "codepipeline:GetPipelineState": _own("codepipeline", "*"),
    "codepipeline:ListPipelines": _own("codepipeline", "*"),
    "codepipeline:ListTagsForResource": _own("codepipeline", "*"),
    "codepipeline:PutApprovalResult": _own("codepipeline", "*/*/*"),
    "codepipeline:UpdatePipeline": _own("codepipeline", "*"),
    "config:GetComplianceDetailsByConfigRule": _own("config", "config-rule/*"),
    "config:GetResourceConfigHistory": _ALL,
    "config:PutEvaluations": _ALL,
    "ec2:CreateSecurityGroup": _own("ec2", "security-group/*", "vpc/*"),
    "ec2:CreateSnapshot": (*_SNAPSHOTS, *_own("ec2", "volume/*")),
    "ec2:CreateTags": _SNAPSHOTS,
    "ec2:DeleteSecurityGroup": _own("ec2", "security-group/*"),
    "ec2:DeleteSnapshot": _SNAPSHOTS,
    "ec2:DescribeInstances": _ALL,
    "ec2:DescribeNetworkInterfaces": _ALL,
    "ec2:DescribeSecurityGroups": _ALL,
    "ec2:DescribeSnapshots": _ALL,
    "ec2:ModifyInstanceMetadataOptions": _own("ec2", "instance/*"),
    "ec2:ModifyNetworkInterfaceAttribute": _own("ec2", "network-interface/*", "security-group/*", "instance/*"),
    "ec2:RevokeSecurityGroupEgress": _own("ec2", "security-group/*"),
    "ecs:DescribeContainerInstances": _own("ecs", "container-instance/*"),
    "ecs:DescribeServices": _own("ecs", "service/*"),
    "ecs:DescribeTasks": _own("ecs", "task/*"),
    "ecs:ListClusters": _ALL,
    "ecs:ListServices": _ALL,
    "ecs:ListTasks": _ALL,
    "ecs:StopTask": _own("ecs", "task/*"),
    "eks:TagResource": _own("eks", "cluster/*"),
    "eks:UntagResource": _own("eks", "cluster/*"),
    "elasticloadbalancing:DescribeLoadBalancers": _ALL,
    "elasticloadbalancing:DescribeTargetGroups": _ALL,
    "elasticloadbalancing:DescribeTargetHealth": _ALL,
    "iam:DeleteRolePolicy": _own("iam", "role/*", region=""),
    "iam:GetAccessKeyLastUsed": _own("iam", "user/*", region=""),
    "iam:GetRolePolicy": _own("iam", "role/*", region=""),
    "iam:ListAccessKeys": _own("iam", "user/*", region=""),
    "iam:ListRoleTags": _own("iam", "role/*", region=""),
    "iam:ListUserTags": _own("iam", "user/*", region=""),
    "iam:PassRole": _own("iam", "role/service-role/AWSCodePipelineServiceRole-*", region=""),
    "iam:PutRolePolicy": _own("iam", "role/*", region=""),
    "iam:UpdateAccessKey": _own("iam", "user/*", region=""),
    "rds:AddTagsToResource": _own("rds", "snapshot:sakimori-*"),
    "rds:CreateDBSnapshot": _own("rds", "db:*", "snapshot:sakimori-*"),
    "rds:DeleteDBSnapshot": _own("rds", "snapshot:sakimori-*"),
    "rds:DescribeDBInstances": _own("rds", "db:*"),
    "rds:DescribeDBSnapshots": _own("rds", "db:*", "snapshot:*"),
    "s3:GetBucketObjectLockConfiguration": _BUCKETS,
    "s3:GetBucketPublicAccessBlock": _BUCKETS,
    "s3:GetBucketTagging": _BUCKETS,
    "s3:GetBucketVersioning": _BUCKETS,
    "s3:PutBucketPublicAccessBlock": _BUCKETS,
    "tag:GetResources": _ALL,
    "tag:TagResources": _ALL,
    "tag:UntagResources": _ALL,
    "wafv2:CheckCapacity": _ALL,
    "wafv2:DescribeManagedRuleGroup": (f"arn:{PARTITION}:wafv2:*:*:*/managedruleset/*/*",),
    "wafv2:GetWebACL": _ACLS,
    "wafv2:GetWebACLForResource": (*_ACLS, *_own("elasticloadbalancing", "loadbalancer/app/*/*")),
    "wafv2:ListAvailableManagedRuleGroups": _ALL,
    "wafv2:ListTagsForResource": _ACLS,
    "wafv2:UpdateWebACL": (*_ACLS, f"arn:{PARTITION}:wafv2:*:*:*/managedruleset/*/*"),
}
"""Action -> the resources that it can be narrowed to before it is known what will be acted on."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a policy that allows; a resource is an ARN with placeholders, or names a part of the deployment in
    the language of the template."""

    actions: tuple[str, ...]
    resources: tuple[Any, ...]

    def document(self) -> dict[str, Any]:
        """As IAM takes it."""
        return {"Effect": "Allow", "Action": list(self.actions), "Resource": list(self.resources)}


def of_workflows(workflows: Iterable[str]) -> list[Statement]:
    """What these workflows look with and their actions change with. Raises RespondError for what is not declared."""
    by_resource: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for action in plugins.permissions_of(workflows):
        by_resource[RESOURCES.get(action, _ALL)].append(action)
    return [Statement(tuple(actions), resources) for resources, actions in sorted(by_resource.items())]


def of_running(design: Design, part: Callable[[str], Any], text: Callable[[str], Any]) -> list[Statement]:
    """What running itself needs: the queues, the table, the secrets, the topic and the log. `part` gives the ARN of a
    part in the language of the template, `text` an ARN with placeholders."""
    secrets = [part("secret"), *filter(None, (design.protect_secret, design.notify_secret))]
    log = text(f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{design.named('respond')}:*")
    running = [
        Statement(function.IAM_ACTIONS, (part("events"),)),
        Statement(("sqs:SendMessage",), (part("dead"),)),  # events that were invoked with and could not be handled
        Statement(table.IAM_ACTIONS, (part("table"),)),
        Statement(("secretsmanager:GetSecretValue",), tuple(secrets)),
        Statement(sns.IAM_ACTIONS, (part("topic"),)),
        Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (log,)),
        *(Statement(each.actions, tuple(map(text, each.resources))) for each in of_routes(design.routes)),
    ]
    if design.key:
        running.append(Statement(("kms:Decrypt", "kms:GenerateDataKey"), (design.key,)))
    return running


def of_routes(routes: Settings) -> list[Statement]:
    """What the channels of the routes need: each on the topic or event bus that its route names."""
    found: list[Statement] = []
    for route in named(routes):
        actions = tuple(channel(route.channel).IAM_ACTIONS)
        where = str(route.settings.get("topic") or route.settings.get("bus"))
        if not where.startswith("arn:"):
            where = f"arn:{PARTITION}:events:{route.settings.get('region') or REGION}:{ACCOUNT}:event-bus/{where}"
        found += [Statement(actions, (where,))] if actions else []
    return found


def of_function(design: Design, part: Callable[[str], Any], text: Callable[[str], Any]) -> dict[str, Any]:
    """The function's whole policy document."""
    looking = [*of_workflows(design.workflows), *of_role(design.role)]
    acting = [Statement(each.actions, tuple(map(text, each.resources))) for each in looking]
    statements = [*of_running(design, part, text), *acting]
    return {"Version": "2012-10-17", "Statement": [each.document() for each in statements]}


def of_queue(queue: Any, rules: list[Any]) -> dict[str, Any]:
    """The policy of a queue: only these rules of EventBridge send to it, and nobody without TLS."""
    return _of_service(queue, "sqs", "sqs:SendMessage", "events.amazonaws.com", rules)


def of_topic(topic: Any, alarms: list[Any]) -> dict[str, Any]:
    """The policy of the topic: these alarms tell of themselves; the function has its own leave."""
    return _of_service(topic, "sns", "sns:Publish", "cloudwatch.amazonaws.com", alarms)


def _of_service(resource: Any, service: str, action: str, who: str, sources: list[Any]) -> dict[str, Any]:
    allowed = {
        "Sid": "OnlyOurs",
        "Effect": "Allow",
        "Principal": {"Service": who},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
    }
    encrypted = {
        "Sid": "OnlyEncrypted",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": f"{service}:*" if service == "sqs" else action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [allowed, encrypted]}


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
"""Who takes the function's role."""


def of_role(role: str) -> list[Statement]:
    """Acting in other accounts, by the role of this name that they have for us."""
    resource = f"arn:{PARTITION}:iam::*:role/{role}"
    return [Statement(("sts:AssumeRole",), (resource,))] if role else []
