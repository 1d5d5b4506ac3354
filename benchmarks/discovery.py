"""What discovery costs: API calls against the least that there can be, time and memory, beside Prowler's in one run.

    python benchmarks/discovery.py [--services ec2,s3,...] [--no-peer] [--json FILE]

A simulated account in a process of its own is filled by `../shared/tools/populate_account.py` and counts what it is
asked. The floor follows from the declarations and from what was found: one call a page of each list, and one for each
item and further call that is declared (a batch counts as one). Prowler runs all its checks of the same services: it
does more with the answers than discovery does. The exit code is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import boto3

from sakimori.discover.declare import Detail, Listing, Resource, Service
from sakimori.discover.services import services
from sakimori.model.asset import Asset, Inventory
from sakimori.store.ledger import open_ledger

ROOT = Path(__file__).resolve().parent.parent
POPULATE = "shared/tools/populate_account.py"
REGION = "us-east-1"

MOST_MEMORY = 300
"""MB: the target."""

PROWLER = {
    **{name: name for name in ("autoscaling", "cloudfront", "cloudtrail", "codebuild", "codepipeline", "config")},
    **{name: name for name in ("directconnect", "dynamodb", "ec2", "ecr", "ecs", "efs", "eks", "elasticache", "elb")},
    **{name: name for name in ("elbv2", "guardduty", "iam", "inspector2", "kms", "macie2", "networkfirewall")},
    **{name: name for name in ("opensearch", "organizations", "rds", "redshift", "route53", "s3", "secretsmanager")},
    **{name: name for name in ("securityhub", "sns", "sqs", "ssm", "vpc", "wafv2", "apigateway", "apigatewayv2")},
    **{"lambda": "awslambda", "macie2": "macie", "s3control": "s3", "transitgateway": "vpc", "vpn": "vpc"},
}
"""Our service files -> the services of Prowler that look at the same."""


@dataclass(slots=True)
class Cost:
    """What a program cost. `calls` are the operations that the account was asked."""

    wall: float
    cpu: float
    peak_mb: float
    calls: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Estate:
    """The account's process."""

    url: str
    process: subprocess.Popen[str]

    def counted(self) -> Counter[str]:
        """The calls since the last time."""
        told, heard = _pipes(self.process)
        told.write("\n")
        told.flush()
        for line in heard:
            if line.startswith("{"):  # moto prints now and then
                return Counter(json.loads(line))
        raise SystemExit(f"the simulated account ended with {self.process.wait()}: nothing was measured")

    @property
    def environment(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        told = {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
        return {**os.environ, **keys, **told, "PYTHONPATH": os.pathsep.join(sys.path)}


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


@contextmanager
def estate(populate: Path) -> Iterator[Estate]:
    """The simulated account, filled."""
    command = [sys.executable, str(ROOT / "benchmarks/estate/serve.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        made = Estate(_pipes(process)[1].readline().strip(), process)
        try:
            filled = subprocess.run(
                [sys.executable, str(populate), made.url], capture_output=True, text=True, check=True
            )
            for line in filled.stdout.splitlines():
                if line.startswith("cloudtrail") and "TrailName" in line:
                    _trail(made)  # it calls its trail t1, which AWS refuses, and so does the account: three letters
                elif "FAIL" in line:
                    print(f"not filled: {line}", file=sys.stderr)
            made.counted()
            yield made
        finally:
            process.terminate()


def _trail(account: Estate) -> None:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("cloudtrail", endpoint_url=account.url, region_name=REGION, **keys)
    client.create_trail(Name="trail-1", S3BucketName="bkt-sakimori-0", IsMultiRegionTrail=True)
    client.start_logging(Name="trail-1")


def run(command: Sequence[str], account: Estate, environment: Mapping[str, str], folder: Path) -> Cost:
    """One program, alone: wall, CPU and the most memory that it had resident (getrusage of its process)."""
    account.counted()
    began = time.perf_counter()
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode not in (0, 3):
        print((folder / "output").read_text(errors="replace")[-2000:], file=sys.stderr)
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, account.counted())


# ---- the floor


@dataclass(slots=True)
class Floor:
    """The least calls: signing in, asking for the regions, and what the declarations make unavoidable."""

    found: Inventory
    asked: Counter[str]
    shared: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)

    def calls(self, chosen: Mapping[str, Service]) -> int:
        return 2 + sum(self._listing(listing, 1) for service in chosen.values() for listing in service.lists)

    def _listing(self, listing: Listing, times: int) -> int:
        """A list's pages, at the page size that is asked for; below an item, one for each item."""
        items = max((len(list(self.found.of_type(resource.type))) for resource in listing.gives), default=0)
        pages = math.ceil(items / listing.page_size) if listing.page_size and times == 1 else times
        return max(pages, times) + sum(self._items(resource) for resource in listing.gives)

    def _items(self, resource: Resource) -> int:
        """What the items cost, once, though more than one list may give assets of this type."""
        if resource.type in self.counted:
            return 0
        self.counted.add(resource.type)
        assets = list(self.found.of_type(resource.type))
        details = sum(self._detail(detail, assets) for detail in resource.details)
        return details + sum(self._listing(below, len(assets)) for below in resource.lists if assets)

    def _detail(self, detail: Detail, assets: Sequence[Asset]) -> int:
        if detail.when and not detail.under:
            # What it found out now stands in the asset: only the account knows how often the list had not told it.
            made = sum(count for name, count in self.asked.items() if name.endswith(f":{detail.operation}"))
            return min(made, len(assets))
        wanted = [asset for asset in assets if detail.when is None or detail.when(dict(asset.config))]
        if detail.shared:
            known = detail.operation in self.shared
            self.shared.add(detail.operation)
            return 0 if known or not wanted else 1 + bool(detail.prepare)
        return math.ceil(len(wanted) / detail.batch) if detail.batch else len(wanted)


# ---- the run


def sakimori(account: Estate, names: Sequence[str], scratch: Path) -> tuple[Cost, Inventory]:
    folder = scratch / "sakimori"
    folder.mkdir()
    words = ["discover", "--regions", REGION, "--services", ",".join(names)]
    environment = account.environment | {"SAKIMORI_HOME": str(folder)}
    cost = run([sys.executable, "-m", "sakimori", *words], account, environment, folder)
    with open_ledger(folder / "ledger.sqlite") as ledger:
        return cost, ledger.inventory()


def prowler(account: Estate, names: Sequence[str], scratch: Path) -> Cost:
    subprocess.run([ROOT / "tools/peers.sh"], check=True)
    folder = scratch / "prowler"
    folder.mkdir()
    wanted = sorted({PROWLER[name] for name in names})
    words = ["aws", "--region", REGION, "--service", *wanted, "--no-banner", "--output-formats", "json-ocsf"]
    words += ["--output-directory", str(folder), "--ignore-exit-code-3"]
    environment = account.environment | {"PYTHONPATH": ""}
    return run([str(ROOT / ".venv-peers/bin/prowler"), *words], account, environment, folder)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--services", default="", help="only these service files; default: all that Prowler has, too"
    )
    arguments.add_argument("--no-peer", action="store_true", help="leave Prowler out")
    arguments.add_argument("--json", type=Path, help="also write the figures here")
    given = arguments.parse_args()
    populate = next((above / POPULATE for above in ROOT.parents if (above / POPULATE).is_file()), None)
    if populate is None:
        print(f"no {POPULATE} beside the repository: there is nothing to discover", file=sys.stderr)
        return 0
    names = given.services.split(",") if given.services else sorted(set(PROWLER) & set(services()))
    chosen = {name: services()[name] for name in names}
    with tempfile.TemporaryDirectory() as scratch, estate(populate) as account:
        cost, found = sakimori(account, names, Path(scratch))
        peer = None if given.no_peer else prowler(account, names, Path(scratch))
    least, asked = Floor(found, cost.calls).calls(chosen), cost.calls.total()
    print(f"{len(names)} services, {len(found):,} assets, {len(found.not_evaluated)} not evaluated\n")
    print(f"| {'':<10}| {'calls':>8} | {'wall s':>8} | {'CPU s':>8} | {'peak MB':>8} |")
    print(f"| {'---':<10}| {'---':>8} | {'---':>8} | {'---':>8} | {'---':>8} |")
    for name, each in (("sakimori", cost), ("prowler", peer)):
        if each:
            row = (f"{each.calls.total():>8,}", f"{each.wall:>8.1f}", f"{each.cpu:>8.1f}", f"{each.peak_mb:>8,.0f}")
            print(f"| {name:<10}| {' | '.join(row)} |")
    print(f"\nfloor {least:,} calls: ratio {asked / least:.3f}; memory below {MOST_MEMORY} MB: {cost.peak_mb:.0f} MB")
    if peer:
        print(
            f"prowler / sakimori: calls {peer.calls.total() / asked:.2f}, wall {peer.wall / cost.wall:.2f}, "
            f"CPU {peer.cpu / cost.cpu:.2f}, memory {peer.peak_mb / cost.peak_mb:.2f}"
        )
    if given.json:
        given.json.write_text(json.dumps({"floor": least, "sakimori": _told(cost), "prowler": peer and _told(peer)}))
    return int(cost.peak_mb >= MOST_MEMORY or asked > least * 1.02)


def _told(cost: Cost) -> dict[str, object]:
    calls = dict(cost.calls.most_common())
    return {"wall": cost.wall, "cpu": cost.cpu, "peak_mb": cost.peak_mb, "calls": calls}


if __name__ == "__main__":
    sys.exit(main())
