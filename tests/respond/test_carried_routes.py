"""The routes that go with the function: what may go, what its role may do for them, and that it sends through them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from lambda_service import by_hand, service

import told_events as told
from sakimori.notify.errors import NotifyError
from sakimori.respond.carried_routes import carried, opened
from sakimori.respond.deploy import cloudformation, permissions
from sakimori.respond.deploy.design import design
from sakimori.respond.errors import RespondError
from sakimori.respond.table_outbox import TableOutbox
from sakimori.simulate.aws import SimulatedAws

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chat-AbCdEf"
TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
TEAM = {"channel": "slack", "url_env": "SLACK_URL", "min_severity": "medium"}


@pytest.mark.parametrize(
    ("route", "why"),
    [
        ({"channel": "slack", "url": "https://hooks.example/x"}, "url is secret: give url_env, and its value in"),
        ({"channel": "webhook", "url": "https://x.example", "secret": "s"}, "secret is secret: give secret_env"),
        ({"channel": "jira", "url": "https://x.example", "project": "P", "token": "t"}, "token is secret"),
        ({"channel": "webhook", "url": "https://x.example", "ca": "/own.pem"}, "ca is a file of this machine"),
        ({"channel": "sns", "topic_env": "TOPIC"}, "topic_env is part of what the function's role may do: give topic"),
        ({"channel": "slack"}, "the channel slack needs url"),
        ({"channel": "pigeon"}, "no channel has the name 'pigeon'"),
        ("slack", "is no table"),
    ],
)
def test_what_cannot_go_is_refused(route: Any, why: str) -> None:
    with pytest.raises(NotifyError, match=why):
        carried({"team": route})


def test_what_takes_only_findings_stays_behind_and_nothing_is_escalated_to_it() -> None:
    late = {"acknowledge_minutes": 30, "escalate_to": "oncall", "quiet": ["22:00-07:00"], "time_zone": "Asia/Tokyo"}
    routes = {"team": {**TEAM, **late}, "oncall": {"channel": "sns", "topic": TOPIC}}
    hub = {"channel": "security-hub"}
    assert carried({**routes, "hub": hub}) == routes
    with pytest.raises(NotifyError, match=r"team\]: escalate_to is 'hub', which takes findings, and no runs"):
        carried({"team": {**TEAM, **late, "escalate_to": "hub"}, "hub": hub})


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("{}", "the secret has no SLACK_URL"),
        ('{"SLACK_URL": 7}', "the secret has no SLACK_URL"),
        ("hunter2", "the secret is no JSON"),
        ("[]", "the secret is no JSON object"),
    ],
)
def test_a_route_whose_value_is_not_in_the_secret_cannot_be_used_for_now(secret: str, why: str) -> None:
    other = {"channel": "sns", "topic": TOPIC}
    routes, lacking = opened({"team": TEAM, "topic": other}, secret)
    assert ([each.name for each in routes], lacking) == (["team", "topic"], {"team": why})


def test_the_secret_fills_in_the_routes() -> None:
    (route,), lacking = opened({"team": TEAM}, json.dumps({"SLACK_URL": "https://hooks.example/x", "OTHER": "y"}))
    assert (route.settings, lacking) == ({"url": "https://hooks.example/x"}, {})


def test_the_role_may_do_what_the_channels_need_on_what_the_routes_name() -> None:
    routes = {
        "team": TEAM,
        "oncall": {"channel": "sns", "topic": TOPIC},
        "bus": {"channel": "eventbridge", "bus": "security", "region": "eu-west-1"},
        "own": {"channel": "eventbridge", "bus": "default"},
    }
    assert [(each.actions, each.resources) for each in permissions.of_routes(carried(routes))] == [
        (("sns:Publish",), (TOPIC,)),
        (("events:PutEvents",), ("arn:{partition}:events:eu-west-1:{account}:event-bus/security",)),
        (("events:PutEvents",), ("arn:{partition}:events:{region}:{account}:event-bus/default",)),
    ]
    template = cloudformation.template(design(notify_secret=SECRET, routes=routes))["Resources"]
    statements = template["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (secrets,) = [each for each in statements if each["Action"] == ["secretsmanager:GetSecretValue"]]
    assert secrets["Resource"] == [{"Ref": "Secret"}, SECRET]
    assert sum(each["Action"] == ["events:PutEvents"] for each in statements) == 2
    assert template["Respond"]["Properties"]["Environment"]["Variables"]["SAKIMORI_NOTIFY_SECRET"] == SECRET


def test_a_secret_that_is_none_is_refused() -> None:
    with pytest.raises(RespondError, match="not the ARN of a secret of Secrets Manager: 'hunter2'"):
        design(notify_secret="hunter2")


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A webhook, and what it got."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_function_tells_a_run_once_by_the_topic_and_by_each_route_that_it_fits(
    aws: SimulatedAws, tmp_path: Path, hook: tuple[str, list[Any]]
) -> None:
    address, got = hook
    own = {"channel": "webhook", "url_env": "HOOK", "private": True, "language": "ja", "person": "Kaede"}
    routes = {
        "team": {**own, "min_severity": "low", "workflows": ["guardduty"]},
        "other": {**own, "min_severity": "low", "workflows": ["waf"]},
        "lost": {**own, "url_env": "NOT_THERE", "min_severity": "low"},
    }
    found = service(aws, tmp_path, routes=carried(routes))
    value = json.dumps({"HOOK": address})
    arn = aws.client("secretsmanager").create_secret(Name="chat", SecretString=value)["ARN"]
    found.environment["SAKIMORI_NOTIFY_SECRET"] = arn
    event = by_hand(json.dumps(told.guardduty("Policy:S3/X", resource=told.bucket_resource("data"))))
    aws.client("s3").create_bucket(Bucket="data")
    with found.running() as running:
        for _ in range(2):
            assert running.invoke(event)["answer"] == {"batchItemFailures": []}
    (message,) = got
    assert message["facts"]["workflow"] == "guardduty"
    assert any("\u3040" <= letter <= "\u30ff" for letter in message["title"] + str(message["lines"]))
    assert "Kaede" in str(message["lines"])
    assert {line["error"] for line in found.log() if "error" in line} == {"the secret has no NOT_THERE"}
    assert found.metrics("Untold") == 1
    told_of = {(each.route, str(each.state)) for each in TableOutbox(found.book.table).log()}
    assert told_of == {("the topic", "sent"), ("team", "sent"), ("lost", "failed")}, "it is kept until it can be sent"


def test_a_secret_that_cannot_be_read_does_not_keep_the_function_from_responding(
    aws: SimulatedAws, tmp_path: Path
) -> None:
    found = service(aws, tmp_path, routes=carried({"team": {**TEAM, "min_severity": "low"}}))
    found.environment["SAKIMORI_NOTIFY_SECRET"] = SECRET.replace("eu-west-1", "us-east-1")
    aws.client("s3").create_bucket(Bucket="data")
    event = told.guardduty("Policy:S3/X", resource=told.bucket_resource("data"))
    with found.running() as running:
        assert running.invoke(by_hand(json.dumps(event)))["answer"] == {"batchItemFailures": []}
    assert [str(run.state) for run in found.book.runs()] == ["observed"]
    assert found.metrics("Untold") == 1
