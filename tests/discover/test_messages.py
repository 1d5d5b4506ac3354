"""Secrets, parameters, documents, topics and queues, as they are in the simulated AWS."""

from __future__ import annotations

import json

from discover.world import discovered, ties
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, Call, SimulatedAws, told
from sakimori.simulate.recognise import Operation

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}],
}


def test_a_secret_without_what_is_in_it(aws: SimulatedAws) -> None:
    manager = aws.client("secretsmanager")
    kept = manager.create_secret(Name="db", SecretString="hunter2", Tags=[{"Key": "tier", "Value": "db"}])
    manager.put_resource_policy(SecretId="db", ResourcePolicy=json.dumps(POLICY))
    manager.create_secret(Name="going", SecretString="hunter2")
    manager.delete_secret(SecretId="going", RecoveryWindowInDays=7)
    found = discovered("secretsmanager")
    assert found.not_evaluated == []
    secret = found.get(kept["ARN"])
    assert secret
    assert secret.config["ResourcePolicy"] == POLICY
    assert secret.tags == {"tier": "db"}
    assert {asset.name for asset in found} == {"db", "going"}
    assert "hunter2" not in str(list(found))


def test_parameters_and_shared_documents(aws: SimulatedAws) -> None:
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/shop/password", Value="hunter2", Type="SecureString", KeyId="alias/shop")
    ssm.put_parameter(Name="colour", Value="hunter2", Type="String")
    content = {"schemaVersion": "2.2", "description": "x", "mainSteps": []}
    ssm.create_document(Name="patch", Content=json.dumps(content), DocumentType="Command")
    ssm.modify_document_permission(Name="patch", PermissionType="Share", AccountIdsToAdd=["111122223333"])
    found = discovered("ssm")
    assert found.not_evaluated == []
    password = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/shop/password"
    assert ("encrypted-by", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/shop") in ties(found, password)
    assert found.get(f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/colour")
    document = f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/patch"
    assert ties(found, document) == {("shared-with", "arn:aws:iam::111122223333:root")}
    assert "hunter2" not in str(list(found))


def test_managed_nodes_and_their_patches(aws: SimulatedAws) -> None:
    nodes = [
        {"InstanceId": "i-0123456789abcdef0", "PlatformType": "Linux", "IamRole": "managed"},
        {"InstanceId": "mi-0123456789abcdef0", "PlatformType": "Windows", "ComputerName": "till"},
    ]
    state = {
        "InstanceId": "mi-0123456789abcdef0",
        "PatchGroup": "",
        "BaselineId": "pb-0123456789abcdef0",
        "MissingCount": 3,
        "OperationStartTime": 1764000000,
        "OperationEndTime": 1764000100,
        "Operation": "Scan",
    }
    listed, patched = (
        Operation("ssm", name) for name in ("DescribeInstanceInformation", "DescribeInstancePatchStates")
    )

    def nodes_listed(call: Call) -> Answer:
        return told(listed, {"InstanceInformationList": nodes})

    def patches_told(call: Call) -> Answer:
        asked = json.loads(call.body)["InstanceIds"]
        return told(patched, {"InstancePatchStates": [state] if state["InstanceId"] in asked else []})

    aws.handlers |= {"ssm:DescribeInstanceInformation": nodes_listed, "ssm:DescribeInstancePatchStates": patches_told}
    found = discovered("ssm")
    assert found.not_evaluated == []
    instance, till = (
        found.get(f"arn:aws:ssm:{REGION}:{ACCOUNT}:managed-instance/{each['InstanceId']}") for each in nodes
    )
    assert instance
    assert till
    assert instance.config["PatchState"] is None
    assert till.config["PatchState"]["MissingCount"] == 3
    assert till.name == "till"
    ec2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0123456789abcdef0"
    assert ties(found, instance.uid) == {("attached-to", ec2), ("runs-as", f"arn:aws:iam::{ACCOUNT}:role/managed")}
    assert ties(found, till.uid) == set()


def test_a_topic_and_its_subscriptions(aws: SimulatedAws) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(
        Name="orders",
        Attributes={"KmsMasterKeyId": "alias/aws/sns"},
        Tags=[{"Key": "tier", "Value": "bus"}],
    )["TopicArn"]
    sqs.create_queue(QueueName="orders")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://kaede:hunter2@hooks.example/services/T0K3N")
    found = discovered("sns")
    assert found.not_evaluated == []
    asset = found.get(topic)
    assert asset
    assert asset.config["Attributes"]["Policy"]["Statement"]
    assert asset.tags == {"tier": "bus"}
    assert ("encrypted-by", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/sns") in ties(found, topic)
    told_of = [ties(found, each.uid) for each in found.of_type("AWS::SNS::Subscription")]
    assert {("subscribed-to", topic), ("targets", queue)} in told_of
    assert "hunter2" not in str(list(found))
    assert "T0K3N" not in str(list(found))


def test_a_queue_its_policy_and_its_dead_letters(aws: SimulatedAws) -> None:
    sqs = aws.client("sqs")
    sqs.create_queue(QueueName="dead")
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    sqs.create_queue(
        QueueName="orders",
        Attributes={
            "Policy": json.dumps(POLICY),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": "3"}),
            "KmsMasterKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        },
        tags={"tier": "bus"},
    )
    found = discovered("sqs")
    assert found.not_evaluated == []
    queue = found.get(f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders")
    assert queue
    assert queue.config["Attributes"]["Policy"] == POLICY
    assert queue.tags == {"tier": "bus"}
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert ties(found, queue.uid) == {("targets", dead), ("encrypted-by", key)}
    bare = found.get(dead)
    assert bare
    assert bare.tags == {}
