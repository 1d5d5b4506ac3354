"""`sakimori up`: every service that Sakimori has, each in a process of its own, until it is told to stop.

The console alone is served by this process itself; among others it is one of theirs.
"""

from __future__ import annotations

import os
import queue as queues
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from sakimori.cli import leash, up_console
from sakimori.cli.output import printable

FAILED = 4
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

READY = "listening"
"""What the line begins with by which a service says that it works."""


class Name(StrEnum):
    """The services."""

    PROTECT = "protect"
    CONSOLE = "console"
    RESPOND = "respond"


def up(
    queue: Annotated[
        str, typer.Option(help="The URL or ARN of an SQS queue with events to respond to.", metavar="QUEUE")
    ] = "",
    webhook: Annotated[str, typer.Option(metavar="HOST:PORT", help="Take such events over HTTP here.")] = "",
    topic: Annotated[
        list[str] | None, typer.Option(help="The ARN of an SNS topic that may deliver to the webhook. Repeat.")
    ] = None,
    only: Annotated[list[Name] | None, typer.Option(help="Only this service. Repeat.")] = None,
    invite: Annotated[
        str,
        typer.Option(metavar="NAME", help="Print a link with which this person chooses a password for the console."),
    ] = "",
    token: Annotated[
        str, typer.Option(metavar="NAME", help="Print a token with which a script of this person asks the console.")
    ] = "",
    remove: Annotated[str, typer.Option(metavar="NAME", help="This person may not use the console any more.")] = "",
) -> None:
    """Run Sakimori's services until stopped: the workload protection manager, the console, and the intake of events.

    The manager is `sakimori protect serve` with the settings of sakimori.toml; the console shows findings and responses
    to people who sign in, and prints an invitation while nobody can. Events to respond to are taken in, as by `sakimori
    respond listen`, if it is said from where. When one service ends, so do all. With --invite, --token or --remove it
    only does that.
    """
    if invite or token or remove:
        _explained(lambda: up_console.people(invite=invite, remove=remove, token=token))
        return
    if topic and not webhook:
        raise typer.BadParameter("a topic delivers to a webhook: give --webhook, too", param_hint="--topic")
    wanted = _wanted(only or [], events=bool(queue or webhook))
    if wanted == {Name.CONSOLE}:
        _explained(up_console.serve)
        return
    words = {
        Name.PROTECT: ("protect", "serve"),
        Name.CONSOLE: ("up", "--only", "console"),
        Name.RESPOND: ("respond", "listen", *_options(queue, webhook, topic or [])),
    }
    services = [Service(str(name), words[name]) for name in words if name in wanted]
    with _told_to_stop() as news:
        failure = run(services, news)
    if failure:
        _say(failure)
        raise typer.Exit(FAILED)
    _say("stopped")


def _wanted(only: Sequence[Name], *, events: bool) -> set[Name]:
    """The services to run; `events` says whether it is said from where events come."""
    wanted = set(only or Name)
    if events and Name.RESPOND not in wanted:
        raise typer.BadParameter("events are taken in by respond: add --only respond", param_hint="--only")
    if events or Name.RESPOND not in wanted:
        return wanted
    if only:
        raise typer.BadParameter("say where events come from: --queue, --webhook or both", param_hint="--only")
    _say("respond is not started: no --queue and no --webhook says where events come from")
    return wanted - {Name.RESPOND}


def _explained(do: Callable[[], None]) -> None:
    try:
        do()
    except up_console.failures() as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None


def _options(queue: str, webhook: str, topics: Sequence[str]) -> Iterator[str]:
    given = [("--queue", queue), ("--webhook", webhook), *(("--topic", topic) for topic in topics)]
    for name, value in given:
        if value:
            yield from (name, value)


@dataclass(frozen=True, slots=True)
class Service:
    """One that is run as `sakimori WORDS`."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What happened: a service wrote a `line`, or ended with a `code`. Of no service: somebody says stop."""

    service: str = ""
    line: str = ""
    code: int | None = None


def run(services: Sequence[Service], news: queues.SimpleQueue[News]) -> str:
    """Runs services until `news` says stop, or one ends. Returns "" or what failed."""
    processes: dict[str, subprocess.Popen[str]] = {}
    ready: dict[str, str] = {}
    last: dict[str, str] = {}
    theirs, ours = os.pipe()
    try:
        for service in services:
            processes[service.name] = _started(service, news, theirs)
        while True:
            heard = news.get()
            if not heard.service:
                return ""
            if heard.code is not None:
                why = last.get(heard.service, "")
                return _ended(heard.service, heard.code, why, is_ready=heard.service in ready)
            _say(f"{heard.service}: {heard.line}")
            last[heard.service] = heard.line
            if heard.line.startswith(READY) and heard.service not in ready:
                ready[heard.service] = heard.line
                if len(ready) == len(services):
                    what = ", ".join(f"{each.name} {ready[each.name]}" for each in services)
                    _say(f"sakimori is up: {what}; Ctrl-C stops it")
    finally:
        _stop(processes.values())
        os.close(theirs)
        os.close(ours)


def _started(service: Service, news: queues.SimpleQueue[News], end: int) -> subprocess.Popen[str]:
    """Starts a service; what it writes to standard error becomes news, what it prints stays as it is.

    `end` is that of the pipe from which it learns that this process is gone.
    """
    process = subprocess.Popen(  # noqa: S603 - this program itself, and no shell
        [sys.executable, "-m", "sakimori", *service.words],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        pass_fds=(end,),
        env={**os.environ, leash.VARIABLE: str(end)},
        start_new_session=True,  # Ctrl-C is ours alone: each service is told to stop once, not twice
    )

    def follow() -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                news.put(News(service.name, line.rstrip()))
        news.put(News(service.name, code=process.wait()))

    threading.Thread(target=follow, name=f"{service.name} messages", daemon=True).start()
    return process


def _ended(service: str, code: int, last: str, *, is_ready: bool) -> str:
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    before = "" if is_ready else " before it was ready"
    why = f": {last}" if last and not is_ready else ""
    return f"{service} {how}{before}{why}; all services are stopped"


def _stop(processes: Any) -> None:
    """Tells all to stop, and waits; what does not is killed, which loses nothing that was said to be done."""
    running = [each for each in processes if each.poll() is None]
    for each in running:
        each.terminate()
    for each in running:
        try:
            each.wait(timeout=leash.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


@contextmanager
def _told_to_stop() -> Iterator[queues.SimpleQueue[News]]:
    """News that are to be heard, with "stop" among them on Ctrl-C, SIGTERM, or when the terminal is closed."""
    news: queues.SimpleQueue[News] = queues.SimpleQueue()  # a signal handler may put into it
    before = [(each, signal.signal(each, lambda *_: news.put(News()))) for each in STOPS]
    try:
        yield news
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)
