"""The workflow s3-appspec: who usually writes, as the lake knows it, and how a person is asked before that is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accounts import world_of
from more_things import Pipelines

import told_events as told
from sakimori.collect.cloudtrail import activity_batches
from sakimori.collect.events import heard
from sakimori.model.action import Mode, Plan
from sakimori.respond import plugins
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import RespondError
from sakimori.respond.history import Writer, principal, usual
from sakimori.respond.lake_history import lake_writers
from sakimori.respond.policy import Policy
from sakimori.respond.runs import RunState
from sakimori.respond.workflows import s3_appspec
from sakimori.respond.world import World
from sakimori.simulate.aws import ACCOUNT, Answer, SimulatedAws
from sakimori.store.lake import open_lake, pending, write_object
from sakimori.store.ledger import Arrival, ObjectEntry, open_ledger

DAY = 86_400_000
NOON = 1_795_608_000_000  # 2026-11-25T12:00Z
CI = f"arn:aws:iam::{ACCOUNT}:role/build/ci"
MALLORY = f"arn:aws:iam::{ACCOUNT}:user/mallory"


def written(who: str = MALLORY, key: str = "app.zip", bucket: str = "code") -> dict[str, Any]:
    """A write as CloudTrail tells EventBridge of it."""
    detail = {
        "eventVersion": "1.09",
        "eventID": "11111111-2222-4333-8444-555555555555",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "eventTime": "2026-11-25T12:00:00Z",
        "awsRegion": "us-east-1",
        "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "arn": who, "accountId": ACCOUNT},
        "requestParameters": {"bucketName": bucket, "key": key},
    }
    return told.envelope("aws.s3", "AWS API Call via CloudTrail", detail)


def plan(world: World, document: dict[str, Any]) -> Plan:
    event = heard(json.dumps(document), "test").events[0]
    assert s3_appspec.subscribes(event)
    return s3_appspec.plan(event, world)


def known(*writers: str, days: int = 30) -> Callable[[str, int], list[Writer]]:
    return lambda bucket, until: [Writer(each, until - days * DAY, until - DAY) for each in writers]


@pytest.fixture
def world(aws: SimulatedAws) -> World:
    aws.client("s3").create_bucket(Bucket="code")
    made = world_of(aws)
    made.writers = known(CI)
    return made


def actions(found: Plan) -> list[str]:
    return [step.action for step in found.steps]


# ---- who is unusual


def test_who_has_written_before_is_usual_whatever_the_session_is_called(aws: SimulatedAws, world: World) -> None:
    Pipelines(aws)
    found = plan(world, written(f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/build-8812"))
    assert (found.decision, found.steps) == ("nothing to do", ())
    assert "it has written there since 2026-10-26" in found.why


def test_who_never_has_is_unusual(aws: SimulatedAws, world: World) -> None:
    Pipelines(aws)
    found = plan(world, written())
    assert actions(found) == ["disable-transition"]
    assert "it never did since 2026-10-26, and 1 others have" in found.why
    assert not found.steps[0].ask


@pytest.mark.parametrize(
    ("writers", "said"),
    [
        (known(), "no write to code is in the lake"),
        (known(CI, days=3), "it takes 7 days to tell"),
    ],
)
def test_without_history_it_is_not_known_and_a_person_is_asked(
    aws: SimulatedAws, world: World, writers: Any, said: str
) -> None:
    Pipelines(aws)
    world.writers = writers
    found = plan(world, written())
    assert actions(found) == ["disable-transition"]
    assert all(step.ask for step in found.steps)
    assert any("whether" in reason and said in reason for reason in found.not_evaluated)


def test_an_event_that_tells_only_an_account_is_not_known(aws: SimulatedAws, world: World) -> None:
    detail = {"bucket": {"name": "code"}, "object": {"key": "app.zip", "sequencer": "1"}, "requester": ACCOUNT}
    Pipelines(aws)
    found = plan(world, told.envelope("aws.s3", "Object Created", detail))
    assert any("the event does not tell who it was" in reason for reason in found.not_evaluated)
    assert all(step.ask for step in found.steps)


def test_settings_may_say_who_is_usual(aws: SimulatedAws, world: World) -> None:
    Pipelines(aws)
    world.settings = {"s3-appspec": {"writers": [f"arn:aws:iam::{ACCOUNT}:user/m*"]}}
    assert plan(world, written()).decision == "nothing to do"


def test_principals() -> None:
    assert principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/x") == f"arn:aws:iam::{ACCOUNT}:role/ci"
    assert principal(MALLORY) == MALLORY
    other = usual(known(CI), "code", "arn:aws:sts::999900001111:assumed-role/ci/x", "2026-11-25T12:00:00Z")
    assert other.verdict is False, "another account's role of the same name is somebody else"
    assert usual(known(CI), "code", MALLORY, "yesterday").verdict is None


def test_the_lake_knows_who_wrote_before_and_nothing_of_afterwards(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    session = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/1",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": CI, "userName": "ci"}},
    }

    def put(time: str, identity: dict[str, Any], bucket: str = "code", **more: Any) -> dict[str, Any]:
        parameters = {"bucketName": bucket, "key": "app.zip"}
        called = {"eventSource": "s3.amazonaws.com", "eventName": "PutObject", "requestParameters": parameters}
        return {"eventTime": time, "userIdentity": identity, **called, **more}

    user = {"type": "IAMUser", "arn": MALLORY}
    records = [
        put("2026-11-01T12:00:00Z", session),
        put("2026-11-20T12:00:00Z", session),
        put("2026-11-02T12:00:00Z", user, "other"),
        put("2026-11-02T12:00:00Z", user, errorCode="AccessDenied"),
        put("2026-11-25T12:00:00Z", user),
    ]
    texts = [json.dumps({"eventID": str(n), **record}).encode() for n, record in enumerate(records)]
    with open_ledger(tmp_path / "ledger.sqlite") as ledger, pending(lake) as folder:
        files = tuple(write_object(lake, folder, "a", activity_batches(texts)))
        times = [time for file in files for time in (file.first, file.last) if time is not None]
        entry = ObjectEntry("a", "a", "cloudtrail", 1, "", "", len(texts), 0, "", "", min(times), max(times), files)
        ledger.commit_objects([Arrival(entry)])
    writers = lake_writers(tmp_path / "lake", tmp_path / "ledger.sqlite")
    assert writers("code", NOON) == [Writer(CI, 1_793_534_400_000, 1_795_176_000_000)]
    assert usual(writers, "code", session["arn"], "2026-11-25T12:00:00Z").verdict is True  # type: ignore[arg-type]
    assert usual(writers, "code", MALLORY, "2026-11-25T12:00:00Z").verdict is False
    assert usual(writers, "nobodys", MALLORY, "2026-11-25T12:00:00Z").verdict is None
    with pytest.raises(RespondError, match="no name of a bucket"):
        writers("code'--", NOON)


# ---- how a person is asked


def test_what_waits_for_the_pipelines_own_approval_is_rejected(aws: SimulatedAws, world: World) -> None:
    pipelines = Pipelines(aws, approval=True)
    assert actions(plan(world, written())) == []
    assert "asks for approval itself, in Look/Ask" in plan(world, written()).why
    pipelines.ask()
    [step] = plan(world, written()).steps
    assert step.action == "reject-approval"
    action = plugins.action(step.action)
    before = action.before(world, step.target)
    assert before == {"status": "InProgress"}
    action.apply(world, step.target, before, "run-0")
    assert action.verify(world, step.target, before).verified
    assert "mallory wrote s3://code/app.zip" in pipelines.approvals["Ask"]["summary"]
    action.apply(world, step.target, before, "run-0")
    with pytest.raises(RespondError, match="nothing waits for Ask"):
        action.apply(world, step.target, before, "run-1")


def test_a_pipeline_without_an_approval_is_held_and_it_is_said_what_to_add(aws: SimulatedAws, world: World) -> None:
    Pipelines(aws)
    found = plan(world, written())
    [step] = found.steps
    assert (step.action, step.target.parameters) == ("disable-transition", {"stage": "Deploy"})
    assert "has no manual approval before Deploy: add an action of the category Approval" in found.why


def test_an_approval_is_added_when_a_person_agrees_also_in_the_mode_auto(
    aws: SimulatedAws, world: World, tmp_path: Path
) -> None:
    from workflow_cases import engine_of

    pipelines = Pipelines(aws)
    world.settings = {"s3-appspec": {"add_approval": True}}
    with engine_of(world, tmp_path) as engine:
        engine.only = frozenset(("s3-appspec",))
        assert engine.policy == Policy(Mode.AUTO)
        run = carried(engine, written())
        assert (run, [each["name"] for each in pipelines.stages()]) == (RunState.WAITING, ["Source", "Deploy"])
        [waiting] = engine.book.runs()
        engine.decide(waiting.id, "kaede", approved=True)
        assert engine.carry(waiting.id, Straight()) == RunState.DONE
        assert [each["name"] for each in pipelines.stages()] == ["Source", "SakimoriApproval", "Deploy"]
        assert not pipelines.state()["stageStates"][2]["inboundTransitionState"]["enabled"]
    assert s3_appspec.pipelines.approval_before(pipelines.stages(), "Deploy") == (
        "SakimoriApproval",
        "SakimoriApproval",
    )


def carried(engine: Engine, document: dict[str, Any]) -> str:
    [run] = engine.take(heard(json.dumps(document), "test").events[0])
    return engine.carry(run, Straight())


def test_a_pipeline_may_be_named_in_the_settings(aws: SimulatedAws, world: World) -> None:
    pipelines = Pipelines(aws, key="other.zip")
    assert plan(world, written()).decision == "nothing to do"
    world.settings = {"s3-appspec": {"pipelines": {"code": f"{pipelines.arn}/Deploy"}}}
    assert actions(plan(world, written())) == ["disable-transition"]
    for wrong, said in ((f"{pipelines.arn}", "is not ARN/STAGE"), (f"{pipelines.arn}/Nowhere", "no stage Nowhere")):
        world.settings = {"s3-appspec": {"pipelines": {"code": wrong}}}
        with pytest.raises(RespondError, match=said):
            plan(world, written())


def test_an_appspec_that_no_pipeline_is_known_to_deploy_is_told(world: World, aws: SimulatedAws) -> None:
    found = plan(world, written(key="deploy/appspec.yml"))
    assert (found.steps, found.tell) == ((), True)
    assert any("which pipeline deploys from code" in reason for reason in found.not_evaluated)


# ---- what protects the bucket


def test_versioning_and_object_lock_are_looked_at(aws: SimulatedAws, world: World) -> None:
    Pipelines(aws)
    bare = plan(world, written()).why
    assert "keeps no versions" in bare
    assert "has no Object Lock" in bare
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    world.settings = {"s3-appspec": {"pipelines": {"locked": f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:shop/Deploy"}}}
    without = plan(world, written(bucket="locked")).why
    assert "keeps no versions" not in without
    assert "without a default retention" in without
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
    s3.put_object_lock_configuration(
        Bucket="locked", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    assert "Object Lock" not in plan(world, written(bucket="locked")).why


def test_what_may_not_be_looked_at_is_named(aws: SimulatedAws, world: World) -> None:
    Pipelines(aws)
    denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    aws.handlers["s3:GetBucketVersioning"] = lambda _: Answer(denied, 403, {"Content-Type": "text/xml"})
    found = plan(world, written())
    assert any("whether what is in code can be overwritten" in reason for reason in found.not_evaluated)
    aws.handlers["codepipeline:ListPipelines"] = lambda _: Answer(b'{"__type": "AccessDeniedException"}', 400)
    found = plan(world, written(key="appspec.yml"))
    assert any("which pipelines deploy from code" in reason for reason in found.not_evaluated)
