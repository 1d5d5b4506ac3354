"""The console as people use it: events through EventBridge and SQS into `sakimori up`, all the rest in a browser."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from program import command, environment, sakimori

import told_events as told
from sakimori.simulate.aws import SimulatedAws

sys.path.append(str(Path(__file__).resolve().parents[1] / "console"))

from chromium import PROGRAM, Tab, tab
from consoles import PASSWORD, Visitor
from test_respond import put, queue_behind_eventbridge
from test_up import free_port

PUBLIC = "Policy:S3/BucketAnonymousAccessGranted"
APPROVE = '[respond.modes]\ndefault = "approve"\n'


@contextmanager
def up(home: Path, *words: str) -> Iterator[str]:
    """`sakimori up` without the manager; gives the invitation that it prints."""
    process = subprocess.Popen(
        command("up", *words),
        env=environment(home),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if "sakimori is up" in line or line.startswith("listening"):
                break
        else:
            raise AssertionError(said)
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest, rest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "sakimori.toml").write_text(f"{APPROVE}[console.serve]\nport = {free_port()}\n")
    return tmp_path


def until(what: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.3)
    return found


def welcome(invitation: str) -> Visitor:
    """Whoever was invited, with a password now."""
    parts = urlsplit(invitation)
    visitor = Visitor(f"{parts.scheme}://{parts.netloc}")
    done = visitor.send(f"{parts.path}?{parts.query}", "/welcome", password=PASSWORD, again=PASSWORD)
    assert done.status_code == 303, done.text
    return visitor


def bucket_event(bucket: str, number: int = 1) -> dict[str, Any]:
    return told.guardduty(PUBLIC, number, resource=told.bucket_resource(bucket))


def is_closed(aws: SimulatedAws, bucket: str) -> bool:
    s3 = aws.client("s3")
    try:
        return all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    except s3.exceptions.ClientError:
        return False  # it has none


def test_from_an_event_to_an_approval_to_the_effect_and_back(aws: SimulatedAws, home: Path) -> None:
    aws.client("s3").create_bucket(Bucket="payroll")
    url = queue_behind_eventbridge(aws)
    with up(home, "--queue", url, "--only", "console", "--only", "respond") as invitation:
        person = welcome(invitation)
        put(aws, bucket_event("payroll"))
        [waiting] = until(lambda: person.json("/api/approvals")["runs"])
        run, page = waiting["run_id"], f"/runs/{waiting['run_id']}"
        assert not is_closed(aws, "payroll")
        shown = person.text(page)
        for part in (
            "waiting for approval",
            "block-public-access",
            "arn:aws:s3:::payroll",
            "BlockPublicAcls",
            "As it would be",
        ):
            assert part in shown
        fields = person.form(page, "/approvals/decide")
        assert fields["verdict"] == "approve"
        assert person.post("/approvals/decide", data=fields).headers["location"] == f"{page}?said=approved"
        until(lambda: person.json(f"/api{page}")["state"] == "done")
        assert is_closed(aws, "payroll")
        assert "proved" in person.text(page)
        again = person.post("/approvals/decide", data=fields)
        assert (again.status_code, "was approved by" in again.text) == (409, True)
        undone = person.send(page, f"{page}/undo")
        assert undone.headers["location"] == f"{page}?said=undone", undone.text
        assert not is_closed(aws, "payroll")
        story = [(each["by"], each["what"]) for each in person.json(f"/api{page}")["story"]]
    people = [(by.partition(", ")[2], what) for by, what in story if by != "sakimori"]
    assert people == [("in the console", each) for each in ("approved", "action undone", "undone")]
    told_by_cli = json.loads(sakimori(home, "respond", "show", run, "--json").stdout)
    assert told_by_cli["state"] == "undone"
    assert json.loads(sakimori(home, "respond", "audit", "verify", "--json").stdout)["whole"] is True


def test_an_undo_is_refused_with_the_reason_where_somebody_has_changed_it(aws: SimulatedAws, home: Path) -> None:
    aws.client("s3").create_bucket(Bucket="payroll")
    event = json.dumps(bucket_event("payroll")).encode()
    done = sakimori(home, "respond", "run", "guardduty", "-", "--mode", "auto", "--json", stdin=event)
    page = f"/runs/{json.loads(done.stdout)['run_id']}"
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy"), True)
    aws.client("s3").put_public_access_block(Bucket="payroll", PublicAccessBlockConfiguration=block)
    with up(home, "--only", "console") as invitation:
        person = welcome(invitation)
        refused = person.send(page, f"{page}/undo")
        assert refused.status_code == 409
        assert "somebody has changed it since" in refused.text
        assert "RestrictPublicBuckets" in refused.text
        assert person.json(f"/api{page}")["state"] == "done"


def test_a_poison_message_is_listed_shown_and_replayed(aws: SimulatedAws, home: Path) -> None:
    url = queue_behind_eventbridge(aws)
    with up(home, "--queue", url, "--only", "console", "--only", "respond") as invitation:
        person = welcome(invitation)
        poison = {
            "Source": "aws.guardduty",
            "DetailType": "GuardDuty Finding",
            "Detail": '{"type": "<script>alert(1)"}',
        }
        assert aws.client("events").put_events(Entries=[poison])["FailedEntryCount"] == 0
        [letter] = until(lambda: person.json("/api/dead-letters")["letters"])
        page = f"/dead-letters/{letter['id']}"
        assert letter["reason"] in person.text("/dead-letters")
        shown = person.get(page).text
        assert "&lt;script&gt;alert(1)" in shown
        assert "<script" not in shown
        by_cli = json.loads(sakimori(home, "respond", "dlq", "list", "--json").stdout)
        assert [(each["id"], each["reason"]) for each in by_cli] == [(letter["id"], letter["reason"])]
        body = json.loads(sakimori(home, "respond", "dlq", "show", letter["id"], "--json").stdout)["body"]
        assert person.get(f"{page}/body").text == body == person.json(f"/api{page}")["body"]
        refused = person.send(page, f"{page}/replay")
        assert refused.status_code == 409
        assert letter["reason"] in Visitor.words(refused.text)


def test_what_failed_is_replayed_and_goes_on(aws: SimulatedAws, home: Path) -> None:
    (home / "sakimori.toml").write_text((home / "sakimori.toml").read_text().replace("approve", "auto"))
    url = queue_behind_eventbridge(aws)
    with up(home, "--queue", url, "--only", "console", "--only", "respond") as invitation:
        person = welcome(invitation)
        put(aws, bucket_event("late"))
        [letter] = until(lambda: person.json("/api/dead-letters")["letters"])
        assert letter["place"].startswith("run ")
        page = f"/dead-letters/{letter['id']}"
        run = person.json(f"/api{page}")["run"]
        aws.client("s3").create_bucket(Bucket="late")
        assert person.send(page, f"{page}/replay").headers["location"] == f"/runs/{run}?said=replayed"
        until(lambda: person.json(f"/api/runs/{run}")["state"] == "done")
        assert is_closed(aws, "late")
        assert person.json("/api/dead-letters")["letters"] == []
        assert [each["id"] for each in person.json("/api/dead-letters?replayed=yes")["letters"]] == [letter["id"]]


@pytest.mark.skipif(not PROGRAM, reason="Chromium is not installed: no real browser")
def test_in_a_real_browser_with_the_keyboard_alone(aws: SimulatedAws, home: Path, tmp_path: Path) -> None:
    aws.client("s3").create_bucket(Bucket="payroll")
    event = json.dumps(bucket_event("payroll")).encode()
    assert sakimori(home, "respond", "run", "guardduty", "-", stdin=event).returncode == 0
    with up(home, "--only", "console") as invitation, tab(tmp_path / "profile") as browser:
        address = invitation.partition("/welcome")[0]
        browser.go(invitation)
        for _ in range(2):
            browser.tell("Input.insertText", text=PASSWORD)
            browser.press("Tab", 9)
        browser.enter()
        assert browser.ask("location.pathname") == "/runs"
        browser.go(f"{address}/approvals")
        browser.click("td a")
        assert browser.ask("document.querySelector('.s-waiting-for-approval') !== null")
        assert browser.ask("document.querySelector('button.go').textContent") == "Approve"
        while browser.ask("document.activeElement.textContent") != "Approve":
            browser.press("Tab", 9)
        browser.enter()
        until(lambda: _settled(browser))
        assert is_closed(aws, "payroll")
        browser.size(390, 844)
        for path in ("/runs", "/approvals", "/dead-letters", "/findings", browser.ask("location.pathname")):
            browser.go(address + path)
            assert browser.ask("document.documentElement.scrollWidth") <= 390, path
        browser.click(".me button")
        assert browser.ask("location.pathname") == "/sign-in"
        assert browser.troubles == []


def _settled(browser: Tab) -> bool:
    """Whether the page, which looks again by itself, says that it is done."""
    return bool(browser.ask("document.querySelector('.s-done') !== null"))
