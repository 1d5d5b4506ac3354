"""E-mail over SMTP, with TLS from the start or by STARTTLS; plain text, so that nothing in it is markup."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from sakimori.model.said import joined, say
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded, plain

SETTINGS = {
    "host": True,
    "sender": True,
    "to": True,
    "port": False,
    "user": False,
    "password": False,
    "ca": False,
    "private": False,
}
IAM_ACTIONS: tuple[str, ...] = ()
PEOPLE = True

SECONDS = 20.0
TLS_FROM_THE_START = 465


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Sends the message. Without TLS only where `private` says that it is meant."""
    host, port = str(settings["host"]), int(settings.get("port") or 587)
    begun = False
    try:
        with _connected(host, port, settings) as server:
            if settings.get("user"):
                server.login(str(settings["user"]), str(settings.get("password", "")))
            begun = True
            refused = server.send_message(letter(message, said, settings))
    except (smtplib.SMTPException, OSError) as error:
        why = say("the mail server {host} did not take the message: {why}", host=f"{host}:{port}", why=_cause(error))
        unanswered = not isinstance(error, (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused))
        raise NotifyError(why, passing=_is_passing(error), perhaps=begun and unanswered) from error
    if refused:
        about = {"host": f"{host}:{port}", "people": joined(", ", sorted(refused))}
        raise NotifyError(say("the mail server {host} took the message, but not for {people}", **about))


def letter(message: Message, said: Worded, settings: Mapping[str, Any]) -> EmailMessage:
    """The message as an e-mail. Sent again after a crash it has the same Message-ID; news of one thing is a thread."""
    made = EmailMessage()
    made["Subject"] = _as_text(said.title[:200])
    made["From"] = str(settings["sender"])
    to = settings["to"]
    made["To"] = ", ".join(to) if isinstance(to, list) else str(to)
    made["Date"], made["Message-ID"] = formatdate(), _id(message.key)
    if message.about and message.about != message.key:
        made["References"] = _id(message.about)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(said.text(), cte="base64")
    return made


def _as_text(title: str) -> str:
    """One line already; and no encoded word (RFC 2047), which `email` would decode, line breaks and all, and write."""
    return title.replace("=?", "=\u2060?")


def _id(key: str) -> str:
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@sakimori.invalid>"


def _cause(error: Exception) -> str:
    """What the server said, or what is in the way."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{who}: {code} {plain(_text(said))}" for who, (code, said) in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {plain(_text(error.smtp_error))}"
    return str(getattr(error, "strerror", "") or error or type(error).__name__)


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _is_passing(error: Exception) -> bool:
    """A server that says no with 5.. means it (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(code < 500 for code, _ in error.recipients.values())
    return not (isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500)


def _connected(host: str, port: int, settings: Mapping[str, Any]) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=settings.get("ca") or None)
    if port == TLS_FROM_THE_START:
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        if server.has_extn("starttls") or (server.ehlo()[0] == 250 and server.has_extn("starttls")):
            server.starttls(context=context)
        elif not settings.get("private"):
            raise NotifyError(
                say("the mail server {host} offers no TLS: set private = true if that is meant", host=f"{host}:{port}")
            )
    except BaseException:
        server.close()
        raise
    return server
