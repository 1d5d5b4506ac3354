"""What clouds and hypervisors tell of a machine: a summary of each kind, of which a computer has at most one or two."""

from __future__ import annotations

from sakimori.protect.declare import Field, flag, number, struct, structs, text, texts

_METADATA = structs("metadata", "VirtualMachineMetadata", text("name"), text("value"))


def _texts(names: str) -> tuple[Field, ...]:
    """Fields that hold a text; those whose name ends in `?` can be searched for."""
    return tuple(text(name.removesuffix("?"), search=name.endswith("?")) for name in names.split())


def _summary(kind: str, *fields: Field) -> Field:
    return struct(f"{kind}Summary", f"{kind[:1].upper()}{kind[1:]}Summary", *fields)


SUMMARIES = (
    _summary(
        "azureARMVirtualMachine",
        *_texts("cloudProvider subscriptionID? deploymentModel resourceGroup? state location? type? operatingSystem?"),
        *_texts("publicIPAddress? privateIPAddress? cloudService? deploymentID? imageID? securityGroup?"),
        _METADATA,
        *_texts("DNSName"),
    ),
    _summary(
        "azureVMVirtualMachine",
        *_texts("cloudProvider subscriptionID? operatingSystem? publicVirtualIPAddress? privateIPAddress?"),
        *_texts("publicIPAddress? location? instanceID? imageID? cloudService? deploymentID? type? state DNSName"),
    ),
    _summary(
        "ec2VirtualMachine",
        *_texts("cloudProvider accountID? operatingSystem? privateIPAddress? publicIPAddress? availabilityZone?"),
        *_texts("instanceID?"),
        structs("securityGroups", "VirtualMachineSecurityGroup", *_texts("name ID")),
        *_texts("type? virtualizationType? state"),
        _METADATA,
        *_texts("amiID DNSName"),
    ),
    _summary("noConnectorVirtualMachine", *_texts("accountID? directoryID? userName? instanceID? region?")),
    _summary(
        "vmwareVMVirtualMachine",
        *_texts("operatingSystem? memory vmwareTools biosUUID? state"),
        texts("notes"),
        *_texts("CPU? vCenterUUID"),
        texts("NSXSecurityGroups"),
        *_texts("IPAddress DNSName"),
    ),
    _summary(
        "vcloudVMVirtualMachine",
        *_texts("cloudProvider operatingSystem? instanceID? type? state IPAddress DNSName"),
    ),
    _summary(
        "workspaceVirtualMachine",
        *_texts(
            "cloudProvider accountID? workspaceDirectory userName? workspaceID? bundleID? workspaceHardware? state"
        ),
        _METADATA,
        *_texts("IPAddress"),
    ),
    _summary(
        "gcpVirtualMachine",
        *_texts("cloudProvider state operatingSystem? instanceID? privateIPAddress? publicIPAddress? zone?"),
        number("vCPUs", search=True),
        number("memory", search=True),
        structs("labels", "VirtualMachineGCPLabel", *_texts("key value")),
        texts("networkTags"),
    ),
    _summary(
        "ESX",
        *_texts("manufacturer? model? processors? processorType? numberOfNICs? state virtualMachines vMotionEnabled?"),
        structs("customAttributes", "CustomAttribute", *_texts("name value")),
        flag("TPMEnabled"),
        flag("TPMAlertsEnabled"),
        flag("TPMHasData"),
        number("TPMLastChecked"),
    ),
)
