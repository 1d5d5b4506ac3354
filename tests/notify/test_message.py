"""Texts: whole in both languages, and values of findings stay values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import http

from sakimori.model.severity import Severity
from sakimori.notify.channels import slack, teams
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import LANGUAGES, LONGEST_VALUE, Message, Worded, filled, pieces, plain, texts, worded
from sakimori.notify.sender import ASKING
from sakimori.notify.tickets import OVER
from sakimori.respond.pages import application
from sakimori.respond.pages.application import STATUS
from sakimori.respond.telling import FOR_GOOD
from sakimori.respond.telling import KINDS as TOLD

KINDS = sorted(texts()["messages"])


def entries(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Every text of the catalogue, with all its languages."""
    if all(isinstance(each, str) for each in node.values()):
        yield path, node
        return
    for name, each in node.items():
        yield from entries(each, f"{path}/{name}")


@pytest.mark.parametrize(
    ("path", "said"), list(entries(texts())), ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_text_is_missing_in_any_language(path: str, said: dict[str, str]) -> None:
    assert sorted(said) == sorted(LANGUAGES)
    assert all(text.strip() for text in said.values())
    used = {language: set(re.findall(r"\{([a-z]+)\}", text)) for language, text in said.items()}
    assert all(names == used["en"] for names in used.values())
    if not used["en"] or re.sub(r"\{[a-z]+\}|[^\w]", "", said["en"]):
        assert said["ja"] != said["en"], "it is not translated"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_says_what_to_what_who_why_and_what_to_do(kind: str, language: str) -> None:
    names = re.findall(r"\{([a-z]+)\}", str(texts()["messages"][kind]))
    facts = {name: f"<{name}>" for name in names if name != "before"} | ({"before": "Low"} if "before" in names else {})
    message = Message(kind, "k", Severity.HIGH, "1", "arn:target", "arn:who", facts)
    said = worded(message, language, "Kaede")
    text = said.text()
    assert all(fact in text for name, fact in facts.items() if name != "before")
    assert "before" not in facts or texts()["severities"]["Low"][language] in text
    assert "arn:target" in text
    assert "arn:who" in text
    assert "Kaede" in text
    assert len(said.lines) == 6
    assert re.search(r"sakimori \w+|<decide>|<acknowledge>", text), "it says no command and no link"
    if language == "ja":
        assert "対応" in text


def test_a_value_is_never_read_as_a_template() -> None:
    facts = {"title": "{description} {0.__class__} {{x}} ${y} %s", "description": "secret"}
    assert filled("Found: {title}", facts) == "Found: {description} {0.__class__} {{x}} ${y} %s"
    assert filled("{unknown}", facts) == ""


def test_control_characters_and_long_values_are_tamed() -> None:
    assert plain("a\x1b[31m\r\nBcc: x\u202e\u2066b\0") == "a [31m Bcc: x b"
    assert len(plain("x" * 5000)) == LONGEST_VALUE


def test_addresses_in_values_are_no_links() -> None:
    said = filled("{title} {link}", {"title": "https://evil.example www.evil.example"}, {"link": "https://ours/x"})
    assert said == "https[:]//evil.example www[.]evil.example https://ours/x"
    assert pieces(said)[-1] == ("https://ours/x", True)
    assert plain("arn:aws:s3:::www.example.org") == "arn:aws:s3:::www.example.org"


def test_slack_and_teams_get_no_markup_from_values() -> None:
    hostile = "<!channel> <https://evil|click> *bold* [link](https://evil) `code`"
    assert "<" not in slack.escaped(hostile)
    assert "*b" not in slack.escaped(hostile)
    assert r"\[link\]\(https://evil\)" in teams.escaped(hostile)
    for everybody in ("@here", "@channel", "@All", "@everyone"):
        assert everybody not in slack.escaped(f"tell {everybody} of kaede@allied.example")
    assert "kaede@allied.example" in slack.escaped("kaede@allied.example")


def test_a_long_line_of_a_digest_in_slack_pushes_out_no_other() -> None:
    lines = (
        ("Target", "*" * 600),
        ("Who", "&" * 600),
        ("Why", "x" * 600),
        ("What to do", f"{'y' * 600} sakimori explain u"),
    )
    with_link = (*lines, ("Approve", "https://ours.example/approve?token=t"))
    with http() as got:
        for given in (lines, with_link):
            item = Worded("_" * 600, given)
            slack.send(
                Message("digest", "k", Severity.HIGH, "", "", ""),
                Worded("2", (), (item,)),
                {"url": got.address, "private": True},
            )
    for body in got.bodies:
        shown = body["blocks"][-1]["text"]["text"]
        assert len(shown) <= slack.LONGEST_BLOCK
        assert all(f"\n{label}: " in shown for label, _ in lines)
        assert "sakimori explain u" in shown
        assert body["text"].startswith("2\n_")
    assert shown.endswith("<https://ours.example/approve?token=t|https://ours.example/approve>")


def test_a_language_that_nobody_wrote_is_refused() -> None:
    message = Message("drill", "k", Severity.HIGH, "", "", "")
    for kind, language in (("drill", "fr"), ("nothing", "en")):
        with pytest.raises(NotifyError, match="no text"):
            worded(Message(kind, *("k", Severity.HIGH, "", "", "")), language)
    assert worded(message, "ja").title.startswith("[高]")


def test_every_kind_of_message_and_page_that_there_is_has_texts() -> None:
    wanted = {*ASKING, *OVER, *TOLD.values(), FOR_GOOD, "drill", "digest"}
    assert sorted(wanted - set(KINDS)) == []
    assert sorted(f"refused-{reason}" for reason in STATUS if f"refused-{reason}" not in texts()["pages"]) == []
    templates = Path(application.__file__).parent.glob("templates/*.html")
    said = {name for page in templates for name in re.findall(r'say\("([\w-]+)"', page.read_text(encoding="utf-8"))}
    assert said
    assert sorted(said - set(texts()["pages"])) == []
