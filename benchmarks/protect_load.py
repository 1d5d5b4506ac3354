"""The protection manager under load, beside a bare FastAPI + SQLite point query in the same run.

20 clients search 10,000 computers (5,000 rules beside them) by instance ID; then 10,000 agents send heart-beats for a
while, one each minute, and the manager's CPU time is read. `--seconds` says how long each part lasts.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

COMPUTERS, RULES, CLIENTS, AGENTS = 10_000, 5_000, 20, 10_000
CLIENT_PROCESSES = 1
"""So that clients and manager each have a core of the two."""

MANAGER = """
import sys
from pathlib import Path
from sakimori.protect.limits import Limits
from sakimori.protect.manager import Manager, Options
from sakimori.protect.serving import listening, serve
from sakimori.store.database import connect

manager = Manager(connect(Path(sys.argv[1])), Options(limits=Limits(0, 0, 0, 0)))
manager.prepare()
serve(manager, listening("127.0.0.1", int(sys.argv[2])), None)
"""

BARE = """
import sqlite3, sys
import uvicorn
from fastapi import FastAPI

app = FastAPI()
database = sqlite3.connect(sys.argv[1], check_same_thread=False)

@app.get("/computers/{instance}")
async def computer(instance: str):
    row = database.execute("SELECT id, body FROM computers WHERE instance = ?", (instance,)).fetchone()
    return {"id": row[0], "body": row[1]}

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        key, agents = fill(home / "ledger.sqlite")
        bare = serve(BARE, bare_database(home / "bare.sqlite"), free_port())
        try:
            before = bare.cpu_seconds()
            baseline = measured(bare.port, lambda instance: ("GET", f"/computers/{instance}", None, {}), seconds)
            bare_cost = (bare.cpu_seconds() - before) / (baseline[2] * seconds)
        finally:
            bare.stop()
        manager = serve(MANAGER, home / "ledger.sqlite", free_port())
        try:
            before = manager.cpu_seconds()
            ours = measured(manager.port, lambda instance: search(instance, key), seconds)
            cost = (manager.cpu_seconds() - before) / (ours[2] * seconds)
            share = heartbeats(manager, agents, seconds)
        finally:
            manager.stop()
    print(f"bare FastAPI + SQLite point query: p50 {baseline[0]:.1f} ms, p99 {baseline[1]:.1f} ms, {baseline[2]:.0f}/s")
    print(f"manager, search by instance ID:    p50 {ours[0]:.1f} ms, p99 {ours[1]:.1f} ms, {ours[2]:.0f}/s")
    print(f"ratio of p99: {ours[1] / baseline[1]:.2f}; of throughput: {ours[2] / baseline[2]:.2f}")
    print(f"CPU time a call: {cost * 1_000:.2f} ms, bare {bare_cost * 1_000:.2f} ms, ratio {cost / bare_cost:.2f}")
    print(f"{AGENTS:,} agents, a heart-beat every 60 s: {share:.1%} of one core")


def fill(place: Path) -> tuple[str, list[str]]:
    """A ledger with computers, rules and agents; returns a key and the agents' authorizations."""
    from sqlalchemy import insert

    from sakimori.protect import secrets, storage, tables
    from sakimori.protect.manager import Manager, Options
    from sakimori.protect.resources import all_resources
    from sakimori.store.database import connect, writing

    engine = connect(place)
    manager = Manager(engine, Options())
    key = manager.prepare()
    assert key is not None
    resources = all_resources()
    random.seed(1)
    with writing(engine) as connection:
        ids = storage.make_many(
            connection, 0, resources["computers"], (computer(number) for number in range(COMPUTERS))
        )
        storage.make_many(
            connection, 0, resources["intrusionpreventionrules"], (rule(number) for number in range(RULES))
        )
        given, rows = [], []
        for number, id in enumerate(ids[:AGENTS]):
            given.append(f"Agent agent-{number}:secret-{number}")
            rows.append(
                {
                    "tenant": 0,
                    "computer": id,
                    "guid": f"agent-{number}",
                    "secret": secrets.fingerprint(f"secret-{number}"),
                    "last_seen": 0,
                    "address": "",
                    "status": "{}",
                    "isolated": 0,
                    "policy_requested": 0,
                    "policy_sent": 0,
                }
            )
        connection.execute(insert(tables.agents), rows)
    engine.dispose()
    return key, given


def computer(number: int) -> dict[str, object]:
    return {
        "hostName": f"host-{number}.example",
        "displayName": f"host {number}",
        "description": "",
        "platform": "Linux",
        "groupID": 1,
        "policyID": 1,
        "ec2VirtualMachineSummary": {
            "instanceID": f"i-{number:017x}",
            "accountID": "111122223333",
            "privateIPAddress": f"10.0.{number // 256}.{number % 256}",
            "metadata": [{"name": "Name", "value": f"host {number}"}],
        },
    }


def rule(number: int) -> dict[str, object]:
    return {"name": f"rule {number}", "description": "x" * 200, "CVE": [f"CVE-2020-{number}"], "severity": "high"}


def bare_database(place: Path) -> Path:
    import sqlite3

    database = sqlite3.connect(place)
    database.execute("CREATE TABLE computers (id INTEGER PRIMARY KEY, instance TEXT, body TEXT)")
    rows = ((number, f"i-{number:017x}", json.dumps(computer(number))) for number in range(COMPUTERS))
    database.executemany("INSERT INTO computers VALUES (?, ?, ?)", rows)
    database.execute("CREATE INDEX by_instance ON computers (instance)")
    database.commit()
    database.close()
    return place


class Server:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def cpu_seconds(self) -> float:
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def serve(code: str, database: Path, port: int) -> Server:
    process = subprocess.Popen([sys.executable, "-c", code, str(database), str(port)])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return Server(process, port)
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def search(instance: str, key: str) -> tuple[str, str, str | None, dict[str, str]]:
    criterion = {"fieldName": "ec2VirtualMachineSummary/instanceID", "stringTest": "equal", "stringValue": instance}
    path = "/api/computers/search?expand=ec2VirtualMachineSummary&expand=computerStatus&expand=allSecurityModules"
    headers = {"api-secret-key": key, "api-version": "v1", "Content-Type": "application/json"}
    return "POST", path, json.dumps({"maxItems": 1, "searchCriteria": [criterion]}), headers


def measured(port: int, request: object, seconds: float) -> tuple[float, float, float]:
    """(p50, p99) in milliseconds and calls a second, of CLIENTS that call without a pause."""
    times: list[float] = []
    stop = time.monotonic() + seconds

    def client(seed: int) -> None:
        chooser = random.Random(seed)
        connection = HTTPConnection("127.0.0.1", port)
        own = []
        while time.monotonic() < stop:
            method, path, body, headers = request(f"i-{chooser.randrange(COMPUTERS):017x}")  # type: ignore[operator]
            began = time.perf_counter()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            own.append(time.perf_counter() - began)
            assert answer.status == 200, content
        times.extend(own)

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    times.sort()
    return times[len(times) // 2] * 1_000, times[int(len(times) * 0.99)] * 1_000, len(times) / seconds


def heartbeats(manager: Server, agents: list[str], seconds: float) -> float:
    """The share of one core that the manager needs, from its CPU time while agents send at their pace."""
    context = multiprocessing.get_context("spawn")
    pace = AGENTS / 60
    before = manager.cpu_seconds()
    began = time.monotonic()
    process = context.Process(target=send, args=(manager.port, agents, pace, seconds))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("heart-beats failed")
    return (manager.cpu_seconds() - before) / (time.monotonic() - began)


def send(port: int, agents: list[str], pace: float, seconds: float) -> None:
    modules = {name: {"state": "off"} for name in ("antiMalware", "intrusionPrevention", "firewall", "logInspection")}
    body = json.dumps({"modules": modules})
    connections = [HTTPConnection("127.0.0.1", port) for _ in range(50)]
    began = time.monotonic()
    for number in range(int(pace * seconds)):
        wait = began + number / pace - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        connection = connections[number % len(connections)]
        headers = {"Authorization": agents[number % len(agents)], "Content-Type": "application/json"}
        connection.request("POST", "/api/sakimori/agents/heartbeat", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200


if __name__ == "__main__":
    main()
