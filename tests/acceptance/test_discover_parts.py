"""`sakimori discover` of a part: chosen accounts and regions of what is in files, and one account by its number."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from acceptance.program import sakimori
from sakimori.simulate.aws import ACCOUNT, SimulatedAws


def told(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_our_own_account_by_its_number_needs_no_role(aws: SimulatedAws, tmp_path: Path) -> None:
    here = ("--regions", "us-east-1", "--services", "sqs", "--format", "json")
    done = sakimori(tmp_path, "discover", "--accounts", ACCOUNT, *here)
    assert (done.returncode, told(done)["complete"]) == (0, True)
    done = sakimori(tmp_path, "discover", "--accounts", "9" * 12, *here)
    assert done.returncode == 3
    [account] = told(done)["accounts"]
    [missing] = account["not_evaluated"]
    assert (account["account"], missing["action"], missing["code"]) == ("9" * 12, "sts:AssumeRole", "NoRole")
    assert "--role" in missing["message"]


def test_accounts_and_regions_of_a_snapshot(aws: SimulatedAws, tmp_path: Path) -> None:
    for region in ("us-east-1", "eu-west-1"):
        aws.client("sqs", region).create_queue(QueueName=f"queue-{region}")
    folder = tmp_path / "snapshot"
    words = ("--regions", "us-east-1,eu-west-1", "--services", "sqs", "--snapshot-out", str(folder))
    assert sakimori(tmp_path, "discover", *words).returncode == 0
    parts = {("--regions", "eu-west-1"): 1, ("--accounts", ACCOUNT): 2, ("--accounts", "all"): 2}
    for number, (chosen, count) in enumerate(parts.items()):
        home = tmp_path / str(number)
        home.mkdir()
        outcome = told(sakimori(home, "discover", "--snapshot", str(folder), *chosen, "--format", "json"))
        assert (outcome["new"], outcome["complete"]) == (count, True), chosen
    for chosen in (("--regions", "ap-northeast-1"), ("--accounts", "9" * 12)):
        done = sakimori(tmp_path, "discover", "--snapshot", str(folder), *chosen, "--format", "json")
        assert done.returncode == 3
        assert "it holds nothing of these accounts, regions and services" in done.stdout.decode()
