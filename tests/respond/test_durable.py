"""The engine under faults: killed, called twice, with a world that has bad days; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pretend import Pretended, opened_engine, pretended
from sqlalchemy import text

import told_events as told
from sakimori.aws.errors import Throttled
from sakimori.collect.events import heard
from sakimori.respond.dead import replay
from sakimori.respond.durable import DurableEngine
from sakimori.respond.runs import RunState

__all__ = ["pretended"]

EVENTS = int(os.environ.get("SAKIMORI_TEST_EVENTS", "300"))
KILLS = int(os.environ.get("SAKIMORI_TEST_KILLS", "6"))


class Things:
    """The outside world: things that were painted, counted by key, on days of which some are bad."""

    def __init__(self, bad: float) -> None:
        self.colours: dict[str, str] = {}
        self.effects: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.calls = 0
        self.chance = random.Random(7)
        self.bad = bad
        self.lock = threading.Lock()

    def answer(self, method: str, path: str) -> tuple[int, str, float]:
        parts = urlsplit(path)
        with self.lock:
            self.calls += 1
            trouble = self.chance.random() < self.bad
            kind = self.chance.choice(("429", "500", "timeout", "500 after"))
            if trouble and kind in ("429", "500"):
                return int(kind), "", 0
            if method == "POST":
                key = parse_qs(parts.query)["key"][0]
                if key not in self.keys:  # as AWS does with a client token
                    self.keys.add(key)
                    self.effects[parts.path] += 1
                self.colours[parts.path] = "red"
            late = 2.5 if trouble and kind == "timeout" and self.chance.random() < 0.02 else 0
            return (500 if trouble and kind == "500 after" else 200), self.colours.get(parts.path, "white"), late


@contextmanager
def served(things: Things) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            status, body, late = things.answer(self.command, self.path)
            if late:
                time.sleep(late)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """The client was killed, which is the point."""

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def deliveries(count: int) -> list[str]:
    """Every event one to five times, by all feeds, in random order; one in four has a second revision."""
    chance, lines = random.Random(11), []
    for number in range(count):
        updated = f"2026-11-25T{chance.randrange(10):02d}:00:00.000Z"
        for revision in (updated, updated.replace("00:00.000", "30:00.000"))[: 1 + (number % 4 == 0)]:
            feeds = [
                told.guardduty(number=number, updated=revision),
                told.imported(told.asff(number, updated=revision)),
            ]
            lines += [json.dumps(chance.choice(feeds)) for _ in range(chance.randint(1, 5))]
    chance.shuffle(lines)
    return lines


def run_until_done(ledger: str, place: Path, url: str, things: Things, expected: int) -> float:
    """Starts the process, kills it whenever another part of the effects is there, and lets the last one finish; gives
    the seconds."""
    chance, begun = random.Random(3), time.monotonic()
    folder = Path(__file__).resolve().parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(folder.parent), *sys.path])}
    command = [sys.executable, str(folder / "durable_process.py"), ledger, str(place), url]
    for attempt in range(KILLS + 1):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if attempt < KILLS:
            wanted = expected * (attempt + chance.random()) / (KILLS + 1)
            while len(things.effects) <= wanted and process.poll() is None:
                threading.Event().wait(0.02)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        else:
            _, errors = process.communicate(timeout=1_200)
            assert process.returncode == 0, errors.decode()[-3000:]
    return time.monotonic() - begun


def test_killed_again_and_again_every_effect_happens_once(ledger: str, tmp_path: Path) -> None:
    lines = deliveries(EVENTS)
    expected = EVENTS + (EVENTS + 3) // 4
    place = tmp_path / "deliveries"
    place.write_text("\n".join(lines))
    things = Things(bad=0.2)
    with served(things) as url:
        seconds = run_until_done(ledger, place, url, things, expected)
    with opened_engine(ledger, home=tmp_path) as engine:
        runs = engine.book.runs(limit=100_000)
        states = Counter(run.state for run in runs)
        failures = [run.why for run in runs if run.state is RunState.FAILED]
        audited = engine.book.audited()
    rate = expected / seconds
    print(f"{expected} revisions, {len(lines)} deliveries, {KILLS} kills: {rate:.0f}/s, {things.calls} calls")
    assert states == {RunState.DONE: expected}, failures[:3]
    assert len(things.effects) == expected
    assert set(things.effects.values()) == {1}
    assert audited.broken == ""


def test_what_a_dead_process_left_is_taken_over_when_its_lease_ends(tmp_path: Path, pretended: Pretended) -> None:
    found = heard(json.dumps(told.guardduty()), "test").events[0]
    with opened_engine(tmp_path / "ledger.sqlite", owner="run-1-dead") as dead:
        [run] = dead.take(found)  # entered, and then the process is no more
    with opened_engine(tmp_path / "ledger.sqlite", owner="listener") as engine:
        with DurableEngine(engine, tmp_path / "ledger.sqlite") as durable:
            assert durable.sweep() == 0, "the other's lease has not ended"
            with engine.book.engine.begin() as connection:
                connection.execute(text("UPDATE respond_runs SET lease_until = '2020-01-01T00:00:00.000000Z'"))
            assert durable.sweep() == 1
            assert durable.wait(run, 1) == RunState.DONE
            assert durable.sweep() == 0
        assert pretended.applied.total() == 1


def test_trouble_that_does_not_pass_ends_among_the_dead_letters_with_its_reason(
    tmp_path: Path, pretended: Pretended
) -> None:
    pretended.troubles = [Throttled("paint:Thing", "it", "Throttling", "slow down") for _ in range(3)]
    found = heard(json.dumps(told.guardduty()), "test").events[0]
    place = tmp_path / "ledger.sqlite"
    with (
        opened_engine(place, owner="listener") as engine,
        DurableEngine(engine, place, tries=3, first_pause=0.01) as durable,
    ):
        [run] = engine.take(found)
        assert durable.wait(run, 1) == RunState.FAILED
        [letter] = engine.book.dead_letters()
        assert "slow down" in letter.reason
        [replayed] = replay(engine, letter.id, "kaede")
        assert durable.wait(run, 2) == RunState.DONE
    assert (replayed.runs, pretended.applied.total()) == ((run,), 1)
