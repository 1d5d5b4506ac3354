"""Inspector: what of the account it scans in the region (EC2, ECR, Lambda), if anything."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, arn

STATUS = Resource("AWS::InspectorV2::Status", items="", arn=arn("inspector2", "status"))
"""`accounts[0].state.status` is DISABLED where Inspector is off; `failedAccounts` says why it could not tell."""

SERVICE = Service(
    client="inspector2",
    lists=(Listing(operation="BatchGetAccountStatus", parameters={"accountIds": ["{@account}"]}, gives=(STATUS,)),),
)
