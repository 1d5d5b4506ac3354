"""Recommendations: exactly the rules that the plain matcher says, on hosts of the corpus and on random ones."""

from __future__ import annotations

import random
from typing import Any

import pytest
from described_hosts import corpus_hosts
from plain_recommend import needed

from sakimori.protect.catalogue import reading
from sakimori.protect.host import Host, Package, Service, described
from sakimori.protect.recommend import fitting, recommend
from sakimori.protect.work import JobFailed

CATALOGUE = reading.load()
PATCHES = sorted(CATALOGUE.patches.values(), key=lambda patch: patch.id)


def slugs(rules: Any) -> set[str]:
    kinds = (CATALOGUE.patches, CATALOGUE.integrity, CATALOGUE.logs)
    return {kind[rule_id].slug for rule_id in rules for kind in kinds if rule_id in kind}


def patch_slugs(host: Host) -> set[str]:
    return slugs(fitting(host, CATALOGUE).rules & CATALOGUE.patches.keys())


def test_an_affected_library_calls_for_its_patch() -> None:
    log4j = "org.apache.logging.log4j:log4j-core"
    wanted = {"2.0-beta8": set(), "2.0-beta9": {"log4j_jndi_lookup"}, "2.12.2": set(), "2.14.1": {"log4j_jndi_lookup"}}
    for version, found in wanted.items():
        assert patch_slugs(Host(packages=(Package("maven", log4j, version),))) == found, version


def test_a_service_calls_for_its_patch_also_when_its_version_is_unknown() -> None:
    assert patch_slugs(Host(services=(Service(443, product="citrix-netscaler", version="14.1.43.56"),))) == set()
    assert "citrix_bleed_login" in patch_slugs(Host(services=(Service(443, product="citrix-netscaler"),)))


def test_the_fix_of_one_distribution_is_not_that_of_another() -> None:
    package = Package("deb", "apache2-bin", "2.4.38-3+deb10u6", "apache2", "2.4.38-3+deb10u6")
    assert "apache_mod_proxy_socket" not in patch_slugs(Host(distribution="debian-10", packages=(package,)))
    assert "apache_mod_proxy_socket" in patch_slugs(Host(distribution="debian-11", packages=(package,)))


def test_a_scanners_word_is_enough_and_brings_what_a_rule_requires() -> None:
    host = Host(vulnerabilities=frozenset({"CVE-2022-41082"}))
    assert patch_slugs(host) == {"exchange_proxynotshell", "exchange_proxyshell"}
    reasons = fitting(host, CATALOGUE).reasons
    assert "a scanner found CVE-2022-41082 on the host" in reasons.values()


def test_a_cve_is_not_one_that_begins_like_it() -> None:
    assert patch_slugs(Host(vulnerabilities=frozenset({"CVE-2021-4422", "CVE-2021-442280"}))) == set()


def test_what_is_assigned_and_not_needed_is_unassigned_and_nothing_else() -> None:
    host = Host(packages=(Package("maven", "org.springframework:spring-beans", "5.3.17"),))
    fits = fitting(host, CATALOGUE).rules
    spring, redis, own = 1002, 1057, 10_001
    assert spring in fits
    found = recommend(host, CATALOGUE, assigned=[redis, own, next(iter(fits - {spring}))])
    assert spring in found.assign
    assert found.unassign == {redis}


def test_nothing_is_unassigned_because_it_could_not_be_looked_at() -> None:
    host = Host(not_evaluated={"packages": "rpm database locked"})
    found = recommend(host, CATALOGUE, assigned=[1057])
    assert found.unassign == frozenset()
    assert found.not_evaluated == {"packages": "rpm database locked"}


def test_a_windows_host_gets_no_linux_rule() -> None:
    found = slugs(fitting(Host(os="windows"), CATALOGUE).rules)
    assert "windows_log_cleared" in found
    assert {name for name in found if name.startswith(("linux", "sshd"))} == set()


def test_a_description_that_cannot_be_read_is_refused_with_the_place() -> None:
    with pytest.raises(JobFailed, match=r"packages\[0\]\.version"):
        described({"packages": [{"ecosystem": "deb", "name": "bash", "version": 5}]})


# ---- against the plain matcher


def same(host: Host) -> int:
    engine = fitting(host, CATALOGUE).rules
    assert slugs(engine) == slugs(needed(host, CATALOGUE))
    return len(engine & CATALOGUE.patches.keys())


def test_the_hosts_of_the_corpus() -> None:
    for host in corpus_hosts():
        count = same(host)
        total = len(fitting(host, CATALOGUE).rules)
        print(
            f"{len(host.packages)} packages, {len(host.vulnerabilities)} CVEs: {total} rules, {count} virtual patches"
        )


def nearby(rng: random.Random, text: str) -> str:
    """A version at, just below or just above another."""
    if not text:
        return rng.choice(["0.1", "1.0", "99.0"])
    numbers = [(at, end) for at, end in _runs(text)]
    at, end = rng.choice(numbers)
    changed = str(max(0, int(text[at:end]) + rng.choice([-1, 0, 0, 1])))
    return text[:at] + changed + text[end:]


def _runs(text: str) -> list[tuple[int, int]]:
    import re

    return [found.span() for found in re.finditer(r"\d+", text)]


def random_host(rng: random.Random) -> Host:
    packages, services = [], []
    for patch in rng.sample(PATCHES, rng.randint(0, 12)):
        entry = rng.choice(patch.affects)
        text = nearby(rng, rng.choice([entry.since, entry.fixed]))
        if entry.ecosystem == "generic" and rng.random() < 0.5:
            port = rng.choice(CATALOGUE.applications[patch.application].ports)
            services.append(Service(port, product=entry.package, version=rng.choice([text, text, ""])))
        elif entry.ecosystem in ("deb", "rpm") and rng.random() < 0.5:
            packages.append(
                Package(entry.ecosystem, f"{entry.package}-bin", text, entry.package, rng.choice([text, ""]))
            )
        else:
            packages.append(Package(entry.ecosystem, entry.package, text))
    watched = [rule for kind in (CATALOGUE.integrity, CATALOGUE.logs) for rule in kind.values()]
    for rule in rng.sample(watched, 6):
        packages += [Package("deb", name, "1.0") for name in rule.when.packages[:1]]
    files = [p.replace("*", "x") for rule in rng.sample(watched, 4) for p in rule.when.files]
    return Host(
        os=rng.choice(["linux", "linux", "windows"]),
        distribution=rng.choice(["debian-10", "debian-11", "debian-12", "amazon-2023", ""]),
        packages=tuple(packages),
        services=(*services, *(Service(rng.choice([22, 53, 80, 443, 6379, 12345])) for _ in range(rng.randint(0, 3)))),
        files=tuple(files),
        vulnerabilities=frozenset(rng.choice(patch.cves) for patch in rng.sample(PATCHES, rng.randint(0, 2))),
    )


def test_random_hosts() -> None:
    rng = random.Random(20261125)
    patches = sum(same(random_host(rng)) for _ in range(400))
    print(f"400 random hosts: {patches} virtual patches, all as the plain matcher says")
    assert patches > 1_000
