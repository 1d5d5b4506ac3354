"""Who may sign in, and who is signed in: people with a password of their own, sessions of browsers, tokens of scripts.

A person is invited with a link that counts once, and chooses a password with it. What a browser or a script then holds
is 256 random bits, of which the ledger keeps a fingerprint only.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from sakimori.console.tables import people, sessions
from sakimori.protect.secrets import PASSWORD, fingerprint, hashed, matches, new_secret
from sakimori.store.database import reading, writing

INVITED_FOR = timedelta(hours=24)
TOKEN_LASTS = timedelta(days=90)
SEEN_EVERY = timedelta(minutes=1)
"""How exactly is kept when a session was last used: a page that is looked at is no write of the ledger."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
"""Characters. Length is what counts, and no rules of composition (NIST SP 800-63B, 5.1.1)."""

FEWEST_LETTERS = 5
"""Different characters of a password: `aaaaaaaaaaaa` is long, too."""

TOKEN = "skc-"  # noqa: S105 - how the tokens of scripts begin, so that leaks of them are found
_NAME = re.compile(r"[\w.@-]{1,64}")


class ConsoleError(Exception):
    """What was asked for cannot be done; the message says what, why and what to do. `reason` names it for pages."""

    def __init__(self, said: str, reason: str = "") -> None:
        super().__init__(said)
        self.reason = reason


class Kind(StrEnum):
    """What holds a session."""

    BROWSER = "browser"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a browser stays signed in at most, and how long without being used."""

    whole: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, by what. `session` is the secret of the session."""

    name: str
    kind: Kind
    session: str

    @property
    def signature(self) -> str:
        """Who does what is done, for the audit log."""
        return f"{self.name}, {'in the console' if self.kind is Kind.BROWSER else 'by the API'}"


@dataclass(frozen=True, slots=True)
class Known:
    """A person as the ledger knows them: whether a password was chosen, and until when an invitation counts, if any."""

    name: str
    may_sign_in: bool
    invited_until: str


def known_people(database: Engine) -> list[Known]:
    """Everybody, by name."""
    with reading(database) as connection:
        rows = connection.execute(select(people).order_by(people.c.name)).all()
    return [Known(row.name, row.password != "", row.invited_until if row.invitation else "") for row in rows]


def written(name: str) -> str:
    """A name in small letters, and in one way of writing it."""
    return unicodedata.normalize("NFKC", name).strip().lower()


def called(name: str) -> str:
    """A name as it is kept. Raises ConsoleError for what is none."""
    kept = written(name)
    if not _NAME.fullmatch(kept):
        raise ConsoleError(f"{name!r} is no name: give 1 to 64 letters, digits and . @ _ -, without spaces")
    return kept


def invite(database: Engine, name: str, now: datetime) -> str:
    """A secret with which somebody chooses a password, once; whoever is known already chooses a new one."""
    kept, secret = called(name), new_secret()
    invited = {"invitation": fingerprint(secret), "invited_until": _stamp(now + INVITED_FOR)}
    with writing(database) as connection:
        if _person(connection, kept) is None:
            row = {"name": kept, "password": "", "made_at": _stamp(now)}
            connection.execute(insert(people), row | invited)
        else:
            connection.execute(update(people).where(people.c.name == kept).values(invited))
    return secret


def invited(database: Engine, secret: str, now: datetime) -> str:
    """Who is invited with a secret; "" if it does not count (any more)."""
    with reading(database) as connection:
        return _invited(connection, secret, now)


def accept(database: Engine, secret: str, password: str, now: datetime, lasting: Lasting) -> Person:
    """Gives whoever holds the secret their password, and signs them in; they are signed out everywhere else. Raises
    ConsoleError."""
    name = invited(database, secret, now)
    if not name:
        raise _no_invitation()
    _refuse_weak(password, name)
    kept = hashed(_normal(password), PASSWORD)
    with writing(database) as connection:
        if _invited(connection, secret, now) != name:  # used meanwhile
            raise _no_invitation()
        chosen = {"password": kept, "invitation": "", "invited_until": ""}
        connection.execute(update(people).where(people.c.name == name).values(chosen))
        connection.execute(delete(sessions).where(sessions.c.person == name))
        return _begun(connection, name, Kind.BROWSER, now, lasting.whole)


def _no_invitation() -> ConsoleError:
    return ConsoleError("the invitation does not count any more: ask for another one", "refused-invitation")


def sign_in(database: Engine, name: str, password: str, now: datetime, lasting: Lasting) -> Person | None:
    """A new session; None if name or password is wrong, and nothing tells which. Takes a quarter of a second."""
    kept = written(name)
    with reading(database) as connection:
        row = _person(connection, kept)
    there = row is not None and row.password != ""
    right = len(password) <= LONGEST_PASSWORD and matches(
        _normal(password), row.password if row and there else _nobodys()
    )
    if not there or not right:
        return None
    with writing(database) as connection:
        current = _person(connection, kept)
        if current is None or row is None or current.password != row.password:
            return None  # removed meanwhile, or has another password
        connection.execute(delete(sessions).where(sessions.c.ends_at <= _stamp(now)))
        return _begun(connection, kept, Kind.BROWSER, now, lasting.whole)


def new_token(database: Engine, name: str, now: datetime) -> str:
    """A token with which a script does what the person may, for ninety days. Raises ConsoleError."""
    kept = called(name)
    with writing(database) as connection:
        row = _person(connection, kept)
        if row is None or not row.password:
            raise ConsoleError(f"nobody called {kept} may sign in: invite them first (sakimori up --invite {kept})")
        return _begun(connection, kept, Kind.SCRIPT, now, TOKEN_LASTS).session


def whose(database: Engine, session: str, kind: Kind, now: datetime, lasting: Lasting) -> Person | None:
    """Who holds a session; None if it does not count (any more)."""
    own = fingerprint(session)
    with reading(database) as connection:
        row = connection.execute(select(sessions).where(sessions.c.id == own, sessions.c.kind == kind)).first()
    if row is None or row.ends_at <= _stamp(now):
        return None
    if kind is Kind.BROWSER and row.seen_at <= _stamp(now - lasting.idle):
        return None
    if row.seen_at <= _stamp(now - SEEN_EVERY):
        with writing(database) as connection:
            connection.execute(update(sessions).where(sessions.c.id == own).values(seen_at=_stamp(now)))
    return Person(row.person, kind, session)


def sign_out(database: Engine, session: str) -> None:
    """Ends a session."""
    with writing(database) as connection:
        connection.execute(delete(sessions).where(sessions.c.id == fingerprint(session)))


def remove(database: Engine, name: str) -> None:
    """Takes a person's leave to sign in away, with all their sessions and tokens. Raises ConsoleError."""
    kept = called(name)
    with writing(database) as connection:
        connection.execute(delete(sessions).where(sessions.c.person == kept))
        if not connection.execute(delete(people).where(people.c.name == kept)).rowcount:
            raise ConsoleError(f"nobody is called {kept}: `sakimori doctor` names who may sign in")


def _refuse_weak(password: str, name: str) -> None:
    length = len(_normal(password))
    if not SHORTEST_PASSWORD <= length <= LONGEST_PASSWORD:
        said = f"the password has {length} characters: choose {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        raise ConsoleError(said, "password-length")
    if len(set(password)) < FEWEST_LETTERS or (len(name) > 3 and name in password.lower()):
        raise ConsoleError("the password is easy to guess: choose several words, and not your name", "password-easy")


@cache
def _nobodys() -> str:
    """What is compared for names that nobody has, so that they take as long to refuse as others."""
    return hashed(new_secret(), PASSWORD)


def _begun(connection: Connection, name: str, kind: Kind, now: datetime, lasts: timedelta) -> Person:
    secret = (TOKEN if kind is Kind.SCRIPT else "") + new_secret()
    row = {"id": fingerprint(secret), "person": name, "kind": kind}
    times = {"made_at": _stamp(now), "seen_at": _stamp(now), "ends_at": _stamp(now + lasts)}
    connection.execute(insert(sessions), row | times)
    return Person(name, kind, secret)


def _person(connection: Connection, name: str) -> Row[tuple[str, ...]] | None:
    return connection.execute(select(people).where(people.c.name == name)).first()


def _invited(connection: Connection, secret: str, now: datetime) -> str:
    c = people.c
    query = select(c.name).where(c.invitation == fingerprint(secret), c.invited_until > _stamp(now))
    return connection.execute(query).scalar() or ""


def _normal(password: str) -> str:
    """One way of writing it, whichever keyboard it comes from (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password)


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
