"""`sakimori deploy`: what it shows, asks, writes and leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import estates as es
from sakimori.cli import app
from sakimori.respond import carried_inventory, carried_tags
from sakimori.respond.carried_inventory import opened
from sakimori.respond.deploy import bundle as bundles
from sakimori.respond.deploy.bundle import Bundle
from sakimori.simulate.aws import Answer, SimulatedAws
from sakimori.store.discovered import Scope, Seen
from sakimori.store.ledger import open_ledger


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """The bundle is not built for every command; what it would be built of is kept."""
    built: list[dict[str, Any]] = []

    def build(settings: dict[str, Any], home: Path | None, **more: Any) -> Bundle:
        built.append(settings | more)
        return Bundle(b"PK\x05\x06" + b"\0" * 18, "7" * 64, 0, {})

    monkeypatch.setattr(bundles, "build", build)
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return built


def deploy(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["deploy", *words])
    assert done.exit_code == code, done.output
    return done


def test_plan_shows_every_part_and_what_the_role_may_do(aws: SimulatedAws, quick: Any) -> None:
    shown = deploy("plan", "--workflow", "imds").stdout
    assert "first   make the bucket sakimori-sakimori-123456789012-us-east-1" in shown
    assert "add     Responses          AWS::DynamoDB::Table" in shown
    assert "may ec2:ModifyInstanceMetadataOptions on arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*" in shown


def test_nothing_is_done_where_nobody_can_say_yes(aws: SimulatedAws, quick: Any) -> None:
    done = deploy("apply", code=2)
    assert "nobody can be asked here: give --yes" in done.stderr
    assert aws.client("s3").list_buckets()["Buckets"] == []


def test_apply_and_remove(aws: SimulatedAws, quick: Any) -> None:
    made = json.loads(deploy("apply", "--yes", "--json").stdout)
    assert made["parts"]["function"] == "sakimori-respond"
    assert deploy("plan").stdout == "nothing to change\n"
    assert deploy("apply").stdout.startswith("nothing to change\n"), "nothing to ask about"
    gone = json.loads(deploy("remove", "--yes", "--json").stdout)
    assert gone["removed"] == ["the stack sakimori", "the bucket sakimori-sakimori-123456789012-us-east-1"]
    assert deploy("remove", "--yes").stdout == "nothing is deployed by the name sakimori\n"


def test_the_audit_log_is_kept_before_the_table_goes(
    aws: SimulatedAws, quick: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("apply", "--yes")
    from sakimori.cli.deployed import book_of, found_stack

    book, _ = book_of(found_stack("sakimori").parts())
    book.note("kaede", "looked", "run-1", {"at": "it"})
    shown = deploy("remove", "--yes", "--audit-log", str(tmp_path / "log.jsonl")).stdout
    assert f"the audit log is in {tmp_path / 'log.jsonl'}" in shown
    first, entry = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert first == {"deployment": "sakimori", "entries": 1, "broken": ""}
    assert (entry["by"], entry["what"], entry["body"]) == ("kaede", "looked", {"at": "it"})


def test_a_log_that_cannot_be_read_stops_the_removal(aws: SimulatedAws, quick: Any) -> None:
    deploy("apply", "--yes")
    aws.handlers["dynamodb:GetItem"] = lambda call: Answer(b'{"__type": "AccessDeniedException"}', 400)
    assert "failed: dynamodb:GetItem on sakimori-responses: AccessDenied" in deploy("remove", "--yes", code=4).stderr
    assert aws.client("sqs").list_queues()["QueueUrls"]


def test_of_a_table_that_somebody_deleted_there_is_nothing_to_keep(aws: SimulatedAws, quick: Any) -> None:
    from sakimori.cli.deployed import audit_log_kept, found_stack

    deploy("apply", "--yes")
    aws.client("dynamodb").delete_table(TableName="sakimori-responses")
    assert audit_log_kept(found_stack("sakimori"), "sakimori", None, None, None) is None


def test_options_stand_in_the_configuration_and_the_command_line_wins(
    aws: SimulatedAws, quick: list[dict[str, Any]], tmp_path: Path
) -> None:
    config = tmp_path / "sakimori.toml"
    config.write_text(
        '[deploy.options]\nretention_days = 30\nworkflow = ["imds"]\n[respond.modes]\ndefault = "approve"\n'
    )
    made = json.loads(deploy("lambda", "--out", "made", "--json").stdout)
    assert made["workflows"] == ["imds"]
    assert quick[-1]["modes"] == {"default": "approve"}
    template = json.loads((tmp_path / "made" / "template.json").read_text())
    assert template["Resources"]["Log"]["Properties"]["RetentionInDays"] == 30
    deploy("lambda", "--out", "made", "--retention-days", "90", "--workflow", "waf")
    template = json.loads((tmp_path / "made" / "template.json").read_text())
    assert template["Resources"]["Log"]["Properties"]["RetentionInDays"] == 90
    assert "WafSchedule" in template["Resources"]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('[deploy.options]\nmail = "a@b"\n', "has no mail: it may have workflow"),
        ('[deploy.options]\nretention_days = "30"\n', "retention_days in [deploy.options]"),
        ('[deploy.options]\nworkflow = "imds"\n', "workflow in [deploy.options]"),
        ('[respond.modes]\ndefault = "always"\n', "default in [respond.modes] is 'always'"),
    ],
)
def test_settings_that_cannot_be_meant_are_said(quick: Any, tmp_path: Path, written: str, why: str) -> None:
    (tmp_path / "sakimori.toml").write_text(written)
    assert why in deploy("lambda", code=4).stderr
    assert not (tmp_path / "sakimori-lambda").exists()


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chat-AbCdEf"


def test_routes_go_with_the_function_when_their_secret_is_named(quick: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "sakimori.toml").write_text('[notify.routes.team]\nchannel = "slack"\nurl_env = "SLACK_URL"\n')
    deploy("lambda", "--workflow", "imds")
    assert quick[-1]["routes"] == {}
    done = deploy("lambda", "--workflow", "imds", "--notify-secret", SECRET)
    assert quick[-1]["routes"] == {"team": {"channel": "slack", "url_env": "SLACK_URL"}}
    assert "the function also tells by the routes team" in done.stderr
    (tmp_path / "sakimori.toml").write_text('[notify.routes.team]\nchannel = "slack"\nurl = "https://hooks.x/y"\n')
    assert "url is secret: give url_env" in deploy("lambda", "--notify-secret", SECRET, code=4).stderr


def test_what_was_discovered_goes_with_the_function_where_it_is_asked(
    quick: list[dict[str, Any]], tmp_path: Path
) -> None:
    deploy("lambda")
    assert quick[-1]["beside"].keys() == {"zoneinfo/UTC"}
    (tmp_path / "home").mkdir(exist_ok=True)
    with open_ledger(tmp_path / "home" / "ledger.sqlite") as ledger:
        where = Scope("111122223333", "global", "iam")
        ledger.record(ledger.begin_discovery("test"), [Seen(where, [es.role("web")])])
        (known,) = ledger.discoveries()
    done = deploy("lambda")
    assert [asset.name for asset in opened(quick[-1]["beside"][carried_inventory.FILE])] == ["web"]
    assert f"the inventory of {known.started_at} goes with the function" in done.stderr
    deploy("lambda", "--workflow", "imds")
    assert quick[-1]["beside"].keys() == {"zoneinfo/UTC"}


def test_what_routes_ask_of_assets_and_the_zones_of_their_quiet_hours_go_with_the_function(
    quick: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    with open_ledger(tmp_path / "home" / "ledger.sqlite") as ledger:
        tags = {"team": "payments", "environment": "prod", "secret": "value"}
        seen = [Seen(Scope("111122223333", "global", "iam"), [replace(es.role("web"), tags=tags), es.role("plain")])]
        ledger.record(ledger.begin_discovery("test"), seen)
    (tmp_path / "sakimori.toml").write_text(
        '[notify.routes.team]\nchannel = "slack"\nurl_env = "URL"\ntags = ["environment=prod"]\n'
        'quiet = ["22:00-07:00"]\ntime_zone = "Asia/Tokyo"\n'
        '[notify.people]\npayments = "Kaede"\n[notify.options]\nowner_tags = ["team"]\n'
    )
    done = deploy("lambda", "--workflow", "imds", "--notify-secret", SECRET)
    beside = quick[-1]["beside"]
    assert beside.keys() == {"zoneinfo/UTC", "zoneinfo/Asia/Tokyo", carried_tags.FILE}
    assert json.loads(zlib.decompress(beside[carried_tags.FILE])) == {
        es.role("web").uid: {"environment": "prod", "team": "payments"}
    }
    assert (quick[-1]["people"], quick[-1]["owner_tags"]) == ({"payments": "Kaede"}, ["team"])
    assert "as far as it tells the tags environment, environment=prod, team" in done.stderr


def test_what_is_mistaken_is_said(aws: SimulatedAws, quick: Any) -> None:
    assert "no workflow has the name 'gard'" in deploy("plan", "--workflow", "gard", code=4).stderr
    assert "is not WORKFLOW=WHEN" in deploy("plan", "--schedule", "daily", code=4).stderr


@pytest.mark.skipif(shutil.which("terraform") is None, reason="no terraform on this machine")
def test_terraform_reads_the_configuration(quick: Any, tmp_path: Path) -> None:
    deploy("lambda", "--out", "made")
    done = subprocess.run(
        ["terraform", "get", "-no-color"],
        cwd=tmp_path / "made",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "TF_CLI_CONFIG_FILE": "/dev/null", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "made" / "main.tf.json").write_text('{"resource": {"aws_sqs_queue": "none"}, "ephemeral": 1}')
    assert subprocess.run(["terraform", "get"], cwd=tmp_path / "made", capture_output=True, timeout=60).returncode == 1
