"""One error for each way AWS says no, each naming the action, the resource and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from sakimori.model.said import say


class AwsError(Exception):
    """AWS did not do what was asked: `action` (`s3:GetObject`) on `resource`, and why in AWS's own code."""

    remedy: str = say("see the code and message above")

    def __init__(self, action: str, resource: str, code: str, message: str) -> None:
        self.action = action
        self.resource = resource
        self.code = code
        self.message = message
        about = {"action": action, "resource": resource, "code": code, "message": message or say("no message")}
        super().__init__(say("{action} on {resource}: {code}: {message} ({remedy})", remedy=self.remedy, **about))

    def __reduce__(self) -> tuple[type[AwsError], tuple[str, str, str, str]]:
        return type(self), (self.action, self.resource, self.code, self.message)


class AccessDenied(AwsError):
    """The caller may not do this."""

    remedy = say("allow this action on this resource for the caller; `sakimori doctor --iam` prints what is needed")


class Throttled(AwsError):
    """AWS asked for fewer calls, also after the retries."""

    remedy = say("wait and run it again; what was done is kept")


class NotFound(AwsError):
    """The resource does not exist, or not in this region."""

    remedy = say("check the name and the region")


class Credentials(AwsError):
    """There are no credentials, or they are incomplete or wrong."""

    remedy = say("sign in (`aws configure`, `aws sso login`) or set AWS_PROFILE")


class ExpiredCredentials(AwsError):
    """The credentials were good once."""

    remedy = say("sign in again (`aws sso login`), then run it again; what was done is kept")


class Unreachable(AwsError):
    """No answer: no route, no name, a proxy in between, or a time-out."""

    remedy = say("check the network, the proxy, the region and AWS_ENDPOINT_URL")


class Changed(AwsError):
    """The object was replaced between listing and reading."""

    remedy = say("run it again: the object will be read as it is now")


class Archived(AwsError):
    """The object is in an archive storage class and must be restored before it can be read."""

    remedy = say("restore it first (`aws s3api restore-object`)")


class Rejected(AwsError):
    """AWS understood the request and refused it for another reason."""


class Unavailable(AwsError):
    """AWS failed itself (HTTP 5xx), also after the retries."""

    remedy = say("wait and run it again; see the AWS Health Dashboard")


PASSING = (Throttled, Unavailable, Unreachable, ExpiredCredentials, Credentials)
"""What may be over the next time, without a change to what was asked for."""

_CODES: dict[type[AwsError], str] = {
    AccessDenied: "AccessDenied AccessDeniedException AllAccessDisabled 403 Forbidden KMS.AccessDeniedException "
    "UnauthorizedOperation AuthorizationError AuthorizationErrorException",
    Throttled: "Throttling ThrottlingException ThrottledException RequestThrottled TooManyRequestsException 429 "
    "SlowDown RequestLimitExceeded BandwidthLimitExceeded PriorRequestNotComplete RequestThrottledException "
    "ProvisionedThroughputExceededException EC2ThrottledException",
    NotFound: "NoSuchBucket NoSuchKey NoSuchVersion 404 NotFound ResourceNotFoundException "
    "AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist",
    ExpiredCredentials: "ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired",
    Credentials: "InvalidAccessKeyId InvalidClientTokenId SignatureDoesNotMatch UnrecognizedClientException "
    "AuthFailure MissingAuthenticationToken IncompleteSignature InvalidToken",
    Changed: "PreconditionFailed 412",
    Archived: "InvalidObjectState",
    Unreachable: "RequestTimeout RequestTimeoutException",
}
"""AWS's error codes as the services spell them ("Common errors" of each API reference); the numbers stand for answers
to HEAD, which have no body."""

THROTTLES = frozenset(_CODES[Throttled].split())
"""The codes that ask for fewer calls."""

_BY_CODE = {code: meaning for meaning, codes in _CODES.items() for code in codes.split()}

_BY_CLASS: tuple[tuple[type[Exception], type[AwsError]], ...] = (
    (boto.NoCredentialsError, Credentials),
    (boto.PartialCredentialsError, Credentials),
    (boto.CredentialRetrievalError, Credentials),
    (boto.ProfileNotFound, Credentials),
    (boto.UnauthorizedSSOTokenError, ExpiredCredentials),
    (boto.SSOTokenLoadError, ExpiredCredentials),
    (boto.TokenRetrievalError, ExpiredCredentials),
    (boto.ConnectionError, Unreachable),
    (boto.HTTPClientError, Unreachable),
    (boto.IncompleteReadError, Unreachable),
    (boto.NoRegionError, Rejected),
    (ResponseParserError, Unreachable),  # no answer of AWS: what stands between us wrote it
)


def aws_error(error: Exception, action: str, resource: str) -> AwsError:
    """The error of this module that botocore's `error` means."""
    if isinstance(error, boto.ClientError):
        return _from_answer(error, action, resource)
    for known, meaning in _BY_CLASS:
        if isinstance(error, known):
            return meaning(action, resource, type(error).__name__, str(error))
    return Rejected(action, resource, type(error).__name__, str(error))


def _from_answer(error: boto.ClientError, action: str, resource: str) -> AwsError:
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "Unknown")), str(answer.get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    fallback = Unavailable if status >= 500 else Rejected
    return _BY_CODE.get(code, fallback)(action, resource, code, message)


@contextmanager
def asking(action: str, resource: str) -> Iterator[None]:
    """Around one call: whatever botocore raises leaves as an AwsError that names `action` and `resource`."""
    try:
        yield
    except (boto.BotoCoreError, boto.ClientError, ResponseParserError) as error:
        raise aws_error(error, action, resource) from error
