"""What moto does wrong by itself, and the simulated AWS does right."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sakimori.simulate.aws import SimulatedAws


def deploy(aws: SimulatedAws, **resources: Any) -> dict[str, str]:
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="own", TemplateBody=json.dumps({"Resources": resources}))
    found = cloudformation.describe_stack_resources(StackName="own")["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def test_cloudformation_makes_secrets_alarms_and_policies_and_takes_them_away(aws: SimulatedAws) -> None:
    document = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}
    made = deploy(
        aws,
        Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "own"}},
        Policy={
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": document},
        },
        Secret={
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": "own", "GenerateSecretString": {"PasswordLength": 40}},
        },
        Alarm={
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "own",
                "Namespace": "Own",
                "MetricName": "Beats",
                "ComparisonOperator": "LessThanThreshold",
                "EvaluationPeriods": 1,
                "Period": 60,
                "Threshold": 1,
                "Statistic": "Sum",
            },
        },
    )
    secrets, alarms = aws.client("secretsmanager"), aws.client("cloudwatch")
    assert len(secrets.get_secret_value(SecretId=made["Secret"])["SecretString"]) == 40
    assert [each["MetricName"] for each in alarms.describe_alarms()["MetricAlarms"]] == ["Beats"]
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="own")["QueueUrl"]
    assert (
        json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
        == document
    )
    aws.client("cloudformation").delete_stack(StackName="own")
    assert (secrets.list_secrets()["SecretList"], alarms.describe_alarms()["MetricAlarms"]) == ([], [])


def test_a_bucket_that_asks_for_tls_is_open_to_those_who_use_it(aws: SimulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="own")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::own/*"}
    over_http = statement | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket="own", Policy=json.dumps({"Version": "2012-10-17", "Statement": [over_http]}))
    s3.put_object(Bucket="own", Key="a", Body=b"a")
    assert json.loads(s3.get_bucket_policy(Bucket="own")["Policy"])["Statement"] == [over_http]


def test_an_event_starts_no_schedule(aws: SimulatedAws) -> None:
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName="own")["QueueUrl"]
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:own"}
    events.put_rule(Name="daily", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="daily", Targets=[target])
    events.put_events(Entries=[{"Source": "own", "DetailType": "Own", "Detail": "{}"}])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_transaction_that_is_cancelled_takes_nothing_of_others_back(aws: SimulatedAws) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="own",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="own", Item={"pk": {"S": "there"}})

    def write(number: int) -> None:
        dynamodb.put_item(TableName="own", Item={"pk": {"S": str(number)}})
        item = {"TableName": "own", "Item": {"pk": {"S": "there"}}, "ConditionExpression": "attribute_not_exists(pk)"}
        try:
            dynamodb.transact_write_items(TransactItems=[{"Put": item}])
        except dynamodb.exceptions.TransactionCanceledException:
            return
        raise AssertionError("it was there")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(80)))
    assert dynamodb.scan(TableName="own")["Count"] == 81
