"""E-mail over SMTP, with TLS from the start or by STARTTLS; plain text, so that nothing in it is markup."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded

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

SECONDS = 20.0
TLS_FROM_THE_START = 465


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Sends the message. Without TLS only where `private` says that it is meant."""
    host, port = str(settings["host"]), int(settings.get("port") or 587)
    try:
        with _connected(host, port, settings) as server:
            if settings.get("user"):
                server.login(str(settings["user"]), str(settings.get("password", "")))
            server.send_message(letter(said, settings))
    except (smtplib.SMTPException, OSError) as error:
        raise NotifyError(f"the mail server {host}:{port} did not take the message: {type(error).__name__}") from error


def letter(said: Worded, settings: Mapping[str, Any]) -> EmailMessage:
    """The message as an e-mail."""
    made = EmailMessage()
    made["Subject"] = said.title[:200]  # one line: `plain` has seen to that
    made["From"] = str(settings["sender"])
    to = settings["to"]
    made["To"] = ", ".join(to) if isinstance(to, list) else str(to)
    made["Date"], made["Message-ID"] = formatdate(), make_msgid(domain="sakimori.invalid")
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(said.text())
    return made


def _connected(host: str, port: int, settings: Mapping[str, Any]) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=settings.get("ca") or None)
    if port == TLS_FROM_THE_START:
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        if server.has_extn("starttls") or (server.ehlo()[0] == 250 and server.has_extn("starttls")):
            server.starttls(context=context)
        elif not settings.get("private"):
            raise NotifyError(f"the mail server {host}:{port} offers no TLS: set private = true if that is meant")
    except BaseException:
        server.close()
        raise
    return server
