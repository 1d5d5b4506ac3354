"""Somebody unusual writes to a bucket that is deployed from: hold the pipeline for a person, and look at Object Lock.

`[respond.s3-appspec]` in sakimori.toml names each bucket with its pipeline and stage, and who usually writes:

    [respond.s3-appspec]
    pipelines = { "code-bucket" = "arn:aws:codepipeline:eu-west-1:111122223333:shop/Deploy" }
    writers = ["arn:aws:sts::111122223333:assumed-role/ci/*"]
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.action import Plan, Step, Target
from sakimori.model.event import Event, Resource
from sakimori.respond.world import World

IAM_ACTIONS = ("s3:GetBucketObjectLockConfiguration",)
USES = ("disable-transition",)

OBJECT = "AWS::S3::Object"
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
        return Plan("nothing to do", "the event names no object")
    bucket, key, writer = found
    settings = world.settings.get("s3-appspec", {})
    pipelines = settings.get("pipelines", {})
    deployed = pipelines.get(bucket)
    if deployed is None and not key.endswith(NAMES):
        return Plan("nothing to do", f"nothing is deployed from {bucket}, as far as [respond.s3-appspec] says")
    if writer and any(fnmatchcase(writer, usual) for usual in settings.get("writers", ())):
        return Plan("nothing to do", f"{writer} usually writes there")
    missing = _lock(world, event, bucket)
    why = f"{writer or 'somebody whom the event does not name'} wrote s3://{bucket}/{key}, which is deployed"
    if deployed is None:
        missing.append(f"which pipeline deploys from {bucket}: name it in [respond.s3-appspec] pipelines")
        return Plan("tell", why, (), tuple(missing), tell=True)
    pipeline, _, stage = str(deployed).rpartition("/")
    account, region = pipeline.split(":")[4], pipeline.split(":")[3]
    target = Target("AWS::CodePipeline::Pipeline", pipeline, account, region, {"stage": stage})
    return Plan("disable-transition", why, (Step("disable-transition", target, why),), tuple(missing), tell=True)


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


def _lock(world: World, event: Event, bucket: str) -> list[str]:
    """What is to be said about Object Lock: without it, what is deployed can be overwritten."""
    bucket_of = Resource("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}", event.account, event.region)
    try:
        answer = world.aws("s3", bucket_of.account, bucket_of.region).get_object_lock_configuration(Bucket=bucket)
    except AwsError as error:
        if error.code == "ObjectLockConfigurationNotFoundError":
            return [f"the bucket {bucket} has no Object Lock: what is deployed from it can be overwritten"]
        return [f"whether the bucket {bucket} has Object Lock: {error}"]
    rule = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention")
    return (
        [] if rule else [f"the bucket {bucket} has Object Lock without a default retention: it locks nothing by itself"]
    )
