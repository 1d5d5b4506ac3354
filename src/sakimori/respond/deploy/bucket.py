"""The bucket that the function's bundle is in: private, encrypted, tagged as ours, and gone when it is not needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sakimori.aws.errors import AwsError, NotFound, asking
from sakimori.respond.deploy.bundle import Bundle
from sakimori.respond.deploy.design import TAG
from sakimori.respond.errors import RespondError

BLOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


class Bucket:
    """The bucket of a deployment in our account. `s3` is a boto3 client in the region that is deployed to."""

    def __init__(self, s3: Any, deployment: str, account: str, region: str, partition: str = "aws") -> None:
        self.name = f"sakimori-{deployment}-{account}-{region}"
        self._s3, self._deployment, self._account, self._region = s3, deployment, account, region
        self._arn = f"arn:{partition}:s3:::{self.name}"

    def call(self, operation: str, **parameters: Any) -> Any:
        """A call about the bucket, which is only made where it is ours by its account."""
        name = "".join(word.capitalize() for word in operation.split("_"))
        with asking(f"s3:{name}", self.name):
            call: Callable[..., Any] = getattr(self._s3, operation)
            return call(Bucket=self.name, ExpectedBucketOwner=self._account, **parameters)

    def exists(self) -> bool:
        """Whether it is there. Raises RespondError where one of its name is there that is not ours."""
        try:
            self.call("head_bucket")
        except NotFound:
            return False
        except AwsError as error:
            if error.code in ("403", "Forbidden", "AccessDenied"):
                raise RespondError(
                    f"the bucket {self.name} belongs to another account, or may not be looked at "
                    f"({error.code}): choose another --name, or allow s3:ListBucket"
                ) from error
            raise
        tags = self._tags()
        if tags.get(TAG) == self._deployment or (not tags and not self.keys()):
            return True  # without tags and empty, it is what an apply left that was interrupted
        raise RespondError(
            f"the bucket {self.name} is not of this deployment (it has no tag {TAG} = {self._deployment}): "
            "choose another --name"
        )

    def _tags(self) -> dict[str, str]:
        try:
            return {each["Key"]: each["Value"] for each in self.call("get_bucket_tagging")["TagSet"]}
        except AwsError as error:
            if error.code == "NoSuchTagSet":
                return {}
            raise

    def keys(self) -> list[str]:
        """The names of what is in it."""
        found: list[str] = []
        after: dict[str, str] = {}
        while True:
            answer = self.call("list_objects_v2", **after)
            found += [str(each["Key"]) for each in answer.get("Contents", ())]
            if not answer.get("IsTruncated"):
                return found
            after = {"ContinuationToken": answer["NextContinuationToken"]}

    def made(self) -> None:
        """Makes it, or what is missing of it; the tag first, so that what is interrupted is known for ours."""
        if not self.exists():
            place = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
            with asking("s3:CreateBucket", self.name):
                self._s3.create_bucket(Bucket=self.name, **({} if self._region == "us-east-1" else place))
        self.call("put_bucket_tagging", Tagging={"TagSet": [{"Key": TAG, "Value": self._deployment}]})
        self.call("put_public_access_block", PublicAccessBlockConfiguration=BLOCKED)
        encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        self.call("put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [encrypted]})
        self.call("put_bucket_policy", Policy=json.dumps(self._policy()))

    def _policy(self) -> dict[str, Any]:
        """Nobody without TLS."""
        statement = {
            "Sid": "OnlyEncrypted",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [self._arn, f"{self._arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    def holds(self, bundle: Bundle) -> None:
        """Puts a bundle there, unless it is there: its name says its content."""
        if bundle.key not in self.keys():
            self.call("put_object", Key=bundle.key, Body=bundle.data, ServerSideEncryption="AES256")

    def without(self, *, but: str = "") -> None:
        """Deletes the bundles that no deployment needs."""
        for key in self.keys():
            if key != but:
                self.call("delete_object", Key=key)

    def gone(self) -> bool:
        """Deletes it with what is in it; False if there is none."""
        if not self.exists():
            return False
        self.without()
        try:
            self.call("delete_bucket")
        except AwsError as error:
            if error.code != "BucketNotEmpty":
                raise
            self._without_versions()
            self.call("delete_bucket")
        return True

    def _without_versions(self) -> None:
        """Deletes what is left where somebody has turned on versioning: the objects' versions and delete markers."""
        after: dict[str, str] = {}
        while True:
            answer = self.call("list_object_versions", **after)
            for each in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())):
                self.call("delete_object", Key=each["Key"], VersionId=each["VersionId"])
            if not answer.get("IsTruncated"):
                return
            after = {"KeyMarker": answer["NextKeyMarker"], "VersionIdMarker": answer["NextVersionIdMarker"]}
