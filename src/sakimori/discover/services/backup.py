"""AWS Backup: vaults, and who may copy backups into them or out of them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service
from sakimori.discover.ties import encrypted_by

VAULT = Resource(
    "AWS::Backup::BackupVault",
    items="BackupVaultList[]",
    arn="{BackupVaultArn}",
    name="{BackupVaultName}",
    details=(
        Detail(
            operation="GetBackupVaultAccessPolicy",
            parameters={"BackupVaultName": "{BackupVaultName}"},
            path="Policy",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
    ),
    documents=("Policy",),
    relations=(encrypted_by("EncryptionKeyArn"),),
    moving=("NumberOfRecoveryPoints",),
)

SERVICE = Service(client="backup", lists=(Listing(operation="ListBackupVaults", page_size=1000, gives=(VAULT,)),))
