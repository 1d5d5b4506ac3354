"""Services that other packages add through entry points: discovered, allowed, and named where they cannot be used."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sakimori.cli import app
from sakimori.discover import services as services_package
from sakimori.simulate.aws import ACCOUNT, SimulatedAws
from sakimori.store.ledger import open_ledger

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    services_package._others.cache_clear()
    yield
    services_package._others.cache_clear()
    sys.modules.pop("acme_discover", None)


def install(place: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str = "scheduler") -> None:
    """A package as pip would leave it in site-packages."""
    (place / "acme_discover.py").write_text(text)
    told = place / "acme_discover-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-discover\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(f"[sakimori.services]\n{name} = acme_discover\n")
    monkeypatch.syspath_prepend(str(place))


def example() -> str:
    """The one in the docs."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs/writing-services.md").read_text(), re.DOTALL)[0]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_the_example_of_the_docs(aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, example())
    role, queue = f"arn:aws:iam::{ACCOUNT}:role/caller", f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
    schedule = aws.client("scheduler").create_schedule(
        Name="nightly",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue, "RoleArn": role, "Input": '{"what": "count"}'},
    )["ScheduleArn"]
    done = run("discover", "--regions", "us-east-1", "--services", "scheduler", "--snapshot-out", f"{tmp_path}/snap")
    assert done.exit_code == 0, done.output
    with open_ledger(tmp_path / "home" / "ledger.sqlite") as ledger:
        (found,) = ledger.inventory()
        ties = sorted((tie.kind, tie.target) for tie in ledger.inventory().relations)
    assert (found.uid, found.type, found.name) == (schedule, "AWS::Scheduler::Schedule", "nightly")
    assert found.config["Target"]["Input"] == {"what": "count"}
    assert ties == [("runs-as", role), ("targets", queue)]
    assert (tmp_path / "snap" / ACCOUNT / "us-east-1" / "scheduler" / "ListSchedules.json").is_file()
    policies = json.loads(run("doctor", "--iam").stdout)
    allowed = {action for policy in policies for each in policy["Statement"] for action in each["Action"]}
    assert {"scheduler:ListSchedules", "scheduler:GetSchedule"} <= allowed


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("import nothing_of_this_name", "broken", "cannot be imported: ModuleNotFoundError"),
        ("SERVICE = 'none'", "broken", "has no SERVICE that is a declaration"),
        (example(), "s3", "has the name of one of Sakimori's own"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_rest_goes_on(
    text: str, name: str, told: str, aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, text, name)
    monkeypatch.setattr(services_package, "own_services", lambda: {"s3": OWN["s3"], "sqs": OWN["sqs"]})
    aws.client("sqs").create_queue(QueueName="jobs")
    done = run("discover", "--regions", "us-east-1", "--format", "json")
    assert done.exit_code == 3
    (account,) = json.loads(done.stdout)["accounts"]
    (missing,) = account["not_evaluated"]
    assert (account["assets"], missing["code"]) == (1, "PluginFailed")
    assert "acme-discover (acme_discover)" in missing["message"]
    assert told in missing["message"]
    assert told in run("doctor", "--iam").stderr
    assert run("discover", "--regions", "us-east-1", "--services", "sqs").exit_code == 0
    if name == "broken":
        asked = run("discover", "--services", "broken")
        assert (asked.exit_code, told.split(":")[0] in " ".join(asked.stderr.split())) == (2, True)


OWN = services_package.own_services()
