"""The AWS accounts whose instances become computers."""

from sakimori.protect.declare import Resource, Rights, flag, moment, number, structs, text

RESOURCE = Resource(
    id="awsconnectors",
    model="AWSConnector",
    many="awsConnectors",
    key="awsConnectorID",
    title="The AWS accounts whose instances become computers.",
    rights=Rights(
        create="platformRights/computerRights/canManageCloudAccounts",
        edit="platformRights/computerRights/canManageCloudAccounts",
        delete="platformRights/computerRights/canManageCloudAccounts",
    ),
    fields=(
        text("displayName", required=True),
        text("accountId", search=True),
        text("accountAlias", search=True, read_only=True),
        text("accessKey", search=True),
        text("secretKey", secret=True),
        text("seedRegion", search=True),
        flag("useInstanceRole"),
        text("crossAccountRoleArn", search=True),
        moment("lastSyncTime", search=True, read_only=True),
        structs(
            "syncedRegions",
            "AWSRegion",
            text("region"),
            number("computersSynced"),
            number("workspacesSynced"),
            read_only=True,
        ),
        flag("workspacesEnabled", search=True, default=False),
    ),
)
