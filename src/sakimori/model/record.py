"""The lake's record: one logged API activity in OCSF columns, as plain data, plus the source text untouched.

OCSF 1.7, class API Activity (6003), laid out as AWS Security Lake lays CloudTrail out (page "Open Cybersecurity
Schema Framework in Security Lake"); what OCSF has no place for is under `unmapped`. Columns are only ever added.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1
"""Written into every lake file; raised when columns are added."""

OCSF_VERSION = "1.7.0"
API_ACTIVITY = 6003
MAX_RECORD_ID = 256
"""CloudTrail's eventIDs are UUIDs. A longer one is hostile, and an index cannot hold it."""

ColumnType = Literal["string", "int32", "int64", "bool", "timestamp", "strings"]
"""`timestamp` counts milliseconds in UTC; `strings` is a list of strings."""


@dataclass(frozen=True, slots=True)
class Column:
    """One leaf of the record. `name` is its dotted path; `[]` after a part makes that part a list of structs.

    `source` is the path in the CloudTrail record that is taken over as it stands, `derived_from` the one that the value
    is worked out from; both are "" where there is none.
    """

    name: str
    type: ColumnType
    help: str
    source: str = ""
    derived_from: str = ""


COLUMNS: tuple[Column, ...] = (
    Column("time", "int64", "When it happened, in milliseconds since 1970-01-01 UTC.", derived_from="eventTime"),
    Column("time_dt", "timestamp", "When it happened (CloudTrail's eventTime), in UTC.", derived_from="eventTime"),
    Column("class_uid", "int32", "OCSF class, always 6003: API Activity."),
    Column("category_uid", "int32", "OCSF category, always 6: Application Activity."),
    Column("activity_id", "int32", "What kind of call: 1 create, 2 read, 3 update, 4 delete, 99 other."),
    Column("type_uid", "int64", "class_uid * 100 + activity_id."),
    Column("severity_id", "int32", "Always 1, informational: a log line is no finding."),
    Column(
        "status",
        "string",
        "Failure if the call was answered with an error code, else Success.",
        derived_from="errorCode",
    ),
    Column("metadata.version", "string", "The OCSF version of these columns."),
    Column(
        "metadata.uid",
        "string",
        "The record's identity: eventID, else sha256: and the hash of raw_data.",
        derived_from="eventID",
    ),
    Column("metadata.event_code", "string", "AwsApiCall, AwsConsoleSignIn, AwsServiceEvent and so on.", "eventType"),
    Column("metadata.profiles", "strings", "The OCSF profiles that add columns here: cloud and datetime."),
    Column("metadata.product.name", "string", "The product that logged it, always CloudTrail."),
    Column("metadata.product.vendor_name", "string", "The product's vendor, always AWS."),
    Column("metadata.product.version", "string", "The version of CloudTrail's record format.", "eventVersion"),
    Column("api.operation", "string", "The API operation, as in CreateUser.", "eventName"),
    Column("api.service.name", "string", "The service that was called, as in iam.amazonaws.com.", "eventSource"),
    Column("api.request.uid", "string", "The service's id of the request.", "requestID"),
    Column("api.response.error", "string", "The error code, as in AccessDenied; null on success.", "errorCode"),
    Column("api.response.message", "string", "The error in words; null on success.", "errorMessage"),
    Column("cloud.provider", "string", "Always AWS."),
    Column("cloud.region", "string", "The region the call was made to.", "awsRegion"),
    Column(
        "cloud.account.uid",
        "string",
        "The account that the record was delivered to (recipientAccountId, else the caller's account).",
        derived_from="recipientAccountId",
    ),
    Column("actor.user.type", "string", "IAMUser, AssumedRole, Root, AWSService and so on.", "userIdentity.type"),
    Column("actor.user.name", "string", "The IAM user's name; null for roles.", "userIdentity.userName"),
    Column("actor.user.uid", "string", "The caller's ARN.", "userIdentity.arn"),
    Column("actor.user.uid_alt", "string", "The caller's unique id.", "userIdentity.principalId"),
    Column("actor.user.credential_uid", "string", "The access key that signed.", "userIdentity.accessKeyId"),
    Column("actor.user.account.uid", "string", "The account the caller belongs to.", "userIdentity.accountId"),
    Column(
        "actor.session.issuer",
        "string",
        "The ARN of the role or user that the session was made from.",
        "userIdentity.sessionContext.sessionIssuer.arn",
    ),
    Column(
        "actor.session.is_mfa",
        "bool",
        "Whether a second factor was given when the session was made.",
        derived_from="userIdentity.sessionContext.attributes.mfaAuthenticated",
    ),
    Column(
        "actor.session.created_time",
        "int64",
        "When the session was made, in milliseconds since 1970 UTC.",
        derived_from="userIdentity.sessionContext.attributes.creationDate",
    ),
    Column("actor.invoked_by", "string", "The AWS service that called for the caller.", "userIdentity.invokedBy"),
    Column(
        "src_endpoint.ip",
        "string",
        "The address the call came from (sourceIPAddress, where it is one).",
        derived_from="sourceIPAddress",
    ),
    Column(
        "src_endpoint.domain",
        "string",
        "The AWS service the call came from (sourceIPAddress, if no address).",
        derived_from="sourceIPAddress",
    ),
    Column("http_request.user_agent", "string", "What the caller says it runs; it can say anything.", "userAgent"),
    Column("resources[].uid", "string", "The ARN of a resource that was touched.", "resources.ARN"),
    Column("resources[].type", "string", "Its CloudFormation type, as in AWS::S3::Object.", "resources.type"),
    Column("resources[].owner.account.uid", "string", "The account that owns it.", "resources.accountId"),
    Column("unmapped.read_only", "bool", "Whether the call changes nothing.", "readOnly"),
    Column("unmapped.management_event", "bool", "Whether it is a management event.", "managementEvent"),
    Column("unmapped.event_category", "string", "Management, Data, Insight or NetworkActivity.", "eventCategory"),
    Column("unmapped.shared_event_id", "string", "Joins the copies of one call in two accounts.", "sharedEventID"),
    Column("unmapped.vpc_endpoint_id", "string", "The VPC endpoint the call went through.", "vpcEndpointId"),
    Column(
        "unmapped.session_issuer_type",
        "string",
        "Role, IAMUser and so on: what the session was made from.",
        "userIdentity.sessionContext.sessionIssuer.type",
    ),
    Column(
        "unmapped.session_issuer_name",
        "string",
        "The name of the role or user that the session was made from.",
        "userIdentity.sessionContext.sessionIssuer.userName",
    ),
    Column(
        "unmapped.identity_provider",
        "string",
        "The identity provider of a federated caller.",
        "userIdentity.identityProvider",
    ),
    Column("raw_data", "string", "The record's JSON as CloudTrail delivered it, byte by byte."),
)


def record_uid(event_id: object, raw: bytes) -> str:
    """The identity of a record: its eventID, or `sha256:<hex>` of its text if that is missing or no usable id."""
    if isinstance(event_id, str) and 0 < len(event_id) <= MAX_RECORD_ID:
        return event_id
    return "sha256:" + hashlib.sha256(raw).hexdigest()
