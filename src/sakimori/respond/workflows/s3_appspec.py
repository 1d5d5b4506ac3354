"""Somebody unusual writes to a bucket that is deployed from: ask for approval in CodePipeline, and look at Object Lock.

What waits in the pipeline's manual approval is rejected; a pipeline without one is held before the stage that deploys,
and is given one if `add_approval` is set and a person agrees, else it is said how. Who is unusual tells the lake's
history of the bucket; where it cannot tell, a person is asked. `[respond.s3-appspec]` in sakimori.toml may name the
pipelines of a bucket (others are found by their source), and who usually writes:

    [respond.s3-appspec]
    pipelines = { "code-bucket" = "arn:aws:codepipeline:eu-west-1:111122223333:shop/Deploy" }
    writers = ["arn:aws:sts::111122223333:assumed-role/ci/*"]
    add_approval = true
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event
from sakimori.model.said import joined, say
from sakimori.respond import pipelines
from sakimori.respond.guard import PASSING
from sakimori.respond.history import Usual, usual
from sakimori.respond.pipelines import Deployment, deploying
from sakimori.respond.world import World

IAM_ACTIONS = ("s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning", *pipelines.IAM_ACTIONS)
USES = ("disable-transition", "reject-approval", "add-approval")

OBJECT, PIPELINE = "AWS::S3::Object", "AWS::CodePipeline::Pipeline"
NAMES = ("appspec.yml", "appspec.yaml", "appspec.json")
BUNDLES = (".zip", ".tar", ".tar.gz", ".tgz")
WRITES = ("s3:PutObject", "s3:CopyObject", "s3:CompleteMultipartUpload")


def subscribes(event: Event) -> bool:
    """Writes of what CodeDeploy takes: an appspec, or a bundle ("Plan a revision for CodeDeploy")."""
    created = event.product == "s3" and ("ObjectCreated" in event.kind or event.kind == "Object Created")
    put = event.product == "cloudtrail" and event.kind in WRITES
    found = _written(event) if created or put else None
    return found is not None and found[1].lower().endswith((*NAMES, *BUNDLES))


def plan(event: Event, world: World) -> Plan:
    found = _written(event)
    if found is None:
        return Plan("nothing to do", say("the event names no object"))
    bucket, key, writer = found
    settings = world.settings.get("s3-appspec", {})
    missing: list[str] = []
    setting = settings.get("pipelines", {}).get(bucket)
    deployments = deploying(world, (event.account, event.region), bucket, key, setting, missing)
    if not deployments and not key.lower().endswith(NAMES):
        why = say("no pipeline that is known deploys s3://{bucket}/{key}", bucket=bucket, key=key)
        return Plan("nothing to do", why, (), tuple(missing))
    habit = _habit(world, event, bucket, writer, settings)
    if habit.verdict:
        why = say("{who} usually writes to {bucket}: {why}", who=writer, bucket=bucket, why=habit.why)
        return Plan("nothing to do", why, (), tuple(missing))
    who = writer or say("somebody whom the event does not name")
    why = say("{who} wrote s3://{bucket}/{key}, which is deployed", who=who, bucket=bucket, key=key)
    if habit.verdict is None:
        missing.append(say("whether {who} usually writes to {bucket}: {why}", who=who, bucket=bucket, why=habit.why))
    told = why if habit.verdict is None else joined("; ", (why, habit.why))
    notes = _protection(world, event, bucket, missing)
    steps: list[Step] = []
    for each in deployments:
        steps += _asking(each, told, notes, ask=habit.verdict is None, add=bool(settings.get("add_approval")))
    if not deployments:
        missing.append(
            say("which pipeline deploys from {bucket}: name it in [respond.s3-appspec] pipelines", bucket=bucket)
        )
    decision = ", ".join(dict.fromkeys(step.action for step in steps)) or "tell"
    return Plan(decision, joined("; ", (told, *notes)), tuple(steps), tuple(missing), tell=True)


def _habit(world: World, event: Event, bucket: str, writer: str, settings: Mapping[str, Any]) -> Usual:
    if writer and any(fnmatchcase(writer, each) for each in settings.get("writers", ())):
        return Usual(True, say("[respond.s3-appspec] writers says so"))
    return usual(world.writers, bucket, writer, event.time)


def _asking(found: Deployment, why: str, notes: list[str], *, ask: bool, add: bool) -> list[Step]:
    """What lets a person decide before anything is deployed."""

    def step(name: str, *, always: bool = False, **parameters: str) -> Step:
        target = Target(PIPELINE, found.arn, found.account, found.region, parameters)
        return Step(name, target, why, ask=ask or always)

    if found.approval is not None:
        stage, action = found.approval
        if found.pending:
            return [step("reject-approval", stage=stage, action=action, why=str(why))]
        notes.append(
            say(
                "{pipeline} asks for approval itself, in {stage}/{action}: look at the change before",
                pipeline=found.name,
                stage=stage,
                action=action,
            )
        )
        return []
    held = step("disable-transition", stage=found.stage)
    if add:
        return [held, step("add-approval", always=True, stage=found.stage)]
    notes.append(
        say(
            "{pipeline} has no manual approval before {stage}: add an action of the category Approval, provider "
            "Manual, in a stage before it, or set add_approval in [respond.s3-appspec] to have it added when you agree",
            pipeline=found.name,
            stage=found.stage,
        )
    )
    return [held]


def _written(event: Event) -> tuple[str, str, str] | None:
    """Bucket, key and writer."""
    for each in event.of_type(OBJECT):
        details: Mapping[str, Any] = each.details
        if details.get("bucket") and details.get("key"):
            return str(details["bucket"]), str(details["key"]), str(details.get("requester", ""))
    parameters = event.detail.get("requestParameters")
    if isinstance(parameters, Mapping) and parameters.get("bucketName") and parameters.get("key"):
        identity = event.detail.get("userIdentity")
        writer = str(identity.get("arn", "")) if isinstance(identity, Mapping) else ""
        return str(parameters["bucketName"]), str(parameters["key"]), writer
    return None


def _protection(world: World, event: Event, bucket: str, missing: list[str]) -> list[str]:
    """What is to be said about versioning and Object Lock: without them what is deployed can be overwritten."""
    s3 = world.aws("s3", event.account, event.region)
    notes: list[str] = []
    try:
        if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            notes.append(say("the bucket {bucket} keeps no versions: what was overwritten is gone", bucket=bucket))
        lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
        if not lock.get("Rule", {}).get("DefaultRetention"):
            notes.append(
                say(
                    "the bucket {bucket} has Object Lock without a default retention: it locks nothing by itself",
                    bucket=bucket,
                )
            )
    except AwsError as error:
        if error.code == "ObjectLockConfigurationNotFoundError":
            notes.append(
                say(
                    "the bucket {bucket} has no Object Lock: what is deployed from it can be overwritten", bucket=bucket
                )
            )
        elif isinstance(error, PASSING):
            raise
        else:
            missing.append(say("whether what is in {bucket} can be overwritten: {error}", bucket=bucket, error=error))
    return notes
