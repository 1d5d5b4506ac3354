"""Whatever a finding says, in every channel it is text: no markup, no link, no header, no mention, no template."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sakimori.model.finding import COMPLIANCE, Finding
from sakimori.model.severity import Severity
from sakimori.notify.asking import Links
from sakimori.notify.channels import backlog, jira, slack, smtp, teams, webhook
from sakimori.notify.message import LANGUAGES, Message, Worded, pieces, worded
from sakimori.notify.outbox import message_of
from sakimori.notify.signing import Signer
from sakimori.store.text import storable_json

HOSTILE = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="<>&*_~`[](){}|!#@:/\\\"'%^+-=.\r\n\t\0 xw\u202e\u200b\u2028é漢", max_size=60),
    st.sampled_from(
        [
            "<!channel> <@U123> <https://evil.example|click>",
            "https://evil.example/approve?token=x",
            "HTTPS://EVIL.EXAMPLE",
            "[click](https://evil.example) ![x](https://evil.example/x.png)",
            "a\r\nBcc: evil@evil.example\r\n\r\n<b>body</b>",
            "=?utf-8?q?=0D=0ABcc:_evil@evil.example?=",
            "{noformat} {code} [~admin] !x.png! h1. *b* {html}<script>{html}",
            "''x'' [[y]] &color(red) { t } #image(z) %%s%% {quote}",
            "{title} {token} {{7*7}} ${x} %(a)s {0.__class__}",
            "mailto:evil@evil.example www.evil.example",
            "\u202egnp.exe\u2066 \ud800",
        ]
    ),
)

LINKS = Links(Signer((b"k" * 32,)), "https://sakimori.example.org")
OURS = "https://sakimori.example.org/"


def made(title: str, description: str, target: str, who: str) -> Message:
    facts = {"title": title, "description": description, "uid": "abc", "remedy": description, "before": "Low"}
    return Message("finding-new", "k/1", Severity.HIGH, "1", target, who, facts, about="k")


def said(message: Message, language: str) -> Worded:
    return worded(message, language, "Kaede", {"acknowledge": f"{OURS}acknowledge?token=abc.def&language={language}"})


PATIENT = settings(deadline=None)
ANY = given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from(LANGUAGES))


@PATIENT
@ANY
@example("https://evil.example", "http://evil.example", "ftp://x", "x", "en")
def test_every_address_in_a_message_is_ours(title: str, about: str, target: str, who: str, language: str) -> None:
    text = said(made(title, about, target, who), language)
    whole = text.text()
    addresses = re.findall(r"\S*://\S*", whole)
    assert [each for each in addresses if not each.startswith(OURS)] == []
    assert [
        piece for _, value in text.lines for piece, ours in pieces(value) if ours and not piece.startswith(OURS)
    ] == []
    assert not re.search(r"(^|\s)www\.", whole.partition("\n\n")[0])
    assert all("\n" not in value and "\r" not in value for _, value in text.lines)


@PATIENT
@ANY
def test_slack(title: str, about: str, target: str, who: str, language: str) -> None:
    message = made(title, about, target, who)
    sent: list[Any] = []
    _posting(slack, sent, message, said(message, language))
    [body] = sent
    assert all(found.startswith(f"<{OURS}") for found in re.findall(r"<[^>]*>?", body["text"]))
    for block in body["blocks"]:
        text = block["text"]["text"]
        assert 0 < len(text) <= 3000
        if block["text"]["type"] == "mrkdwn":
            assert block["text"]["verbatim"] is True
            assert all(found.startswith(f"<{OURS}") for found in re.findall(r"<[^>]*>?", text))
            assert not re.search(r"[*_~`](?!\u2060)", text.strip("*").replace(f"<{OURS}", "<")) or "<" in text


@PATIENT
@ANY
def test_teams(title: str, about: str, target: str, who: str, language: str) -> None:
    message = made(title, about, target, who)
    sent: list[Any] = []
    _posting(teams, sent, message, said(message, language))
    card = sent[0]["attachments"][0]["content"]
    texts = [card["body"][0]["text"], *(fact["value"] for fact in card["body"][1]["facts"])]
    for text in texts:
        links = re.findall(r"(?<!\\)\[[^\]]*?(?<!\\)\]\(([^)]*)\)", text)
        assert all(link.startswith(OURS) for link in links)
        assert not re.search(r"(?<!\\)(?:\\\\)*[*_`<]", re.sub(r"\]\([^)]*\)", "", text))


@PATIENT
@ANY
@example("=??Q?=0D0", "", "", "", "en")
@example("=?utf-8?q?=0D=0ABcc:_evil@evil.example?=", "", "", "", "ja")
def test_mail(title: str, about: str, target: str, who: str, language: str) -> None:
    message = made(title, about, target, who)
    letter = smtp.letter(message, said(message, language), {"sender": "s@x.example", "to": ["a@x.example"]})
    read = message_from_bytes(letter.as_bytes(), policy=default)
    known = {"subject", "from", "to", "date", "message-id", "references", "auto-submitted"}
    known |= {"content-type", "content-transfer-encoding", "mime-version"}
    assert {name.lower() for name in read} <= known
    assert (read["to"], read.get_content_type()) == ("a@x.example", "text/plain")
    assert (
        letter["Message-ID"] == smtp.letter(message, said(message, language), {"sender": "s", "to": "t"})["Message-ID"]
    )


@PATIENT
@ANY
def test_jira(title: str, about: str, target: str, who: str, language: str) -> None:
    text = said(made(title, about, target, who), language)
    document = jira.document(text)
    for node in _nodes(document):
        assert node["type"] in ("doc", "paragraph", "text")
        if node["type"] == "text":
            assert node["text"]
            assert all(
                mark["type"] == "strong" or mark["attrs"]["href"].startswith(OURS) for mark in node.get("marks", [])
            )
    marks = re.sub(rf"\[[^\[\]|]*\|{OURS}[^\[\]|]*\]", "", jira.markup(text))
    assert not set(marks) & set("{}[]*|!~^\\")


@PATIENT
@ANY
def test_backlog(title: str, about: str, target: str, who: str, language: str) -> None:
    text = said(made(title, about, target, who), language)
    for rule in ("backlog", "markdown"):
        whole = backlog.text(text, rule)
        if rule == "backlog":
            assert not re.search(r"''|\[\[|%%|\{(?!\u2060)|&(?!\u2060)|#(?!\u2060)", whole.replace("&language", ""))
        else:
            assert not re.search(r"(?<!\\)(?:\\\\)*\[|(?<!\\)(?:\\\\)*`|(?<!\\)(?:\\\\)*<", whole)


@PATIENT
@ANY
def test_programs_get_json_with_the_values_as_they_are(
    title: str, about: str, target: str, who: str, language: str
) -> None:
    message = made(title, about, target, who)
    content = webhook.as_json(webhook.document(message, said(message, language)))
    read = json.loads(content)
    assert read["facts"]["title"] == title.encode("utf-8", "replace").decode()


@PATIENT
@ANY
def test_what_is_kept_is_what_was_said(title: str, about: str, target: str, who: str, language: str) -> None:
    """A message goes through the outbox and back unchanged, its finding with it."""
    finding = Finding(
        "u", "r", title, Severity.LOW, (), (), "1", "x", who, "", target, 1, "", "", (), class_uid=COMPLIANCE
    )
    message = replace(made(title, about, target, who), subject=finding, items=(made(about, title, who, target),))
    kept = storable_json(msgspec.to_builtins(message))
    kept.encode()  # a database can hold it
    back = message_of(SimpleNamespace(message=kept))  # type: ignore[arg-type]  # only this column is looked at
    assert back == message
    assert worded(back, language) == worded(message, language)


def _posting(channel: Any, sent: list[Any], message: Message, text: Worded) -> None:
    real = channel.post
    channel.post = lambda url, body, settings: sent.append(body)
    try:
        channel.send(message, text, {"url": "https://x.example"})
    finally:
        channel.post = real


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(each for child in node.get("content", []) for each in _nodes(child))]
