"""Every way AWS says no has its own error, which names action, resource and remedy."""

from __future__ import annotations

import pickle

import pytest
from botocore import exceptions as boto

from sakimori.aws import errors
from sakimori.aws.errors import AwsError, asking
from sakimori.aws.objects import get_chunks, head_object, list_folders, list_objects, split_uri
from sakimori.aws.session import client
from sakimori.simulate.aws import Answer, SimulatedAws


def refusal(code: str, status: int = 400) -> boto.ClientError:
    answer = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(answer, "GetObject")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raised", "meaning"),
    [
        (refusal("AccessDenied"), errors.AccessDenied),
        (refusal("403"), errors.AccessDenied),
        (refusal("SlowDown", 503), errors.Throttled),
        (refusal("NoSuchKey"), errors.NotFound),
        (refusal("ExpiredToken"), errors.ExpiredCredentials),
        (refusal("InvalidClientTokenId"), errors.Credentials),
        (refusal("InvalidObjectState"), errors.Archived),
        (refusal("PreconditionFailed", 412), errors.Changed),
        (refusal("InternalError", 500), errors.Unavailable),
        (refusal("MalformedThing"), errors.Rejected),
        (boto.NoCredentialsError(), errors.Credentials),
        (boto.EndpointConnectionError(endpoint_url="x"), errors.Unreachable),
        (boto.ReadTimeoutError(endpoint_url="x"), errors.Unreachable),
        (boto.ProfileNotFound(profile="x"), errors.Credentials),
        (boto.NoRegionError(), errors.Rejected),
    ],
)
def test_each_answer_has_its_error(raised: Exception, meaning: type[AwsError]) -> None:
    with pytest.raises(AwsError) as caught, asking("s3:GetObject", "s3://b/k"):
        raise raised
    assert type(caught.value) is meaning
    assert str(caught.value).startswith("s3:GetObject on s3://b/k: ")
    assert meaning.remedy in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_what_is_no_answer_of_aws_passes_through() -> None:
    with pytest.raises(KeyError), asking("s3:GetObject", "s3://b/k"):
        raise KeyError


def test_addresses() -> None:
    assert split_uri("s3://bucket/a/b") == ("bucket", "a/b")
    assert split_uri("s3://bucket") == ("bucket", "")
    for wrong in ("s3://", "bucket/a", "https://x"):
        with pytest.raises(ValueError, match="not an S3 address"):
            split_uri(wrong)


def test_objects_are_listed_over_pages_and_read(aws: SimulatedAws) -> None:
    setup = aws.client("s3")
    setup.create_bucket(Bucket="logs")
    for number in range(25):
        setup.put_object(Bucket="logs", Key=f"a/{number:04}", Body=b"x" * number)
    s3 = client("s3")
    listed = list(list_objects(s3, "logs", "a/", start_after="a/0001", page_size=10))
    assert [found.key for found in listed] == [f"a/{number:04}" for number in range(2, 25)]
    assert (listed[0].uri, listed[0].size, listed[0].last_modified.tzinfo is not None) == ("s3://logs/a/0002", 2, True)
    assert b"".join(get_chunks(s3, "logs", "a/0020", listed[18].etag)) == b"x" * 20
    assert list_folders(s3, "logs", "") == ["a/"]
    assert head_object(s3, "logs", "a/0003") == next(found for found in listed if found.key == "a/0003")
    assert head_object(s3, "logs", "absent") is None
    with pytest.raises(errors.NotFound, match="NoSuchKey"):
        next(get_chunks(s3, "logs", "absent"))
    with pytest.raises(errors.NotFound, match="s3:ListBucket on s3://absent/x"):
        next(list_objects(s3, "absent", "x"))


def test_access_denied_says_which_action_on_what(aws: SimulatedAws) -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    aws.handlers["s3:GET"] = lambda call: Answer(body, 403, {"Content-Type": "application/xml"})
    with pytest.raises(
        errors.AccessDenied, match=r"s3:ListBucket on s3://logs/p: AccessDenied: no \(allow this action"
    ):
        next(list_objects(client("s3"), "logs", "p"))
