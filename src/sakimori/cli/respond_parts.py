"""What `sakimori respond` is put together from: settings, ledger, world, engine, notices."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sakimori.cli.deployed import deployed_engine, deployment
from sakimori.cli.home import home, lake_folder, ledger_place

if TYPE_CHECKING:
    from sakimori.model.action import Mode
    from sakimori.model.event import Event
    from sakimori.notify.notifier import Notifier
    from sakimori.notify.sender import Sent
    from sakimori.respond.book import Book
    from sakimori.respond.engine import Engine
    from sakimori.respond.policy import Policy
    from sakimori.respond.runs import Run
    from sakimori.respond.world import World

LISTENER = "listener"
"""The name of the process that listens: it recovers its own runs, and there is one at a time."""

AT_A_TERMINAL = 2
"""How often a step is tried whose trouble may pass while somebody waits; the listener has more patience."""


def person() -> str:
    """Who is at the machine, for the audit log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def chosen_policy(mode: Mode | None = None) -> Policy:
    """The policy of sakimori.toml; with `mode`, that mode and nothing else. Raises RespondError."""
    from dataclasses import replace

    from sakimori.cli.configuration import section
    from sakimori.respond.policy import policy

    found = policy(section("respond.modes"), section("respond.limits"))
    return found if mode is None else replace(found, default=mode, workflows={}, accounts={}, tags={})


def workflow_settings() -> dict[str, dict[str, Any]]:
    """`[respond.inspector]`, `[respond.s3-appspec]` and `[respond.waf]`."""
    from sakimori.cli.configuration import section

    return {name: section(f"respond.{name}") for name in ("inspector", "s3-appspec", "waf")}


@contextmanager
def opened_engine(owner: str, policy: Policy, only: frozenset[str] = frozenset()) -> Iterator[Engine]:
    """An engine over the ledger, or over the book of a deployment. Raises RespondError, LedgerError, AwsError."""
    if name := deployment():
        with deployed_engine(name, owner, policy, only, _manager()) as engine:
            yield engine
        return
    from sakimori.respond.book import Book
    from sakimori.respond.engine import Engine
    from sakimori.respond.keys import derived, link_keys, respond_key
    from sakimori.store.database import connect

    secret = respond_key(home())
    database = connect(ledger_place())
    try:
        book = Book(database, derived(secret, "audit"), home() / "respond.head")
        with _world(book) as world:
            keys = link_keys(home(), secret)
            engine = Engine(book, world, policy, secret, owner, only=only, link_keys=keys)
            notifier = _notifier(book, keys)
            if notifier.routes:
                engine.tell = _teller(engine, notifier)
            yield engine
    finally:
        database.dispose()


@contextmanager
def _world(book: Any) -> Iterator[World]:
    from sakimori.cli.configuration import section
    from sakimori.respond.guard import Guard
    from sakimori.respond.lake_history import lake_writers
    from sakimori.respond.lines import LedgerLines
    from sakimori.respond.policy import paces
    from sakimori.respond.world import AccountClients, World
    from sakimori.store.ledger import Ledger

    manager = _manager()
    try:
        yield World(
            AccountClients(os.environ.get("SAKIMORI_RESPOND_ROLE", "")),
            Guard(paces(section("respond.paces")), lines=LedgerLines(book.engine)),
            manager=manager,
            inventory=Ledger(book.engine).inventory,
            done_by=book.done_by,
            home=home(),
            settings=workflow_settings(),
            writers=lake_writers(lake_folder(), ledger_place()),
        )
    finally:
        if manager is not None:
            manager.close()


def _manager() -> Any:
    """The client of the manager that is set up; None if none is. Raises RespondError."""
    from sakimori.cli.configuration import manager_settings, section

    if not any(map(os.environ.get, ("SAKIMORI_PROTECT_URL", "SAKIMORI_PROTECT_KEY"))) and not section("protect.client"):
        return None
    from sakimori.protect.client import Client
    from sakimori.protect.client_errors import ManagerError
    from sakimori.respond.errors import RespondError

    try:
        return Client(manager_settings())
    except ManagerError as error:
        raise RespondError(f"the workload protection manager: {error}") from error


@contextmanager
def opened_notifier() -> Iterator[Notifier]:
    """What tells people, by the routes of sakimori.toml. Raises NotifyError, RespondError, LedgerError."""
    from sakimori.respond.book import Book
    from sakimori.respond.keys import derived, link_keys, respond_key
    from sakimori.store.database import connect

    secret = respond_key(home())
    database = connect(ledger_place())
    try:
        book = Book(database, derived(secret, "audit"), home() / "respond.head")
        yield _notifier(book, link_keys(home(), secret))
    finally:
        database.dispose()


def _notifier(book: Book, keys: tuple[bytes, ...]) -> Notifier:
    from sakimori.cli.configuration import section
    from sakimori.notify.asking import Links
    from sakimori.notify.notifier import Notifier
    from sakimori.notify.options import options
    from sakimori.notify.routes import routes
    from sakimori.notify.signing import Signer
    from sakimori.respond.decisions import Decisions

    address, people = options(section("notify.options"), section("notify.people"))
    links = Links(Signer(keys), address)
    return Notifier(book.engine, routes(section("notify.routes")), links, people, Decisions(book, links))


def _teller(engine: Engine, notifier: Notifier) -> Callable[[Run, Event], None]:
    """Tells people of runs; that it failed is said, and holds up nothing."""
    from sakimori.respond.telling import about

    def tell(run: Run, event: Event) -> None:
        try:
            message = about(run, event, engine.book.open_approval(run.id))
            report(notifier.send(message) if message else [])
        except failures() as error:
            typer.echo(f"nobody was told of the run {run.id}: {error}", err=True)

    return tell


def carried(engine: Engine, workflow: str, event: Event, say: Callable[[str], None]) -> Run:
    """Runs the workflow on the event, whether it subscribes to it or not: a person asks for it.

    What was done is not done again; where nothing was changed, it looks anew.
    """
    from sakimori.respond.durable import DurableEngine
    from sakimori.respond.runs import ENDED, UNTOUCHED, RunState, run_id

    mode = engine.policy.mode(workflow, event.account)
    entered = engine.book.enter(event, [(workflow, mode)], engine.owner)
    run = run_id(event.uid, event.revision, workflow)
    before = engine.book.run(run)
    if entered or before.state not in (*ENDED, RunState.WAITING) or before.state in UNTOUCHED:
        with DurableEngine(engine, ledger_place(), tries=AT_A_TERMINAL) as durable:
            if entered:
                attempt = entered[0][1]
            elif before.state in UNTOUCHED:
                attempt = engine.book.look_again(run, person(), engine.owner, mode)
            else:
                attempt = engine.book.take_over(run, engine.owner)
            durable.start(run, attempt)
            durable.wait(run, attempt)
    elif before.state is RunState.WAITING:
        anew = "people are asked anew" if engine.ask_again(run) else "it waits for a person already"
        asked = engine.book.open_approval(run)
        say(f"{anew}{f', until {asked.expires_at}' if asked else ''}: sakimori respond approve {run}")
    else:
        say(f"this revision was handled before, at {before.created_at}: nothing was done again")
    return engine.book.run(run)


def report(outcomes: Iterable[Sent]) -> None:
    """Says what was not sent."""
    from sakimori.cli.output import printable

    for outcome in outcomes:
        if outcome.why:
            typer.echo(f"the route {outcome.route} failed: {printable(outcome.why)}", err=True)


def failures() -> tuple[type[Exception], ...]:
    """What ends a command with an explanation."""
    from sakimori.aws.errors import AwsError
    from sakimori.collect.webhook import WebhookError
    from sakimori.notify.errors import NotifyError
    from sakimori.respond.errors import RespondError
    from sakimori.store.ledger import LedgerError

    return RespondError, NotifyError, LedgerError, AwsError, WebhookError, OSError


@contextmanager
def only_one(what: str) -> Iterator[None]:
    """Held while this process listens as `what`. Raises RespondError where another one does."""
    import fcntl

    from sakimori.respond.errors import RespondError

    home().mkdir(parents=True, exist_ok=True)
    place: Path = home() / f"{what}.lock"
    with place.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RespondError(f"another process is listening already (it holds {place})") from None
        yield
