"""The bundle: small, the same each time, and of what the function needs and nothing else."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from deployments import real_bundle

from sakimori.respond.deploy.bundle import ENTRIES, LIMIT, build
from sakimori.respond.deploy.closure import needs
from sakimori.respond.deploy.machine import misfit
from sakimori.respond.errors import RespondError

ELF = b"\x7fELF" + b"\0" * 14


def test_it_is_far_below_the_limit_and_holds_nothing_heavy() -> None:
    bundle = real_bundle()
    names = zipfile.ZipFile(io.BytesIO(bundle.data)).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert bundle.unpacked < LIMIT / 2
    assert not tops & {"pyarrow", "scipy", "dbos", "numpy", "duckdb", "sqlalchemy", "moto", "pytest"}
    assert {"sakimori", "boto3", "msgspec", "yaml", "settings"} <= tops
    assert not [name for name in names if name.startswith(("sakimori/cli", "sakimori/simulate", "sakimori/detect"))]
    assert "sakimori/respond/workflows/guardduty.yml" in names
    assert [name for name in names if name.startswith("orjson-") and "LICENSE" in name], "licences go with it"
    print(f"{len(bundle.data) / 1e6:.1f} MB, {bundle.unpacked / 1e6:.1f} MB unpacked, {len(names)} files")


def test_the_same_input_gives_the_same_bytes() -> None:
    script = "from deployments import real_bundle; print(real_bundle().sha256)"
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": ":".join([str(Path(__file__).parent), *sys.path]), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {real_bundle().sha256}


def test_settings_and_tables_of_the_user_go_with_it_and_change_its_name(tmp_path: Path) -> None:
    (tmp_path / "guardduty.yml").write_text("- types: ['*']\n")
    (tmp_path / "respond.key").write_text("secret")
    bundle = build({"modes": {"default": "approve"}}, tmp_path, architecture="x86_64")
    archive = zipfile.ZipFile(io.BytesIO(bundle.data))
    assert json.loads(archive.read("settings/settings.json")) == {"modes": {"default": "approve"}}
    assert archive.read("settings/guardduty.yml") == b"- types: ['*']\n"
    assert not [name for name in archive.namelist() if "respond.key" in name]
    assert bundle.key != real_bundle().key


def test_imports_for_the_type_checker_do_not_count_and_lazy_ones_do() -> None:
    found = needs(ENTRIES)
    assert "sakimori.respond.book" not in found.modules
    assert "sakimori.assess.access.estate" in found.modules, "macie imports it when it plans"
    assert "sqlalchemy" not in found.imported


def test_packages_for_another_machine_are_refused_with_what_to_do() -> None:
    with pytest.raises(RespondError, match=r"is for another processor.*--platform manylinux2014_aarch64.*--packages"):
        build({}, None, architecture="arm64")


def test_a_folder_of_packages_that_lacks_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RespondError, match=f"which is not in {tmp_path}"):
        build({}, None, architecture="x86_64", packages=tmp_path)


@pytest.mark.parametrize(
    ("machine", "tags", "python", "why"),
    [
        (62, ["manylinux_2_17_x86_64", "manylinux2014_x86_64"], (3, 11), ""),
        (62, ["manylinux_2_28_x86_64"], (3, 11), "it needs glibc 2.28, and Lambda has 2.26"),
        (62, ["manylinux_2_28_x86_64"], (3, 12), ""),
        (62, ["manylinux_2_39_x86_64"], (3, 14), "it needs glibc 2.39, and Lambda has 2.34"),
        (62, ["manylinux1_x86_64"], (3, 11), ""),
        (62, ["linux_x86_64"], (3, 11), "it was built for this machine"),
        (62, ["musllinux_1_2_x86_64"], (3, 11), "it was built for this machine"),
        (183, ["manylinux2014_aarch64"], (3, 11), "is for another processor"),
    ],
)
def test_compiled_code_fits_or_is_refused(machine: int, tags: list[str], python: tuple[int, int], why: str) -> None:
    wheel = "".join(f"Tag: cp311-cp311-{tag}\n" for tag in tags)
    found = misfit({"a.so": ELF + machine.to_bytes(2, "little")}, wheel, "x86_64", python)
    assert (why in found) if why else found == ""


def test_code_of_a_mac_is_not_for_linux() -> None:
    assert misfit({"a.so": b"\xcf\xfa\xed\xfe" + b"\0" * 20}, "", "arm64") == "a.so is not for Linux"
