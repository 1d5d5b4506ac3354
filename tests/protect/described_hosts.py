"""Hosts of the corpus, described as the recommendation engine takes them."""

from __future__ import annotations

import gzip
import json
from typing import Any

from corpus import corpus
from sakimori.protect.host import Host, Package, Service


def fixture(name: str) -> Any:
    with gzip.open(corpus("advisories") / "fixtures" / name) as file:
        return json.load(file)


def version(row: dict[str, Any], prefix: str = "") -> str:
    epoch, release = row.get(f"{prefix}Epoch"), row.get(f"{prefix}Release")
    return f"{f'{epoch}:' if epoch else ''}{row[f'{prefix}Version']}{f'-{release}' if release else ''}"


def aliases() -> dict[str, set[str]]:
    with gzip.open(corpus("advisories") / "osv-pypi.jsonl.gz", "rt") as file:
        return {row["id"]: set(row.get("aliases") or ()) for row in map(json.loads, file)}


def corpus_hosts() -> list[Host]:
    names = aliases()
    debian = tuple(
        Package("deb", row["Name"], version(row), row["SrcName"], version(row, "Src"))
        for row in fixture("debian12-host.packages.json.gz")
    )
    found = frozenset(cve for _, _, cve, _ in fixture("debian12-host.trivy-0.59.1.findings.json.gz"))
    image = tuple(
        Package(part["purl"][4:].partition("/")[0], part["name"], part["version"])
        for part in fixture("pyapp-image.syft-1.18.1.cdx.json.gz")["components"]
        if part.get("purl")
    )
    flaws = {
        alias for _, _, flaw, _ in fixture("pyapp-image.trivy-0.59.1.findings.json.gz") for alias in names.get(flaw, ())
    }
    ports = (Service(22), Service(443), Service(8080))
    files = ("/etc/ssh/sshd_config", "/etc/nginx/nginx.conf", "/var/www/html/index.php")
    return [
        Host(distribution="debian-12", packages=debian, vulnerabilities=found, services=ports, files=files),
        Host(distribution="debian-12", packages=debian),
        Host(distribution="debian-12", packages=image, vulnerabilities=frozenset(flaws), services=ports),
        Host(distribution="debian-12", packages=image),
    ]
