"""Every virtual patch in Suricata itself: it loads, it fires on its attacks, and nothing fires on the look-alikes."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from pcap import Conversation, capture

from corpus import corpus
from sakimori.protect.catalogue import payload, reading
from sakimori.protect.catalogue.rules import rule_of_sid

ROOT = Path(__file__).resolve().parents[2]
SURICATA = shutil.which("suricata") or str(ROOT / "build" / "suricata" / "run")
CATALOGUE = reading.load()

pytestmark = pytest.mark.skipif(not Path(SURICATA).exists(), reason="no suricata here: run tools/suricata.sh")

CONFIGURATION = """%YAML 1.1
---
vars:
  address-groups: {{HOME_NET: "[10.0.0.0/24]", EXTERNAL_NET: any}}
default-log-dir: {folder}
classification-file: {folder}/classification.config
reference-config-file: {folder}/reference.config
threshold-file: {folder}/threshold.config
outputs:
  - eve-log: {{enabled: yes, filetype: regular, filename: eve.json, types: [alert]}}
app-layer:
  protocols:
    http:
      enabled: yes
      libhtp: {{default-config: {{personality: IDS, request-body-limit: 100kb, response-body-limit: 100kb}}}}
    tls: {{enabled: yes, detection-ports: {{dp: 443}}}}
    smtp: {{enabled: yes}}
stream: {{memcap: 64mb, checksum-validation: yes, reassembly: {{memcap: 128mb, depth: 1mb}}}}
"""


SAME_WEAKNESS = frozenset({("struts_namespace_ognl", "confluence_ognl_in_path")})
"""Confluence is built on the framework whose weakness the other is: one request is an attack on both."""


@dataclass(frozen=True, slots=True)
class Fired:
    """Which sids fired for each test of a rule."""

    attacks: dict[tuple[int, int], set[int]]
    benign: dict[tuple[int, int], set[int]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("suricata")
    (place / "suricata.yaml").write_text(CONFIGURATION.format(folder=place))
    (place / "classification.config").write_text(
        "config classification: web-application-attack,Web Application Attack,1\n"
        "config classification: attempted-admin,Attempted Administrator Privilege Gain,1\n"
    )
    (place / "reference.config").write_text("config reference: cve https://example.com/\n")
    (place / "threshold.config").write_text("")
    rules = [text for patch in CATALOGUE.patches.values() for text in patch.signatures]
    (place / "sakimori.rules").write_text("\n".join(rules) + "\n")
    return place


@pytest.fixture(scope="module")
def fired(folder: Path) -> Fired:
    """All tests of all rules in one capture, told apart by the client's address."""
    tests = [
        (kind, patch, number, text)
        for patch in CATALOGUE.patches.values()
        for kind, texts in (("attacks", patch.tests.attacks), ("benign", patch.tests.benign))
        for number, text in enumerate(texts)
    ]
    found = Fired({}, {})
    by_client: dict[str, set[int]] = {}
    talks = []
    for at, (kind, patch, number, text) in enumerate(tests):
        client = IPv4Address("192.0.2.0") + 256 * 256 + at
        by_client[str(client)] = getattr(found, kind).setdefault((patch.id, number), set())
        port = payload.port(patch, CATALOGUE.applications[patch.application].ports)
        is_http = patch.signatures[0].startswith("alert http ")
        talks.append(Conversation(client, port, payload.payload(patch, text), is_http))
    (folder / "tests.pcap").write_bytes(capture(talks))
    run(folder, "-r", str(folder / "tests.pcap"), "--runmode", "single")
    for line in (folder / "eve.json").read_text().splitlines():
        event = json.loads(line)
        by_client[event["src_ip"]].add(event["alert"]["signature_id"])
    return found


def run(folder: Path, *arguments: str) -> str:
    command = [SURICATA, "-c", folder / "suricata.yaml", "-S", folder / "sakimori.rules", "-l", folder, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_hardly_anything_fires_on_captures_of_others(folder: Path, tmp_path: Path) -> None:
    """Captures that test Suricata itself: all kinds of protocols, hardly one of them an attack that is patched here."""
    captures = sorted((corpus("runtime") / "ids").rglob("*.pcap"))
    (tmp_path / "pcaps").mkdir()
    for number, path in enumerate(captures):
        (tmp_path / "pcaps" / f"{number}.pcap").symlink_to(path)
    (tmp_path / "any.yaml").write_text(CONFIGURATION.format(folder=folder).replace("[10.0.0.0/24]", "any"))
    command = [SURICATA, "-c", tmp_path / "any.yaml", "-S", folder / "sakimori.rules", "-l", tmp_path, "-k", "none"]
    subprocess.run([*command, "--runmode", "single", "-r", tmp_path / "pcaps"], capture_output=True, check=True)
    alerts = (tmp_path / "eve.json").read_text().splitlines()
    print(f"{len(alerts)} alerts in {len(captures)} captures of others")
    assert len(captures) > 100
    assert len(alerts) <= len(captures) / 100


def test_suricata_takes_every_signature(folder: Path) -> None:
    said = run(folder, "-T")
    assert [line for line in said.splitlines() if "Error" in line or "Warning: detect" in line] == []


def test_every_attack_is_seen_by_its_own_rule(fired: Fired) -> None:
    missed = [
        f"{CATALOGUE.patches[rule].slug}: attack {number + 1}"
        for (rule, number), sids in fired.attacks.items()
        if not any(rule_of_sid(sid) == rule for sid in sids)
    ]
    print(f"{len(fired.attacks) - len(missed)} of {len(fired.attacks)} attacks seen by their rules")
    assert missed == []


def test_no_rule_fires_on_a_look_alike(fired: Fired) -> None:
    wrong = [
        f"{CATALOGUE.patches[rule].slug}: benign {number + 1}: {sorted(sids)}"
        for (rule, number), sids in fired.benign.items()
        if sids
    ]
    print(f"nothing fires on {len(fired.benign) - len(wrong)} of {len(fired.benign)} look-alikes")
    assert wrong == []


def test_an_attack_is_not_taken_for_another(fired: Fired) -> None:
    """Rules are specific: what else fires on an attack is only a rule that this one is built upon, or the other way."""
    mixed = []
    for (rule, number), sids in fired.attacks.items():
        patch = CATALOGUE.patches[rule]
        for other in {CATALOGUE.patches[rule_of_sid(sid)] for sid in sids} - {patch}:
            is_kin = rule in other.requires or other.id in patch.requires
            if not is_kin and not {(patch.slug, other.slug), (other.slug, patch.slug)} & SAME_WEAKNESS:
                mixed.append(f"{patch.slug}: attack {number + 1}: also {other.slug}")
    assert mixed == []
