"""The catalogue: its size, its ids for good, its exploited CVEs, and errors that name file and line."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from shutil import copytree

import pytest
from in_process import running

from corpus import corpus
from sakimori.model import attack
from sakimori.protect.catalogue import api, payload, reading, signature
from sakimori.protect.resources import all_resources

CATALOGUE = reading.load()
IDS = Path(__file__).with_name("catalogue_ids.txt")


def test_there_are_enough_rules_of_every_kind() -> None:
    counts = {name: len(getattr(CATALOGUE, name)) for name in ("patches", "integrity", "logs", "firewall", "web")}
    print(counts, len(CATALOGUE.by_cve), "CVEs")
    assert counts["patches"] >= 60
    assert counts["integrity"] >= 40
    assert counts["logs"] >= 40
    assert counts["firewall"] >= 10
    assert counts["web"] >= 10


def test_ids_are_for_good() -> None:
    frozen = dict(line.split(" ", 1) for line in IDS.read_text().splitlines() if not line.startswith("#"))
    now = {
        str(rule_id): getattr(rule, "slug", "") or rule.name
        for kind in (CATALOGUE.patches, CATALOGUE.integrity, CATALOGUE.logs, CATALOGUE.firewall)
        for rule_id, rule in kind.items()
    }
    assert {rule_id: name for rule_id, name in frozen.items() if now.get(rule_id) != name} == {}
    assert sorted(now.keys() - frozen.keys()) == [], "add the new ids to catalogue_ids.txt"


def test_every_patched_cve_is_known_to_be_exploited() -> None:
    with gzip.open(corpus("advisories") / "kev.json.gz") as file:
        exploited = {entry["cveID"] for entry in json.load(file)["vulnerabilities"]}
    assert sorted(CATALOGUE.by_cve.keys() - exploited) == []


def test_names_are_unique_within_a_kind() -> None:
    for kind in (CATALOGUE.patches, CATALOGUE.integrity, CATALOGUE.logs, CATALOGUE.firewall, CATALOGUE.web):
        assert [name for name, count in Counter(rule.name for rule in kind.values()).items() if count > 1] == []


def test_techniques_have_names() -> None:
    named = {t for kind in (CATALOGUE.integrity, CATALOGUE.logs) for rule in kind.values() for t in rule.techniques}
    assert sorted(technique for technique in named if not attack.technique_name(technique)) == []


def test_severity_follows_the_score() -> None:
    for patch in CATALOGUE.patches.values():
        level = "critical" if patch.cvss >= 9 else "high" if patch.cvss >= 7 else "medium"
        assert patch.severity == level, patch.slug


def test_every_signature_is_about_what_its_rule_is_about() -> None:
    for patch in CATALOGUE.patches.values():
        for text in patch.signatures:
            parsed = signature.parse(text)
            cves = [f"CVE-{value.split(',')[1]}" for name, value in parsed.options if name == "reference"]
            assert tuple(cves) == patch.cves, patch.slug


def test_the_api_takes_every_rule_as_it_is() -> None:
    for name, rules in api.as_api(CATALOGUE).items():
        fields = {field.name: field for field in all_resources()[name].fields}
        for rule_id, rule in rules.items():
            assert 0 < rule_id <= all_resources()[name].reserved
            assert sorted(rule.keys() - fields.keys()) == []
            for key, value in rule.items():
                chosen = value if fields[key].many else [value]
                assert fields[key].kind != "choice" or set(chosen) <= set(fields[key].values), (
                    name,
                    rule_id,
                    key,
                    value,
                )


def test_everything_starts_in_detect() -> None:
    actions = {rule["action"] for rule in api.as_api(CATALOGUE)["intrusionpreventionrules"].values()}
    assert actions == {"log-only"}


def test_payloads_are_whole_requests() -> None:
    assert payload.http_request("GET /x\n") == b"GET /x HTTP/1.1\r\nHost: target.example\r\n\r\n"
    text = "POST /x\nHost: a\nContent-Type: text/plain\n\n{{ab*3}}\n"
    assert payload.http_request(text) == (
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nababab"
    )


WRONG = [
    ("redis_lua_sandbox", "cvss: 10.0", "cvss: 11", "cvss:", "cvss: Expected `float` <= 10.0"),
    (
        "redis_lua_sandbox",
        "severity: critical",
        "severity: dreadful",
        "severity:",
        "severity: Invalid enum value 'dreadful'",
    ),
    ("redis_lua_sandbox", "cves:", "cve:", "id:", "contains unknown field `cve`"),
    (
        "redis_lua_sandbox",
        'fixed: "5:5.0.14-1+deb10u2"',
        "fixed: 2.0",
        "  - {eco",
        'affects.0.fixed: Expected `str`, got `float`; put it in quotes: "2.0"',
    ),
    (
        "redis_lua_sandbox",
        "application: redis",
        "application: rediss",
        "application:",
        "there is no application type 'rediss'",
    ),
    ("redis_lua_sandbox", "ecosystem: deb", "ecosystem: dep", "  - {eco", "there is no ecosystem 'dep'"),
    ("redis_lua_sandbox", "nocase;", "nocas;", "  - >-", "there is no keyword 'nocas'"),
    ("redis_lua_sandbox", "flow:established,to_server;", "", "  - >-", "does not say which direction"),
    ("redis_lua_sandbox", "sid:1010570;", "sid:1;", "  - >-", "has sid 1: this one's is 1010570"),
    ("redis_lua_sandbox", "id: 1057", "id: 1056", "id:", "is that of"),
    ("redis_lua_sandbox", "name: Redis Lua", "name: [Redis", "description:", "is not YAML"),
    ("sshd_guessing", "timeframe: 120", "", "frequency:", "a frequency needs a timeframe"),
    ("sshd_guessing", "requires: [6001]", "requires: [6999]", "requires:", "it requires rule 6999"),
    ("sshd_guessing", "pattern: 'sshd", "pattern: '(sshd", "pattern:", "is no RE2 pattern"),
    ("sshd_guessing", "level: 10", "level: 16", "level:", "level: Expected `int` <= 15"),
    (
        "linux_accounts",
        "techniques: [T1136.001, T1098]",
        "techniques: [1136]",
        "techniques:",
        "techniques.0: Expected `str`, got `int`",
    ),
]


@pytest.mark.parametrize(("slug", "right", "wrong", "at", "said"), WRONG)
def test_an_error_names_file_and_line(tmp_path: Path, slug: str, right: str, wrong: str, at: str, said: str) -> None:
    copytree(reading.DATA, tmp_path / "data")
    (path,) = (tmp_path / "data").rglob(f"{slug}.yml")
    text = path.read_text(encoding="utf-8")
    assert right in text
    changed = text.replace(right, wrong, 1)
    path.write_text(changed, encoding="utf-8")
    line = next(n for n, row in enumerate(changed.splitlines(), start=1) if row.startswith(at))
    with pytest.raises(reading.CatalogueError) as error:
        reading.load(tmp_path / "data")
    assert str(error.value).startswith(f"{path}:{line}: ")
    assert said in str(error.value)


def test_rules_are_found_by_exactly_their_cve() -> None:
    assert [patch.slug for patch in CATALOGUE.by_cve["CVE-2021-44228"]] == ["log4j_jndi_lookup"]
    assert "CVE-2021-4422" not in CATALOGUE.by_cve
    assert CATALOGUE.rule("1001") is CATALOGUE.rule("log4j_jndi_lookup")
    assert CATALOGUE.rule("nothing") is None


def test_the_api_shows_web_categories_and_which_security_levels_stop_them(tmp_path: Path) -> None:
    with running(tmp_path / "ledger.sqlite", built_in=api.built_in()) as manager:
        every = manager.api.get("/sakimori/webcategories")["webCategories"]
        assert {each["ID"]: each["name"] for each in every} == {k: each.name for k, each in CATALOGUE.web.items()}
        criterion = {"fieldName": "risk", "choiceTest": "equal", "choiceValue": "highly-suspicious"}
        found = manager.api.post("/sakimori/webcategories/search", {"searchCriteria": criterion})["webCategories"]
        assert found
        assert {tuple(each["stoppedAt"]) for each in found} == {("medium", "high")}
        assert manager.api.get(f"/sakimori/webcategories/{found[0]['ID']}") == found[0]
        assert all("stoppedAt" in each and each["stoppedAt"] == [] for each in every if each["risk"] == "untested")
        assert manager.api.refused("POST", "/sakimori/webcategories", {"name": "mine"})[0] == 405
