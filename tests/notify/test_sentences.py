"""What workflows say of one event has words in Japanese, with the same values; what others wrote stays as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_japanese import SPELT

import sakimori
from japanese_told import ENGLISH
from sakimori.aws.errors import NotFound
from sakimori.model.said import PLACEHOLDER, Said, joined, made_of, recalled, say, told
from sakimori.model.severity import Severity
from sakimori.notify.message import Message, worded
from sakimori.notify.translation import japanese, retold
from sakimori.respond.errors import RespondError

SOURCES = Path(sakimori.__path__[0])


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of `say` or `joined`, with its place."""
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "sakimori.model.said import" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield f"{path.relative_to(SOURCES)}:{node.lineno}", node


def literal(place: str, call: ast.Call) -> str:
    first = call.args[0]
    assert isinstance(first, ast.Constant), f"{place}: a template is a literal text, so that it is found here"
    return str(first.value)


def test_every_sentence_has_its_words_and_none_is_left_over() -> None:
    used = {literal(*each) for each in calls("say")}
    known = japanese()["sentences"].keys()
    assert len(used) > 100
    assert sorted(used - known) == [], "say it in src/sakimori/notify/japanese.yml, too"
    assert sorted(known - used) == [], "nobody says this any more"


def test_whoever_says_a_sentence_gives_the_values_that_it_has() -> None:
    for place, call in calls("say"):
        given = {each.arg for each in call.keywords}
        wanted = set(PLACEHOLDER.findall(literal(place, call)))
        assert given == wanted or (None in given and given - {None} <= wanted), place


def test_parts_are_joined_by_what_has_a_counterpart() -> None:
    assert {literal(*each) for each in calls("joined")} == japanese()["joints"].keys()


@pytest.mark.parametrize(("english", "told"), japanese()["sentences"].items())
def test_a_sentence_has_the_same_values_in_japanese_and_is_japanese(english: str, told: str) -> None:
    assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(told))
    words = PLACEHOLDER.sub("", english)
    assert words, "a sentence is more than one value"
    assert SPELT.search(told) or not re.search("[a-z]", words.replace("Not evaluated", ""))


TOLD = (
    *("respond/actions/*.py", "respond/workflows/*.py", "assess/access/checks/*.py", "collect/products/*.py"),
    *(
        "notify/channels/*.py",
        "notify/outside.py",
        "notify/drills.py",
        "protect/client_t*.py",
        "protect/client_answers.py",
    ),
    *("protect/client.py", "protect/gaps.py", "aws/errors.py", "assess/network/findings.py"),
    *(
        f"respond/{name}.py"
        for name in ("protected", "protection", "scanning", "world", "guard", "user_table", "behind")
    ),
    *(f"respond/{name}.py" for name in ("fronts", "pipelines", "interfaces", "describing", "lake_history", "history")),
)
"""Where texts are written that people are told, or errors raised that end up in them."""

NOT_TOLD = {
    *("FINAL", "CHECK"),  # what undo answers at the command line; what a check declares
    *("NotRead", "each_of", "Misconfigured", "NotSupported", "Undone", "Undecided"),  # at the command line
    *("NOT_ASKED", "NOT_IN_THE_INVENTORY"),  # at the command line, too
    *("CustomData", "REASON", "IAM_ACTIONS", "says", "description", "text"),  # what AWS keeps, and shows as it is
    *("note", "what", "ReadTimeout", "_revision"),  # in the ledger, or inside
    *("would", "_canary"),  # the state of a thing, as data; Security Hub is told in English
}


def written(node: ast.AST) -> Iterator[str]:
    """The English in code that is no sentence: three words in a row, outside of `say`, of docstrings and what is named
    in NOT_TOLD."""
    for each in ast.iter_child_nodes(node):
        match each:
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.Call(func=ast.Name(id="say") | ast.Attribute(attr="_only_ours")):
                continue
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in NOT_TOLD:
                continue
            case ast.FunctionDef(name=name) if name in NOT_TOLD:
                continue
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.keyword(arg=str(name)) if name in NOT_TOLD:
                continue
            case ast.Dict(keys=keys) if any(isinstance(key, ast.Constant) and key.value in NOT_TOLD for key in keys):
                continue
            case ast.Constant(value=str(text)) if ENGLISH.search(text) and text not in japanese()["decisions"]:
                yield text
        yield from written(each)


@pytest.mark.parametrize("place", TOLD)
def test_whatever_is_told_is_said_as_a_sentence(place: str) -> None:
    modules = sorted(SOURCES.glob(place))
    assert modules, place
    said = [f"{each.name}: {text}" for each in modules for text in written(ast.parse(each.read_text(encoding="utf-8")))]
    assert said == [], "use `say`, and give its Japanese in src/sakimori/notify/japanese.yml"


def in_japanese(sentence: str) -> str:
    return retold(str(sentence), made_of([sentence]), "ja")


HOSTILE = ["{0}", "{why}", "{0.__class__}", "%(why)s", "{instance}{instance}", "a; b: c", "\\1", "\0", "policy", "none"]


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_put_in_as_they_are_and_never_read(value: str) -> None:
    said = say("whether {instance} is protected: {why}", instance=value, why="{instance}")
    shown = value.replace("\0", "\ufffd")  # what no database holds
    assert said == f"whether {shown} is protected: {{instance}}"
    assert in_japanese(said) == f"{shown} が保護されているかどうか（{{instance}}）"


def test_a_value_that_reads_like_a_sentence_of_ours_is_not_told_in_other_words() -> None:
    said = joined("; ", [say("policy"), say("{sign} {values}", sign=say("policy"), values="policy")])
    assert said == "policy; policy policy"
    assert in_japanese(said) == "ポリシー。ポリシー policy"


def test_sentences_in_sentences_are_told_too_after_they_were_kept() -> None:
    parts = [say("{instance}: {why}", instance="i-1", why=say("no policy is assigned")), say("no warnings")]
    said = say("{count} evaluations: {shown}", count=2, shown=joined("; ", parts))
    assert said == "2 evaluations: i-1: no policy is assigned; no warnings"
    made = made_of([said])
    assert recalled(str(said), made) == said
    assert retold(str(said), made, "ja") == "評価 2 件: i-1: ポリシーが割り当てられていません。警告はありません"
    assert retold(str(said), made, "en") == str(said)


def test_what_nothing_is_kept_of_and_what_others_say_stays_as_it_is() -> None:
    assert retold("the finding is closed", {}, "ja") == "the finding is closed"
    theirs = say("our own words for {thing}", thing="x")  # a workflow of somebody else
    assert isinstance(theirs, Said)
    assert in_japanese(theirs) == "our own words for x"


def test_an_error_that_was_raised_with_a_sentence_is_told_as_that() -> None:
    error = RespondError(say("the lake: {error}", error=ValueError("{error}")))
    assert told(error) == str(error) == "the lake: {error}"
    assert told(ValueError("x", "y")) == "('x', 'y')"
    assert in_japanese(say("held: {why}", why=error)) == "保留中です: データレイク: {error}"


def test_joining_one_part_or_none_adds_nothing() -> None:
    assert joined("; ", []) == ""
    assert joined("; ", ["a"]) == "a"


def test_a_message_tells_the_reason_in_the_language_of_its_route() -> None:
    reason = say("{why}.", why=say("{count} instances may read the bucket", count=3))
    facts = {"workflow": "macie", "decision": "tell", "reason": str(reason), "run": "r"}
    message = Message("run-told", "k", Severity.HIGH, "1", "t", "w", facts, said=made_of([reason]))
    assert "3 台のインスタンスがバケットを読み取れます。" in worded(message, "ja").text()
    assert "3 instances may read the bucket." in worded(message, "en").text()


def test_no_space_is_left_between_japanese_and_japanese() -> None:
    denied = NotFound("s3:ListAllMyBuckets", say("(all)"), "x", "")
    assert retold(str(denied), made_of([told(denied)]), "ja").startswith(
        "すべてのリソースに対する s3:ListAllMyBuckets が"
    )
    theirs = NotFound("s3:GetObject", "日本", "x", "")
    assert retold(str(theirs), made_of([told(theirs)]), "ja").startswith("日本 に対する")
