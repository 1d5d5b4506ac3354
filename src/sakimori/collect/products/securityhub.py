"""Security Hub in ASFF: findings as imported, custom actions that a person chose on them, insights, `GetFindings`.

Source: "AWS Security Finding Format (ASFF)" and "EventBridge event formats for Security Hub CSPM". A finding that
another AWS service made is that service's: its uid and revision are those that the service's own event gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.collect import told
from sakimori.collect.products import guardduty
from sakimori.collect.told import NotRead, Telling, number, obj, objects, text, texts, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.severity import Severity

FEED = "securityhub"

PRODUCTS = {"aws/guardduty": "guardduty", "aws/inspector": "inspector2", "aws/macie": "macie", "aws/config": "config"}
"""The end of a product's ARN in Security Hub -> our name of it; others keep the end of their ARN, ours included."""

OURS = "sakimori/uid"
"""The product field of findings that we have sent there: they are ours already, and make no second one."""

SEVERITIES = {level.name: level for level in Severity}

TYPES = {
    "AwsAccount": "AWS::::Account",
    "AwsEcrContainerImage": "AWS::ECR::Image",
    "AwsAppSyncGraphQlApi": "AWS::AppSync::GraphQLApi",
    "AwsEc2Eip": "AWS::EC2::EIP",
    "AwsEc2NetworkAcl": "AWS::EC2::NetworkAcl",
    "AwsEc2Vpc": "AWS::EC2::VPC",
    "AwsEc2VpcEndpointService": "AWS::EC2::VPCEndpointService",
    "AwsEc2VpcPeeringConnection": "AWS::EC2::VPCPeeringConnection",
    "AwsEc2VpnConnection": "AWS::EC2::VPNConnection",
    "AwsEventsEventbus": "AWS::Events::EventBus",
    "AwsIamPolicy": "AWS::IAM::ManagedPolicy",
    "AwsStepFunctionStateMachine": "AWS::StepFunctions::StateMachine",
}
"""Types whose names do not follow from CloudFormation's of the same thing."""

SERVICES = {
    "AmazonMq": "AmazonMQ",
    "ApiGateway": "ApiGateway",
    "ApiGatewayV2": "ApiGatewayV2",
    "AppSync": "AppSync",
    "Athena": "Athena",
    "AutoScaling": "AutoScaling",
    "Backup": "Backup",
    "CertificateManager": "CertificateManager",
    "CloudFormation": "CloudFormation",
    "CloudFront": "CloudFront",
    "CloudTrail": "CloudTrail",
    "CloudWatch": "CloudWatch",
    "CodeBuild": "CodeBuild",
    "Dms": "DMS",
    "DynamoDb": "DynamoDB",
    "Ec2": "EC2",
    "Ecr": "ECR",
    "Ecs": "ECS",
    "Efs": "EFS",
    "Eks": "EKS",
    "ElasticBeanstalk": "ElasticBeanstalk",
    "Elasticsearch": "Elasticsearch",
    "Elb": "ElasticLoadBalancing",
    "Elbv2": "ElasticLoadBalancingV2",
    "EventSchemas": "EventSchemas",
    "Events": "Events",
    "GuardDuty": "GuardDuty",
    "Iam": "IAM",
    "Kinesis": "Kinesis",
    "Kms": "KMS",
    "Lambda": "Lambda",
    "Msk": "MSK",
    "NetworkFirewall": "NetworkFirewall",
    "OpenSearchService": "OpenSearchService",
    "Rds": "RDS",
    "Redshift": "Redshift",
    "Route53": "Route53",
    "S3": "S3",
    "SageMaker": "SageMaker",
    "SecretsManager": "SecretsManager",
    "Sns": "SNS",
    "Sqs": "SQS",
    "Ssm": "SSM",
    "Waf": "WAF",
    "WafRegional": "WAFRegional",
    "Wafv2": "WAFv2",
    "Xray": "XRay",
}
"""Services as ASFF spells them -> as CloudFormation does."""

_WORDS = (("Db", "DB"), ("Acl", "ACL"))


def product_of(product_arn: str) -> str:
    """`arn:aws:securityhub:us-east-1::product/aws/guardduty` (or `productv2/...`) -> `guardduty`."""
    tail = product_arn.partition(":product")[2].removeprefix("v2").removeprefix("/")
    if tail == "aws/securityhub":
        return FEED
    return PRODUCTS.get(tail, tail or FEED)


def resource_type(spelt: str) -> str:
    """`AwsEc2Instance` -> `AWS::EC2::Instance`; what is not known stays as it is."""
    if spelt in TYPES:
        return TYPES[spelt]
    known = [each for each in SERVICES if spelt.startswith(f"Aws{each}") and spelt != f"Aws{each}"]
    if not known:
        return spelt
    service = max(known, key=len)
    name = spelt.removeprefix(f"Aws{service}")
    for word, as_cloudformation in _WORDS:
        name = name.replace(word, as_cloudformation)
    return f"AWS::{SERVICES[service]}::{name}"


def read_imported(telling: Telling) -> Iterator[Event | NotRead]:
    """`Security Hub Findings - Imported`."""
    yield from _all(telling)


def read_custom_action(telling: Telling) -> Iterator[Event | NotRead]:
    """`Security Hub Findings - Custom Action`: each finding that the person picked, with the action."""
    action = next((each for each in telling.resources if ":action/custom/" in each), "")
    asked = action.rpartition("/")[2] or text(telling.detail, "actionName")
    if not asked:
        raise NotRead("a custom action of Security Hub that does not say which")
    for each in _all(telling):
        yield each if isinstance(each, NotRead) else _asked(each, asked, text(telling.detail, "actionName"), telling.id)


def _asked(event: Event, asked: str, name: str, envelope: str) -> Event:
    """Asking again is a new request; the same event delivered again is not."""
    from dataclasses import replace

    revision = f"{event.revision}/asked-{envelope or event.time}"
    return replace(event, asked=asked, asked_name=name, revision=revision)


def read_insight(telling: Telling) -> Iterator[Event]:
    """`Security Hub Insight Results`: counts by resource or account; no finding."""
    insight = told.identity(text(telling.detail, "insightArn") or text(telling.detail, "insightName"), "insight")
    action = next((each.rpartition("/")[2] for each in telling.resources if ":action/custom/" in each), "")
    yield Event(
        FEED,
        FEED,
        "Security Hub Insight Results",
        event_uid(FEED, "insight", telling.account, telling.region, insight),
        telling.id or telling.time,
        telling.account,
        telling.region,
        telling.time,
        detail=telling.detail,
        asked=action or text(telling.detail, "actionName"),
        asked_name=text(telling.detail, "actionName"),
    )


def read_object(telling: Telling) -> Iterator[Event]:
    """One finding of the answer of securityhub:GetFindings."""
    yield read_finding(telling.detail)


def _all(telling: Telling) -> Iterator[Event | NotRead]:
    yield from told.each_of(telling, "findings", read_finding, f"{telling.detail_type} without findings")


def read_finding(found: Mapping[str, Any]) -> Event:
    """One finding in ASFF. Raises NotRead."""
    own_id = told.identity(text(found, "Id"), "Id")
    product_arn = text(found, "ProductArn")
    ours = text(found, "ProductFields", OURS)
    product = "sakimori" if ours else product_of(product_arn)
    key = own_id if product in (FEED, *PRODUCTS.values()) else f"{product}/{own_id}"
    account = text(found, "AwsAccountId")
    region = text(found, "Region") or ":".join(product_arn.split(":")[3:4])
    kind, state = _kind(found, product), _state(found)
    updated = when(found.get("UpdatedAt")) or when(found.get("LastObservedAt"))
    revision = told.state_revision(updated, state)
    resources = tuple(_resource(each, account, region) for each in objects(found, "Resources") if text(each, "Id"))
    return Event(
        product=product,
        feed=FEED,
        kind=kind,
        uid=event_uid(product, key),
        revision=revision,
        account=account,
        region=region,
        time=updated,
        state=state,
        resources=resources,
        detail=found,
        finding=None
        if ours
        else told.finding(
            product,
            key,
            kind=kind,
            title=text(found, "Title"),
            description=text(found, "Description"),
            severity=_severity(found),
            account=account,
            region=region,
            resources=resources,
            first=when(found.get("FirstObservedAt")) or when(found.get("CreatedAt")),
            last=when(found.get("LastObservedAt")) or updated,
            revision=revision,
            facts=_facts(found),
            source_ip=_source_ip(found),
            tactics=guardduty.tactics(kind) if product == "guardduty" else (),
            count=number(found, "ProductFields", "aws/guardduty/service/count"),
        ),
    )


def _kind(found: Mapping[str, Any], product: str) -> str:
    types = texts(found, "Types") or texts(found, "FindingProviderFields", "Types")
    if product == "guardduty":
        return guardduty.type_in_asff(types) or "finding"
    if product == "macie":
        last = next((each for each in types if each), "").rpartition("/")[2]
        return last.replace("-", "/", 1) if ":" in last else last or "finding"
    if product == "inspector2":
        return "PACKAGE_VULNERABILITY" if objects(found, "Vulnerabilities") else "NETWORK_REACHABILITY"
    return text(found, "ProductFields", "ControlId") or text(found, "GeneratorId") or next(iter(types), "finding")


def _state(found: Mapping[str, Any]) -> State:
    """Archived by its product is closed; so is what a person calls RESOLVED, and a check that passes."""
    workflow = text(found, "Workflow", "Status")
    if text(found, "RecordState") == "ARCHIVED":
        return State.CLOSED
    if workflow == "SUPPRESSED":
        return State.SUPPRESSED
    passed = text(found, "Compliance", "Status") in ("PASSED", "NOT_AVAILABLE")
    return State.CLOSED if passed or workflow == "RESOLVED" else State.OPEN


def _severity(found: Mapping[str, Any]) -> Severity:
    """ "ASFF, Severity": the label, else by the normalised number: 0, 1-39, 40-69, 70-89, 90-100."""
    told_severity = obj(found, "Severity") or obj(found, "FindingProviderFields", "Severity")
    known = SEVERITIES.get(text(told_severity, "Label").upper())
    if known is not None:
        return known
    normalised = number(told_severity, "Normalized") or 0.0
    levels = ((90, Severity.CRITICAL), (70, Severity.HIGH), (40, Severity.MEDIUM), (1, Severity.LOW))
    return next((level for least, level in levels if normalised >= least), Severity.INFORMATIONAL)


def _resource(each: Mapping[str, Any], account: str, region: str) -> Resource:
    kind, uid = resource_type(text(each, "Type")), text(each, "Id")
    details: dict[str, Any] = {}
    if kind == "AWS::IAM::AccessKey":
        key = obj(each, "Details", "AwsIamAccessKey")
        uid = uid.removeprefix("AWS::IAM::AccessKey:")
        details = {
            "access_key_id": text(key, "AccessKeyId") or uid,
            "user_name": text(key, "PrincipalName") or text(key, "UserName"),
            "user_type": text(key, "PrincipalType"),
            "principal_id": text(key, "PrincipalId"),
        }
    known = {name: value for name, value in details.items() if value}
    return Resource(kind, uid, account, text(each, "Region") or region, known, told.tags(each, "Tags"))


def _facts(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "control": text(found, "ProductFields", "ControlId"),
        "generator": text(found, "GeneratorId"),
        "compliance": text(found, "Compliance", "Status"),
        "vulnerabilities": [text(each, "Id") for each in objects(found, "Vulnerabilities")],
        "fix": text(found, "Remediation", "Recommendation", "Url"),
    }


def _source_ip(found: Mapping[str, Any]) -> str:
    action = obj(found, "Action")
    told_by_action = (text(each, "RemoteIpDetails", "IpAddressV4") for each in action.values())
    return next(filter(None, told_by_action), "") or text(found, "Network", "SourceIpV4")


EVENTS = {
    ("aws.securityhub", "Security Hub Findings - Imported"): read_imported,
    ("aws.securityhub", "Security Hub Findings - Custom Action"): read_custom_action,
    ("aws.securityhub", "Security Hub Insight Results"): read_insight,
}
OBJECTS = ((("Id", "ProductArn", "AwsAccountId"), read_object),)
