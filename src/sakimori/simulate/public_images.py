"""Images that anybody may start: AWS's own, and Ubuntu's. With moto's, every account would own 1,300 snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs

AMAZON, CANONICAL = "137112412989", "099720109477"

_MADE = (
    ("ami-0a1a1a1a1a1a1a101", "al2023-ami-2023.9.20251110.1-kernel-6.1-x86_64", "x86_64", AMAZON, ""),
    ("ami-0a1a1a1a1a1a1a102", "al2023-ami-2023.9.20251110.1-kernel-6.1-arm64", "arm64", AMAZON, ""),
    ("ami-0a1a1a1a1a1a1a103", "amzn2-ami-hvm-2.0.20251110.0-x86_64-gp2", "x86_64", AMAZON, ""),
    ("ami-0a1a1a1a1a1a1a104", "Windows_Server-2022-English-Full-Base-2025.11.12", "x86_64", "801119661308", "windows"),
    (
        "ami-0a1a1a1a1a1a1a201",
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20251101",
        "x86_64",
        CANONICAL,
        "",
    ),
)


def _image(id: str, name: str, architecture: str, owner: str, platform: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ImageId": id,
        "Name": name,
        "Architecture": architecture,
        "OwnerId": owner,
        "State": "available",
        "Public": True,
        "ImageType": "machine",
        "ImageLocation": f"amazon/{name}",
        "CreationDate": "2025-11-12T00:00:00.000Z",
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "RootDeviceType": "ebs",
        "RootDeviceName": "/dev/sda1" if platform else "/dev/xvda",
        "PlatformDetails": "Windows" if platform else "Linux/UNIX",
        "EnaSupport": True,
        "ImdsSupport": "v2.0",
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/sda1" if platform else "/dev/xvda",
                "Ebs": {"SnapshotId": f"snap-{id[4:]}", "VolumeSize": 30 if platform else 8, "VolumeType": "gp3"},
            }
        ],
    }
    made |= {"Platform": platform} if platform else {}
    return made | ({"ImageOwnerAlias": "amazon"} if owner != CANONICAL else {})


IMAGES = tuple(_image(*each) for each in _MADE)


def public_images(body: bytes) -> dict[str, Any] | None:
    """The answer to DescribeImages that names them by their owners or ids; None where it asks for others."""
    asked = parse_qs(body.decode("latin-1"))
    owners, ids = _listed(asked, "Owner"), _listed(asked, "ImageId")
    known = {image["ImageId"] for image in IMAGES}
    public = {"amazon", *(image["OwnerId"] for image in IMAGES)}
    if not (owners and public.issuperset(owners)) and not (ids and known.issuperset(ids)):
        return None
    found = [image for image in IMAGES if not owners or {image["OwnerId"], image.get("ImageOwnerAlias")} & set(owners)]
    return {"Images": [image for image in found if (not ids or image["ImageId"] in ids) and _passes(image, asked)]}


def _listed(asked: Mapping[str, Sequence[str]], name: str) -> list[str]:
    return [value for key, values in asked.items() if key.startswith(f"{name}.") for value in values]


_FIELDS = {"is-public": "Public", "owner-alias": "ImageOwnerAlias"}


def _passes(image: Mapping[str, Any], asked: Mapping[str, Sequence[str]]) -> bool:
    """Whether all filters let the image pass. Their names are those of the fields, with hyphens."""
    number = 1
    while name := "".join(asked.get(f"Filter.{number}.Name", ())):
        field = _FIELDS.get(name, "".join(part.capitalize() for part in name.split("-")))
        value = str(image.get(field, ""))
        value = value.lower() if isinstance(image.get(field), bool) else value
        if not any(fnmatchcase(value, each) for each in _listed(asked, f"Filter.{number}.Value")):
            return False
        number += 1
    return True
