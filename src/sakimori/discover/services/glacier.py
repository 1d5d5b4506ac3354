"""S3 Glacier: vaults, and who else may read and delete their archives."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

VAULT = Resource(
    "AWS::Glacier::Vault",
    items="VaultList[]",
    arn="{VaultARN}",
    name="{VaultName}",
    details=(
        Detail(
            operation="GetVaultAccessPolicy",
            parameters={"accountId": "-", "vaultName": "{VaultName}"},
            path="policy.Policy",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
    ),
    documents=("Policy",),
    moving=("LastInventoryDate", "NumberOfArchives", "SizeInBytes"),
)

SERVICE = Service(
    client="glacier",
    lists=(
        Listing(
            operation="ListVaults",
            parameters={"accountId": "-"},
            absent=("NoLongerSupportedException",),  # AWS takes no new customers
            gives=(VAULT,),
        ),
    ),
)
