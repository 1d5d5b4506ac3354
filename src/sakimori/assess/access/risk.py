"""What an action is good for to somebody who should not have it, by its name."""

from __future__ import annotations

import re
from enum import StrEnum


class Risk(StrEnum):
    """From the worst down."""

    PRIVILEGE = "privilege"
    """Gives rights: changes who may do what, or takes on another identity."""
    DATA = "data"
    """Reads what is kept: objects, rows, secrets, messages."""
    CHANGE = "change"
    """Makes, changes or removes things, or runs something."""
    READ = "read"
    """Tells how things are set up."""


_PRIVILEGE = re.compile(
    r"""iam:(?!get|list|simulate|generate)\w+
    | sts:(assume\w+|getfederationtoken|tagsession|setsourceidentity)
    | sso(-directory)?:(create|put|attach|update|provision|associate|add)\w*
    | organizations:(attach|detach|update|create|delete|leave|remove|disable|enable)\w*
    | kms:(creategrant|putkeypolicy|reencrypt\w*)
    | lambda:(add|remove)\w*permission
    | ec2:(associateiaminstanceprofile|replaceiaminstanceprofileassociation)
    | ec2-instance-connect:send\w+
    | ssm:(sendcommand|startsession|startautomationexecution)
    | ecs:executecommand
    | cloudshell:\w+
    | [\w-]+:(assume\w*role\w*|get\w*credentials\w*|getsessionendpoint)
    | (sagemaker|athena):createpresigned\w+ | appstream:create\w*streamingurl
    | athena:startcalculationexecution | glue:runstatement | gameliftstreams:createstreamsessionadminshell
    | gamelift:get(compute|instance)access | datazone:associateenvironmentrole
    | rolesanywhere:(create|update|enable)(trustanchor|profile)
    | \w[\w-]*:(put|set|delete|add|create|update)\w*(policy|acl|permission|permissions|accesspoint|trustprovider)
    | s3:put(object|bucket)\w*acl
    | ec2:modify(snapshot|image|fpgaimage)attribute
    | rds:modify\w*snapshotattribute
    | eks:(createaccessentry|associateaccesspolicy)""",
    re.VERBOSE,
)
_DATA = re.compile(
    r"""s3:getobject(version|torrent)?
    | s3:(restoreobject|selectobjectcontent)
    | dynamodb:(getitem|batchgetitem|query|scan|partiqlselect|getrecords|exporttabletopointintime)
    | secretsmanager:(getsecretvalue|batchgetsecretvalue)
    | ssm:(getparameter\w*|getcommandinvocation)
    | kms:(decrypt|generatedatakey\w*)
    | sqs:receivemessage
    | kinesis:(getrecords|subscribetoshard)
    | logs:(getlogevents|filterlogevents|getqueryresults|startquery|startlivetail|unmask)
    | athena:(getqueryresults\w*|startqueryexecution)
    | rds-data:\w+ | redshift-data:(getstatementresult|executestatement|batchexecutestatement)
    | rds:downloaddblogfileportion | rds-db:connect
    | ebs:(getsnapshotblock|listsnapshotblocks|listchangedblocks)
    | ec2:(getpassworddata|getconsoleoutput|getconsolescreenshot|describeinstanceattribute)
    | ecr:(batchgetimage|getdownloadurlforlayer)
    | codecommit:(getblob|getfile|gitpull)
    | lambda:getfunction
    | cloudtrail:lookupevents
    | glacier:getjoboutput | elasticfilesystem:clientmount | es:eshttpget
    | s3(-object-lambda|-outposts):getobject(version)? | s3express:createsession
    | s3tables:gettabledata | aoss:apiaccessall | codeartifact:(readfromrepository|getpackageversionasset)
    | redshift(-serverless)?:(restorefrom\w*snapshot|associatedatashareconsumer)
    | workmail:\w*get\w+ | connect:getcontact\w*
    | cassandra:select | timestream:select | neptune-db:read\w* | glue:getconnection\w*""",
    re.VERBOSE,
)
_READ = re.compile(
    r"[\w-]+:(get|list|describe|search|lookup|batchget|batchdescribe|view|check|estimate|preview|validate)\w*"
)


def risk_of(action: str) -> Risk:
    """The risk of an action such as `s3:GetObject`."""
    lowered = action.lower()
    if _PRIVILEGE.fullmatch(lowered):
        return Risk.PRIVILEGE
    if _DATA.fullmatch(lowered):
        return Risk.DATA
    return Risk.READ if _READ.fullmatch(lowered) else Risk.CHANGE
