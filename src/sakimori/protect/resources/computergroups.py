"""Groups of computers, in a tree."""

from sakimori.protect.declare import Resource, Rights, choice, number, reference, text

RESOURCE = Resource(
    id="computergroups",
    model="ComputerGroup",
    many="computerGroups",
    key="computerGroupID",
    title="Groups of computers, in a tree.",
    rights=Rights(
        create="platformRights/computerRights/canAddAndRemoveComputerGroups",
        edit="platformRights/computerRights/canAddAndRemoveComputerGroups",
        delete="platformRights/computerRights/canAddAndRemoveComputerGroups",
    ),
    fields=(
        choice(
            "type",
            "ad-add-directory ad-folder-network aws-region aws-vpc aws-subnet aws-workspaces aws-directory "
            "azure-top azure-group gcp-connector gcp-project cloud-provider-top vcloud-top aws-account "
            "vm-group vcloud-provider_datacenter vcloud-vapp vcenters-top vcenter-folder-network "
            "vmware-datacenter vcenter-cluster-group external-group folder root",
            default="folder",
        ),
        text("name", search=True, required=True),
        text("description", search=True),
        reference("parentGroupID", "computergroups"),
        number("directoryID", search=True),
        text("externalID", search=True),
        number("virtualID", search=True),
        number("virtualType", search=True),
        text("virtualName", search=True),
        choice("cloudType", "amazon vcloud-private-cloud azure azure-arm gcp", search=True),
        choice(
            "cloudResourceType",
            "physical top-level partition aws-ec2-instance aws-workspace vcloud-organization vcloud-catalog "
            "vcloud-networks vcloud-virtual-data-center vcloud-virtual-application "
            "vcloud-virtual-application-template vcloud-virtual-machine azure-instance azure-arm-instance",
            search=True,
        ),
        number("cloudID", search=True),
        number("amazonAccountID", search=True),
        number("amazonRegionID", search=True),
        number("amazonVPCID", search=True),
        number("amazonSubnetID", search=True),
        number("amazonWorkspacesID", search=True),
        number("amazonDirectoryID", search=True),
    ),
)
