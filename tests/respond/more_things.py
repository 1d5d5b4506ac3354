"""More things that actions change, of which moto lacks a part: pipelines with their state, databases, evaluations."""

from __future__ import annotations

import json
from typing import Any

from accounts import Thing, without_metadata

from sakimori.model.action import Target
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, Call, SimulatedAws

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class Pipelines:
    """A pipeline at moto, with what moto lacks: its state, transitions and approvals, in the shapes of the API."""

    def __init__(self, aws: SimulatedAws, *, approval: bool = False, key: str = "app.zip") -> None:
        self.disabled: dict[str, str] = {}
        self.approvals: dict[str, dict[str, str]] = {}
        self.codepipeline = aws.client("codepipeline")
        for name in ("GetPipelineState", "DisableStageTransition", "EnableStageTransition", "PutApprovalResult"):
            aws.handlers[f"codepipeline:{name}"] = self.answer
        made = aws.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(TRUST))
        stages = [
            _stage("Source", _action("Fetch", "Source", "S3", S3Bucket="code", S3ObjectKey=key)),
            *([_stage("Look", _action("Ask", "Approval", "Manual"))] if approval else []),
            _stage("Deploy", _action("Push", "Deploy", "CodeDeploy", ApplicationName="shop")),
        ]
        pipeline = {"name": "shop", "roleArn": made["Role"]["Arn"], "stages": stages, "version": 1}
        pipeline["artifactStore"] = {"type": "S3", "location": "artifacts"}
        self.codepipeline.create_pipeline(pipeline=pipeline)
        self.arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:shop"

    def ask(self) -> None:
        """An execution has come to the approval."""
        self.approvals["Ask"] = {"status": "InProgress", "token": "11111111-2222-4333-8444-555555555555"}

    def answer(self, call: Call) -> Answer:
        asked = json.loads(call.body)
        if call.operation == "DisableStageTransition":
            self.disabled[asked["stageName"]] = asked["reason"]
        elif call.operation == "EnableStageTransition":
            self.disabled.pop(asked["stageName"], None)
        elif call.operation == "PutApprovalResult":
            waiting = self.approvals.get(asked["actionName"], {})
            if waiting.get("token") != asked["token"]:
                return Answer(b'{"__type": "InvalidApprovalTokenException", "message": "another token"}', 400)
            status = {"Rejected": "Failed", "Approved": "Succeeded"}[asked["result"]["status"]]
            self.approvals[asked["actionName"]] = {"status": status, "summary": asked["result"]["summary"]}
            return Answer(b"{}")
        return Answer(json.dumps(self.state()).encode())

    def state(self) -> dict[str, Any]:
        return {"pipelineName": "shop", "stageStates": [self._state_of(each) for each in self.stages()]}

    def stages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.codepipeline.get_pipeline(name="shop")["pipeline"]["stages"]
        return found

    def _state_of(self, stage: dict[str, Any]) -> dict[str, Any]:
        name = stage["name"]
        transition: dict[str, Any] = {"enabled": name not in self.disabled}
        if name in self.disabled:
            transition["disabledReason"] = self.disabled[name]
        states = []
        for each in stage["actions"]:
            latest = self.approvals.get(each["name"])
            states.append({"actionName": each["name"], **({"latestExecution": latest} if latest else {})})
        return {"stageName": name, "inboundTransitionState": transition, "actionStates": states}

    def describe(self) -> Any:
        return json.loads(json.dumps((self.state(), self.stages())))


def _stage(name: str, action: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "actions": [action]}


def _action(name: str, category: str, provider: str, **configuration: str) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": configuration, "runOrder": 1}


def pipeline(aws: SimulatedAws) -> Thing:
    made = Pipelines(aws)
    return Thing(Target("AWS::CodePipeline::Pipeline", made.arn, ACCOUNT, REGION, {"stage": "Deploy"}), made.describe)


def asking_pipeline(aws: SimulatedAws) -> Thing:
    made = Pipelines(aws, approval=True)
    made.ask()
    parameters = {"stage": "Look", "action": "Ask"}
    return Thing(Target("AWS::CodePipeline::Pipeline", made.arn, ACCOUNT, REGION, parameters), made.describe)


def database(aws: SimulatedAws) -> Thing:
    rds = aws.client("rds")
    made = rds.create_db_instance(
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="kaede",
        MasterUserPassword="of no account",
    )["DBInstance"]

    def describe() -> Any:
        snapshots = [each["DBSnapshotIdentifier"] for each in rds.describe_db_snapshots()["DBSnapshots"]]
        described = without_metadata(rds.describe_db_instances())
        described["DBInstances"][0].pop("LatestRestorableTime", None)  # the clock's
        return described, sorted(snapshots)

    return Thing(Target("AWS::RDS::DBInstance", made["DBInstanceArn"], ACCOUNT, REGION), describe)


class Evaluations:
    """What AWS Config keeps of evaluations, which moto lacks."""

    def __init__(self, aws: SimulatedAws) -> None:
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}
        aws.handlers["config:PutEvaluations"] = self.put
        aws.handlers["config:GetComplianceDetailsByConfigRule"] = self.tell

    def put(self, call: Call) -> Answer:
        asked = json.loads(call.body)
        for each in asked["Evaluations"] if not asked.get("TestMode") else ():
            self.kept[each["ComplianceResourceType"], each["ComplianceResourceId"]] = each
        return Answer(b"{}")

    def tell(self, call: Call) -> Answer:
        rule = json.loads(call.body)["ConfigRuleName"]
        results = [_result(rule, each) for each in self.kept.values()]
        return Answer(json.dumps({"EvaluationResults": results}).encode())


def _result(rule: str, each: dict[str, Any]) -> dict[str, Any]:
    named = {
        "ConfigRuleName": rule,
        "ResourceType": each["ComplianceResourceType"],
        "ResourceId": each["ComplianceResourceId"],
    }
    identifier = {"EvaluationResultQualifier": named, "OrderingTimestamp": each["OrderingTimestamp"]}
    return {"EvaluationResultIdentifier": identifier, "ComplianceType": each["ComplianceType"]}


def config_rule(aws: SimulatedAws) -> Thing:
    evaluations = Evaluations(aws)
    evaluation = {
        "ComplianceResourceType": "AWS::EC2::Instance",
        "ComplianceResourceId": "i-1",
        "ComplianceType": "COMPLIANT",
        "OrderingTimestamp": "2026-11-25T08:29:30.000Z",
    }
    parameters = {"evaluations": [evaluation], "result_token": "token", "rule": "mine"}
    arn = f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-1"
    target = Target("AWS::Config::ConfigRule", arn, ACCOUNT, REGION, parameters)
    return Thing(target, lambda: dict(evaluations.kept))
