"""A link in a message, opened at the listener as a browser does: looked at, approved, carried out, and then refused."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from program import command, sakimori

import told_events as told
from sakimori.simulate.aws import SimulatedAws

sys.path.append(str(Path(__file__).resolve().parents[1] / "notify"))

from servers import Got, http


@pytest.fixture
def got() -> Iterator[Got]:
    with http() as server:
        yield server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def address(aws: SimulatedAws, tmp_path: Path, got: Got) -> Iterator[str]:
    """A listener that shows pages, and nothing else."""
    place = f"127.0.0.1:{free_port()}"
    route = f'channel = "webhook"\nurl = "{got.address}"\nprivate = true\nmin_severity = "low"\nperson = "Kaede"\n'
    options = f'[notify.options]\naddress = "http://{place}"\n'
    (tmp_path / "sakimori.toml").write_text(f"{options}[notify.routes.team]\n{route}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAKIMORI_")}
    environment = kept | {"SAKIMORI_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    given = command("respond", "listen", "--webhook", place)
    listener = subprocess.Popen(given, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert listener.stderr is not None
    assert "listening" in listener.stderr.readline()
    yield f"http://{place}"
    listener.terminate()
    assert listener.wait(30) == 0
    listener.stderr.close()


def test_a_person_approves_by_link(aws: SimulatedAws, tmp_path: Path, got: Got, address: str) -> None:
    aws.client("s3").create_bucket(Bucket="data")
    event = json.dumps(told.guardduty("Policy:S3/BucketAnonymousAccessGranted", resource=told.bucket_resource("data")))
    done = sakimori(tmp_path, "respond", "run", "guardduty", "-", "--mode", "approve", "--json", stdin=event.encode())
    run = json.loads(done.stdout)["run_id"]
    [link] = re.findall(rf"{address}/approve\S+", "\n".join(line["text"] for line in got.bodies[0]["lines"]))
    page = httpx.get(link, trust_env=False)
    assert page.status_code == 200
    assert "arn:aws:s3:::data" in unescape(page.text)
    waiting = json.loads(sakimori(tmp_path, "respond", "show", run, "--json").stdout)
    assert waiting["state"] == "waiting for approval"
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text.partition("</form>")[0]))
    forged = httpx.post(f"{address}/approve", data=form | {"verdict": "reject"}, trust_env=False)
    assert forged.status_code == 403
    approved = httpx.post(f"{address}/approve", data=form, headers={"Origin": address}, trust_env=False)
    assert approved.status_code == 200, approved.text
    for _ in range(100):
        shown = json.loads(sakimori(tmp_path, "respond", "show", run, "--json").stdout)
        if shown["state"] != "carrying out":
            break
        threading.Event().wait(0.2)
    assert shown["state"] == "done"
    assert ("Kaede, by the link sent to team", "approved") in [(each["by"], each["what"]) for each in shown["story"]]
    assert httpx.post(f"{address}/approve", data=form, trust_env=False).status_code == 409
    assert httpx.get(f"{address}/events", trust_env=False).status_code == 404
    rotated = sakimori(tmp_path, "respond", "rotate", "--forget")
    assert (rotated.returncode, b"no other counts" in rotated.stderr) == (0, True)
    assert oct((tmp_path / "links.key").stat().st_mode)[-3:] == "600"
