"""The function's bundle: our modules that it needs, the packages that they import, and its settings, in a zip.

Built without the network, from what is installed beside us, or from a folder of packages for another machine
(`pip install --target`). The same input gives the same bytes. Compiled modules go with their sources: what a function
is started from cannot be written to, and would be compiled at every cold start.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import io
import json
import marshal
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from sakimori.respond.carried_zones import zones
from sakimori.respond.deploy.closure import needs
from sakimori.respond.deploy.machine import misfit
from sakimori.respond.errors import RespondError

ENTRIES = (
    "sakimori.respond.on_lambda",
    "sakimori.respond.workflows.*",
    "sakimori.respond.actions.*",
    "sakimori.collect.products.*",
    "sakimori.notify.channels.*",
)
LIMIT = 200 * 1_000_000
"""Bytes of a bundle when it is unpacked; Lambda takes 250 MB ("Lambda quotas")."""

PLUGINS = ("sakimori.workflows", "sakimori.actions")
TABLES = ("guardduty.yml", "waf.yml")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the first that a zip can hold."""

_LEFT_OUT = re.compile(r"(^|/)(__pycache__|tests?|examples)/|\.(pyi|pyc|c|h|pxd|pyx)$|^\.\.|^/")
_NATIVE = re.compile(r"\.(so|pyd|dylib)(\.|$)")
_METADATA = re.compile(r"\.dist-info/(METADATA|entry_points\.txt|licenses/|LICEN[CS]E|NOTICE|COPYING|AUTHORS)", re.I)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle: its bytes, their SHA-256, the bytes it has unpacked, and which packages of which version are in it."""

    data: bytes
    sha256: str
    unpacked: int
    packages: dict[str, str]

    @property
    def key(self) -> str:
        """Its name in a bucket: another content has another name, so that a deployment sees the difference."""
        return f"bundle-{self.sha256[:32]}.zip"


def build(
    settings: Mapping[str, Any],
    home: Path | None,
    *,
    architecture: str,
    packages: Path | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> Bundle:
    """The bundle for this version of Python. `settings` are sections of sakimori.toml; the tables that the user edits
    are taken from `home`; `beside` is what else goes with the settings, by path. Raises RespondError where a package is
    missing or is for another machine."""
    needed = needs(ENTRIES)
    roots = {_distribution_of(name) for name in needed.imported} | _plugins()
    chosen = _closure(roots, packages)
    files: dict[str, bytes] = {}
    for found in chosen.values():
        files |= _of_package(found, architecture)
    base = needed.modules["sakimori"].parent.parent
    for place in needed.modules.values():
        files[place.relative_to(base).as_posix()] = place.read_bytes()
    for folder in {place.parent for place in needed.modules.values()}:
        for text in sorted(each for kind in ("*.yml", "*.json") for each in folder.glob(kind)):
            files[text.relative_to(base).as_posix()] = text.read_bytes()
    files |= _compiled(files) | _settings(settings, home)
    files |= {f"settings/{path}": body for path, body in {**zones(()), **(beside or {})}.items()}
    unpacked = sum(map(len, files.values()))
    if unpacked > LIMIT:
        raise RespondError(f"the bundle has {unpacked / 1e6:.0f} MB unpacked, more than {LIMIT / 1e6:.0f}")
    data = _zipped(files)
    versions = {name: found.version for name, found in sorted(chosen.items())}
    return Bundle(data, hashlib.sha256(data).hexdigest(), unpacked, versions)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on which everybody may read and only the owner write
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def _compiled(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compiled modules that are not checked against their sources (PEP 552). Marshal's version 2 has no references, of
    which the order would not be the same each time."""
    tag, found = sys.implementation.cache_tag, {}
    for name, source in files.items():
        if not name.endswith(".py"):
            continue
        try:
            code = compile(source, f"/var/task/{name}", "exec", dont_inherit=True, optimize=0)
        except SyntaxError:
            continue  # for another version of Python; nobody imports it here
        flags = (0b01).to_bytes(4, "little")  # by hash, not checked
        body = importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + marshal.dumps(code, 2)
        folder, _, file = name.rpartition("/")
        found[f"{folder}/__pycache__/{file.removesuffix('.py')}.{tag}.pyc".lstrip("/")] = body
    return found


def _settings(settings: Mapping[str, Any], home: Path | None) -> dict[str, bytes]:
    found = {"settings/settings.json": json.dumps(settings, sort_keys=True, indent=1).encode()}
    for name in (*TABLES, "ca.pem"):
        own = home / name if home else None
        if own is not None and own.is_file():
            found[f"settings/{name}"] = own.read_bytes()
    return found


# Packages


def _normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _known(packages: Path | None) -> dict[str, Distribution]:
    """What is installed beside us, or in a folder of packages, by name; of several the first counts, as for imports."""
    found: dict[str, Distribution] = {}
    for each in importlib.metadata.distributions(path=[str(packages)] if packages else sys.path):
        found.setdefault(_normal(each.metadata["Name"]), each)
    return found


def _distribution_of(imported: str) -> str:
    """The package that a top-level name is imported from."""
    names = importlib.metadata.packages_distributions().get(imported, ())
    if not names:
        raise RespondError(f"the function imports {imported}, which is not installed: install Sakimori again")
    return _normal(names[0])


def _plugins() -> set[str]:
    """The packages of workflows and actions that others wrote."""
    return {
        _normal(entry.dist.metadata["Name"])
        for group in PLUGINS
        for entry in importlib.metadata.entry_points(group=group)
        if entry.dist is not None
    }


def _closure(roots: Iterable[str], packages: Path | None) -> dict[str, Distribution]:
    """The packages and what they require. What a marker asks for counts where it was installed: the installer has
    evaluated the markers."""
    known, found = _known(packages), {}
    waiting = sorted(set(roots) - {"sakimori"})
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in known:
            where = f"in {packages}" if packages else "installed"
            raise RespondError(f"the function needs the package {name}, which is not {where}: install it there")
        found[name] = known[name]
        for requirement in known[name].requires or ():
            spelt, _, marker = requirement.partition(";")
            wanted = _normal(re.split(r"[\s\[(<>=!~]", spelt.strip(), maxsplit=1)[0])
            if "extra" not in marker and (not marker or wanted in known):
                waiting.append(wanted)
    return dict(sorted(found.items()))


def _of_package(found: Distribution, architecture: str) -> dict[str, bytes]:
    """A package's files, without what a function has no use for."""
    name, files = found.metadata["Name"], {}
    if re.search(r'"editable":\s*true', found.read_text("direct_url.json") or ""):
        raise RespondError(f"the package {name} is installed in place (editable): install it properly, to be packed")
    for each in found.files or ():
        spelt = each.as_posix()
        if _LEFT_OUT.search(spelt) or (".dist-info/" in spelt and not _METADATA.search(spelt)):
            continue
        place = Path(str(each.locate()))
        if place.is_file():
            files[spelt] = place.read_bytes()
    if not files:
        raise RespondError(f"the package {name} does not say which files it has: install it again, with pip")
    native = {
        spelt: data for spelt, data in files.items() if spelt.endswith((".so", ".pyd", ".dylib")) or ".so." in spelt
    }
    if why := misfit(native, found.read_text("WHEEL") or "", architecture):
        raise RespondError(
            f"the package {name} is not for Lambda ({why}): make a folder of packages for it with `pip install "
            f"--target FOLDER --only-binary=:all: --platform manylinux2014_{_spelt(architecture)} --python-version "
            f"{sys.version_info.major}.{sys.version_info.minor} {name} ...`, and give it with --packages"
        )
    return files


def _spelt(architecture: str) -> str:
    return "aarch64" if architecture == "arm64" else architecture
