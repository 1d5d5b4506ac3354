"""A simulated host: what is told of it, and a real folder that stands for its disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sakimori.protect.host import Package, Service

MOST_FILES = 50_000
_FIELD = re.compile(r"^(Package|Status|Version|Source): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SimulatedHost:
    """`root` is its disk. Packages are those told here and those in the disk's dpkg status."""

    name: str
    root: Path
    os: str = "linux"
    distribution: str = ""
    platform: str = "Debian Linux 12 (64 bit)"
    instance_id: str = ""
    account: str = ""
    region: str = ""
    packages: tuple[Package, ...] = ()
    services: tuple[Service, ...] = ()
    vulnerabilities: frozenset[str] = field(default_factory=frozenset)

    def description(self) -> dict[str, Any]:
        """The host as `sakimori.protect.host` reads it; what could not be listed is named."""
        missing: dict[str, str] = {}
        files, is_whole = self._files()
        if not is_whole:
            missing["files"] = f"there are more than {MOST_FILES:,} files"
        if (self.root / "var/lib/rpm").is_dir():
            missing["packages"] = "the database of rpm is not read by the simulated agent"
        installed = [*self.packages, *dpkg_packages(self.root)]
        return {
            "os": self.os,
            "distribution": self.distribution or _distribution(self.root),
            "packages": [_plain(each) for each in installed],
            "services": [_plain(each) for each in self.services],
            "files": files,
            "vulnerabilities": sorted(self.vulnerabilities),
            "not_evaluated": missing,
        }

    def _files(self) -> tuple[list[str], bool]:
        found: list[str] = []
        for folder, _, names in os.walk(self.root):
            below = Path(folder).relative_to(self.root).as_posix()
            found += [f"/{name}" if below == "." else f"/{below}/{name}" for name in names]
            if len(found) > MOST_FILES:
                return sorted(found[:MOST_FILES]), False
        return sorted(found), True


def dpkg_packages(root: Path) -> Iterator[Package]:
    """The installed packages in a disk's dpkg status, with their sources (deb-control(5))."""
    path = root / "var/lib/dpkg/status"
    if not path.is_file():
        return
    for paragraph in path.read_text(encoding="utf-8", errors="replace").split("\n\n"):
        fields = dict(_FIELD.findall(paragraph))
        if "Package" not in fields or not fields.get("Status", "").endswith(" installed"):
            continue
        source, _, version = fields.get("Source", "").partition(" ")
        yield Package(
            "deb",
            fields["Package"],
            fields.get("Version", ""),
            source or fields["Package"],
            version.strip("()") or fields.get("Version", ""),
        )


def _distribution(root: Path) -> str:
    """`debian-12`, from /etc/os-release."""
    path = root / "etc/os-release"
    if not path.is_file():
        return ""
    values = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', path.read_text(encoding="utf-8"), re.MULTILINE))
    return f"{values.get('ID', '')}-{values.get('VERSION_ID', '')}".strip("-")


def _plain(each: Package | Service) -> Mapping[str, Any]:
    return {name: value for name in each.__struct_fields__ if (value := getattr(each, name)) != ""}
