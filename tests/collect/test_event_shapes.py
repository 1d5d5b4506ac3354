"""Shapes of events by the schemas that AWS publishes: wrappings, and what each service tells besides its usual."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import botocore.session
import pytest

import told_events as told
from sakimori.collect.events import MAX_BODY, MOST_REFUSALS, heard
from sakimori.collect.products.securityhub import resource_type
from sakimori.model.event import Event, State
from sakimori.model.severity import Severity

FINDING = told.guardduty()


def one(document: Any) -> Event:
    found = heard(document if isinstance(document, (str, bytes)) else json.dumps(document), "test")
    assert found.refusals == []
    assert len(found.events) == 1
    return found.events[0]


def refusal(document: Any) -> str:
    found = heard(document if isinstance(document, (str, bytes)) else json.dumps(document), "test")
    assert found.events == []
    assert len(found.refusals) == 1
    return found.refusals[0].reason


def in_base64(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


# Wrappings


@pytest.mark.parametrize(
    "wrapped",
    [
        {"requestId": "r", "timestamp": 1, "records": [{"data": in_base64(FINDING)}]},
        {
            "invocationId": "i",
            "deliveryStreamArn": "arn:aws:firehose:us-east-1:1:deliverystream/d",
            "records": [{"recordId": "1", "approximateArrivalTimestamp": 1, "data": in_base64(FINDING)}],
        },
        {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": in_base64(FINDING)}}]},
        {"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": json.dumps(FINDING)}]},
        {"version": "2.0", "requestContext": {"http": {"method": "POST"}}, "body": json.dumps(FINDING)},
        {"requestContext": {"stage": "prod"}, "isBase64Encoded": True, "body": in_base64(FINDING)},
        [[told.wrapped_in_sns(FINDING)]],
        {"Messages": [{"Body": json.dumps(told.wrapped_in_sns(FINDING))}]},
        b"\xef\xbb\xbf" + json.dumps(FINDING).encode(),
        "\ufeff" + json.dumps(FINDING),
        gzip.compress(json.dumps(FINDING).encode()),
        json.dumps(FINDING, indent=2).encode(),
        FINDING["detail"],
        {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": FINDING},
    ],
)
def test_wrappings_come_off(wrapped: Any) -> None:
    event = one(wrapped)
    assert (event.uid, event.revision) == (one(FINDING).uid, one(FINDING).revision)


@pytest.mark.parametrize("between", ["", "\n", " ", "\n\n\n", "\t" * 100])
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_objects_that_follow_each_other_as_firehose_leaves_them_in_s3(between: str, pack: Any) -> None:
    body = between.join(json.dumps(told.guardduty(number=number)) for number in range(1, 6))
    assert len({event.uid for event in heard(pack(body), "s3").events}) == 5


def test_members_of_a_gzip_are_read_one_after_the_other() -> None:
    members = [gzip.compress(json.dumps(told.guardduty(number=number)).encode() + b"\n") for number in (1, 2)]
    assert len(heard(b"".join(members), "s3").events) == 2


def test_a_line_may_hold_what_unicode_calls_an_end_of_line() -> None:
    lines = [json.dumps(told.guardduty(number=number), ensure_ascii=False) for number in (1, 2)]
    body = "\n".join(line.replace("A description.", "a\u2028b\u0085c") for line in lines)
    assert len(heard(body, "lines").events) == 2


def test_entries_of_put_events_and_the_scheduler_have_the_detail_in_a_text() -> None:
    entry = {"Source": "aws.guardduty", "DetailType": "GuardDuty Finding", "Detail": json.dumps(FINDING["detail"])}
    assert one({"Entries": [entry]}).uid == one(FINDING).uid
    own = "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/sakimori-waf"
    due = {**told.envelope("aws.scheduler", "Scheduled Event", {}), "detail": "{}", "resources": [own]}
    assert (one(due).product, one(due).asked) == ("schedule", "sakimori-waf")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"records": [{"data": "%%%"}]}, "the data of a record of Firehose is no text"),
        ({"Records": [{"kinesis": {}}]}, "the data of a record of Kinesis is no text"),
        ({"Messages": [{"Body": 7}]}, "the body of an SQS message is no text"),
        ({"imageScanFindings": {"findings": [{"name": "CVE-2026-1"}]}}, "ECR tells of it by an event"),
        ({"InsightResults": {"ResultValues": []}}, "an answer of securityhub:GetInsightResults: counts"),
        ({"requestContext": {}, "body": None}, "the body of an HTTP request is no text"),
        ({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://x"}, "it tells of nothing"),
        (gzip.compress(b"{}", mtime=0)[:-3], "gzip that ends too early"),
        (b"\x1f\x8b garbage", "gzip that is broken"),
        (gzip.compress(b" " * (MAX_BODY + 1)), "once it is unpacked: split it"),
        ('{"a": 1}{"b"', "not JSON"),
        ('{"Id": "\\ud800"}{"Id": 1', "not JSON"),
        ({"detail-type": "GuardDuty Finding", "source": "aws.guardduty", "detail": "{"}, "without an object in its"),
    ],
)
def test_a_wrapping_that_is_broken_is_refused_by_name(body: Any, reason: str) -> None:
    assert reason in refusal(body)


@pytest.mark.parametrize("body", ["[" + "0," * 200_000 + "0]", json.dumps({"Findings": [{}] * 50_000}), "0\n" * 50_000])
def test_a_body_of_many_things_that_cannot_be_read_is_told_in_a_few_refusals(body: str) -> None:
    found = heard(body, "hostile")
    assert len(found.refusals) == MOST_REFUSALS + 1
    assert "more of it cannot be read, which are not told one by one" in found.refusals[-1].reason


def test_what_can_be_read_behind_many_things_that_cannot_is_read() -> None:
    assert len(heard(json.dumps([*[0] * 500, FINDING]), "mixed").events) == 1


# GuardDuty


@pytest.mark.parametrize(
    ("kind", "resource", "types"),
    [
        (
            "Object:S3/MaliciousFile",
            {
                "resourceType": "S3Object",
                "s3BucketDetails": [
                    {
                        "arn": "arn:aws:s3:::up",
                        "name": "up",
                        "s3ObjectDetails": [{"objectArn": "arn:aws:s3:::up/a.exe", "key": "a.exe", "eTag": "e"}],
                    }
                ],
            },
            ["AWS::S3::Bucket", "AWS::S3::Object"],
        ),
        (
            "Execution:EC2/MaliciousFile!Snapshot",
            {"ebsSnapshotDetails": {"snapshotArn": "arn:aws:ec2:us-east-1::snapshot/snap-1"}},
            ["AWS::EC2::Snapshot"],
        ),
        (
            "Execution:EC2/MaliciousFile!AMI",
            {"ec2ImageDetails": {"imageArn": "arn:aws:ec2:us-east-1::image/ami-1"}},
            ["AWS::EC2::Image"],
        ),
        (
            "Execution:Backup/MaliciousFile",
            {"recoveryPointDetails": {"recoveryPointArn": "arn:aws:backup:us-east-1:1:recovery-point:r"}},
            ["AWS::Backup::RecoveryPoint"],
        ),
        (
            "PrivilegeEscalation:Runtime/ContainerMountsHostDirectory",
            {
                "resourceType": "EKSCluster",
                "eksClusterDetails": {"arn": "arn:aws:eks:us-east-1:1:cluster/c"},
                "kubernetesDetails": {"kubernetesWorkloadDetails": {"name": "w"}},
                "containerDetails": {"id": "abc", "image": "nginx"},
                "instanceDetails": {"instanceId": "i-1"},
            },
            ["AWS::EC2::Instance", "AWS::EKS::Cluster", "Container"],
        ),
        (
            "CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin",
            {"rdsDbInstanceDetails": {"dbInstanceArn": "arn:aws:rds:us-east-1:1:db:d"}, "rdsDbUserDetails": {}},
            ["AWS::RDS::DBInstance"],
        ),
        (
            "Backdoor:Lambda/C&CActivity.B",
            {"lambdaDetails": {"functionArn": "arn:aws:lambda:us-east-1:1:function:f"}},
            ["AWS::Lambda::Function"],
        ),
    ],
)
def test_every_plan_of_guardduty_names_what_its_finding_is_about(
    kind: str, resource: dict[str, Any], types: list[str]
) -> None:
    event = one(told.guardduty(kind, resource=resource))
    assert (event.kind, [each.type for each in event.resources]) == (kind, types)


def shaped(service: str, name: str, depth: int = 12) -> Any:
    """An answer with a value for every member of a shape, as botocore's model of the service has it."""
    model = botocore.session.get_session().get_service_model(service)

    def made(shape: Any, left: int) -> Any:
        if shape.type_name == "structure":
            return {key: made(each, left - 1) for key, each in shape.members.items() if left}
        if shape.type_name == "list":
            return [made(shape.member, left - 1)] if left else []
        if shape.type_name == "map":
            return {"key": made(shape.value, left - 1)} if left else {}
        plain = {"string": "text", "timestamp": "2026-11-25T08:30:00Z", "boolean": False, "blob": ""}
        enum = getattr(shape, "enum", ())
        return enum[0] if enum else plain.get(shape.type_name, 1)

    return made(model.shape_for(name), depth)


@pytest.mark.parametrize(
    ("service", "operation", "product"),
    [
        ("guardduty", "GetFindingsResponse", "guardduty"),
        ("macie2", "GetFindingsResponse", "macie"),
        ("inspector2", "ListFindingsResponse", "inspector2"),
        ("securityhub", "GetFindingsResponse", "securityhub"),
        ("ecr", "DescribeImageScanFindingsResponse", "inspector2"),
        ("config", "GetComplianceDetailsByResourceResponse", "config"),
    ],
)
def test_an_answer_that_has_everything_that_the_service_may_tell_is_a_finding(
    service: str, operation: str, product: str
) -> None:
    event = one(shaped(service, operation))
    assert event.product == product
    assert event.finding is not None
    assert event.resources


# Inspector, Config, Security Hub, OCSF


@pytest.mark.parametrize(
    ("detail_type", "source"),
    [
        ("Inspector2 Scan", "aws.inspector2"),
        ("Inspector2 Coverage", "aws.inspector2"),
        ("GuardDuty Runtime Protection Unhealthy", "aws.guardduty"),
        ("Config Configuration Item Change", "aws.config"),
        ("Config Rules Re-evaluation Status", "aws.config"),
        ("Config Configuration Snapshot Delivery Status", "aws.config"),
    ],
)
def test_notices_are_refused_with_what_they_are(detail_type: str, source: str) -> None:
    reason = refusal(told.envelope(source, detail_type, {"x": 1}))
    assert detail_type in reason
    assert "and no finding" in reason or "an event of its own" in reason


@pytest.mark.parametrize(
    "message",
    [
        "ConfigurationItemChangeNotification",
        "OversizedConfigurationItemChangeNotification",
        "ScheduledNotification",
        "ConfigurationSnapshotDeliveryCompleted",
    ],
)
def test_config_asks_with_each_of_its_message_types(message: str) -> None:
    model = botocore.session.get_session().get_service_model("config")
    assert message in model.shape_for("MessageType").enum
    invoking = {"messageType": message, "notificationCreationTime": "2026-11-25T08:30:00Z"}
    event = one({"configRuleName": "r", "invokingEvent": json.dumps(invoking), "resultToken": "t", "accountId": "1"})
    assert event.kind == f"Config Rule Invocation: {message}"


def test_config_tells_a_topic_of_compliance_as_it_tells_eventbridge() -> None:
    message = {
        "awsAccountId": told.ACCOUNT,
        "awsRegion": told.REGION,
        "configRuleName": "r",
        "configRuleARN": "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-1",
        "resourceType": "AWS::S3::Bucket",
        "resourceId": "data",
        "newEvaluationResult": {"complianceType": "NON_COMPLIANT", "resultRecordedTime": "2026-11-25T08:30:00Z"},
        "notificationCreationTime": "2026-11-25T08:30:01Z",
        "messageType": "ComplianceChangeNotification",
        "recordVersion": "1.0",
    }
    by_topic = one(told.wrapped_in_sns(message))
    by_bus = one(told.envelope("aws.config", "Config Rules Compliance Change", message))
    assert (by_topic.uid, by_topic.revision, by_topic.state) == (by_bus.uid, by_bus.revision, State.OPEN)
    other = {"messageType": "ConfigurationHistoryDeliveryCompleted", "recordVersion": "1.1", "s3Bucket": "b"}
    assert "'ConfigurationHistoryDeliveryCompleted'" in refusal(other)


NOT_IN_CLOUDFORMATION = {
    "AwsBackupRecoveryPoint",
    "AwsEcrContainerImage",
    "AwsEcsContainer",
    "AwsEcsTask",
    "AwsRdsDbClusterSnapshot",
    "AwsS3AccountPublicAccessBlock",
    "AwsS3Object",
    "AwsSsmPatchCompliance",
    "AwsWafRateBasedRule",
    "AwsWafRegionalRuleGroup",
    "AwsWafRuleGroup",
    "AwsXrayEncryptionConfig",
}
OTHERS = {"Container", "Other", "CodeRepository", "AzureResource", "GcpResource"}


def test_every_type_of_asff_is_cloudformations_where_there_is_one() -> None:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    known = set(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"))
    spelt = set(botocore.session.get_session().get_service_model("securityhub").shape_for("ResourceDetails").members)
    assert {each for each in spelt if resource_type(each) not in known} <= NOT_IN_CLOUDFORMATION | OTHERS
    assert all(resource_type(each).startswith("AWS::") for each in spelt - OTHERS)


@pytest.mark.parametrize("class_uid", [2001, 2002, 2003, 2004, 2006, 2007])
def test_every_class_of_ocsfs_findings_is_read(class_uid: int) -> None:
    found = {
        "class_uid": class_uid,
        "category_uid": 2,
        "severity_id": 4,
        "status_id": 1,
        "time": 1764059400000,
        "cloud": {"account": {"uid": told.ACCOUNT}, "region": told.REGION},
        "metadata": {"product": {"uid": f"arn:aws:securityhub:{told.REGION}::productv2/acme/scanner"}},
        "finding_info": {"uid": "f-1", "title": "t", "modified_time_dt": "2026-11-25T08:30:00Z"},
        "resources": [{"uid": "arn:aws:s3:::data", "type": "AWS::S3::Bucket"}],
    }
    event = one(told.envelope("aws.securityhub", "Findings Imported V2", {"findings": [found]}))
    assert (event.product, event.state, event.resources[0].type) == ("acme/scanner", State.OPEN, "AWS::S3::Bucket")
    assert event.finding is not None
    assert event.finding.severity is Severity.HIGH


def test_an_incident_of_ocsf_is_refused_as_one() -> None:
    assert "Incident Finding: its findings come by themselves" in refusal(
        {"class_uid": 2005, "class_name": "Incident Finding", "category_uid": 2, "finding_info_list": []}
    )


# CloudTrail, Health


def test_an_insight_is_about_a_call() -> None:
    detail = {
        "eventVersion": "1.08",
        "eventID": "e-1",
        "eventTime": "2026-11-25T08:30:00Z",
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": told.ACCOUNT,
        "insightDetails": {"state": "Start", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser"},
    }
    assert one(told.envelope("aws.cloudtrail", "AWS Insight via CloudTrail", detail)).kind == "iam:CreateUser"
    assert one(detail).kind == "iam:CreateUser"


def health(**fields: Any) -> dict[str, Any]:
    detail = {
        "eventArn": "arn:aws:health:us-east-1::event/x",
        "service": "EC2",
        "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE",
        "startTime": "Wed, 25 Nov 2026 08:00:00 GMT",
        "lastUpdatedTime": "Wed, 25 Nov 2026 08:30:00 GMT",
        "statusCode": "open",
        "affectedEntities": [{"entityValue": "i-1"}],
        **fields,
    }
    return told.envelope("aws.health", "AWS Health Event", detail)


def test_every_page_of_an_event_of_health_is_read_once() -> None:
    pages = [one(health(page=str(page), totalPages="3")) for page in (1, 2, 3)]
    assert len({each.uid for each in pages}) == 1
    assert len({each.revision for each in pages}) == 3
    assert pages[0].revision == one(health()).revision


def test_an_event_of_the_organisation_is_of_the_account_that_it_names_and_of_its_own_region() -> None:
    event = one(health(affectedAccount="210987654321", eventRegion="ap-northeast-1"))
    assert (event.account, event.region) == ("210987654321", "ap-northeast-1")
    assert event.uid != one(health(affectedAccount=told.ACCOUNT)).uid


def test_a_report_of_abuse_is_a_finding_until_it_is_closed() -> None:
    abuse = {"service": "ABUSE", "eventTypeCode": "AWS_ABUSE_DOS_REPORT"}
    opened, closed = health(**abuse), health(**abuse, statusCode="closed")
    for event in (opened, closed):
        event["detail-type"] = "AWS Health Abuse Event"
    assert (one(opened).state, one(closed).state) == (State.OPEN, State.CLOSED)
    finding = one(opened).finding
    assert finding is not None
    assert (finding.severity, one(opened).resources[0].uid) == (Severity.HIGH, "i-1")
    assert one(health()).finding is None
