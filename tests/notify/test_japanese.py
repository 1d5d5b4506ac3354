"""What our findings and workflows say has words in Japanese, all of it; what others wrote stays as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_channels import FINDING

from sakimori.assess.access import checks as access_checks
from sakimori.assess.access.exposure import checks
from sakimori.collect import products
from sakimori.detect import rules as rules_folder
from sakimori.model.attack import TACTICS
from sakimori.model.finding import Finding
from sakimori.model.said import made_of, say
from sakimori.model.severity import Severity
from sakimori.notify.message import Message, worded
from sakimori.notify.news import news
from sakimori.notify.translation import in_language, japanese, japanese_rules
from sakimori.respond import plugins
from sakimori.store.findings import Status, StoredFinding

SPELT = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
"""Kana and kanji."""


@cache
def rules() -> list[dict[str, Any]]:
    """All detection rules of ours."""
    [folder] = rules_folder.__path__
    documents = (
        document
        for path in sorted(Path(folder).rglob("*.yml"))
        for document in yaml.load_all(path.read_bytes(), yaml.CSafeLoader)
    )
    return [each for each in documents if isinstance(each, dict) and "title" in each]


def descriptions() -> set[str]:
    """Why it matters, as findings have it: in one line."""
    return {" ".join(each.get("description", "").split()) for each in rules()}


def constant() -> set[str]:
    """Texts of ours that hold no values, but for the rules' descriptions."""
    titles = (str(each["title"]) for each in rules())
    return {*titles, *(each.check.why for each in checks()), *(each.check.fix for each in checks())}


def test_every_text_that_stays_the_same_has_its_words_and_none_is_left_over() -> None:
    known = japanese()["texts"]
    assert sorted(constant() - known.keys()) == [], "say it in src/sakimori/notify/japanese.yml, too"
    assert sorted(known.keys() - constant()) == [], "nobody says this any more"


def test_what_every_rule_says_has_its_words_and_none_is_left_over() -> None:
    known, said = japanese_rules(), descriptions()
    assert len(said) > 400
    assert sorted(said - known.keys()) == [], "say it in src/sakimori/notify/japanese_rules.yml, too"
    assert sorted(known.keys() - said) == [], "no rule says this any more"


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ("tactics", set(TACTICS)),
        ("workflows", set(plugins.workflow_names())),
    ],
)
def test_every_tactic_and_workflow_has_its_words(part: str, wanted: set[str]) -> None:
    assert japanese()[part].keys() == wanted


def test_every_action_has_its_words() -> None:
    assert japanese()["decisions"].keys() >= set(plugins.action_names())


def values(node: Any) -> Iterator[str]:
    for each in node.values():
        yield from values(each) if isinstance(each, dict) else [each]


def test_the_words_are_japanese() -> None:
    telling = {name: each for name, each in japanese().items() if name not in ("sentences", "joints")}
    assert [each for each in values(telling) if not SPELT.search(each)] == []
    assert [each for each in japanese_rules().values() if not SPELT.search(each)] == []


def test_what_a_rule_says_is_whole_sentences_without_english_ones() -> None:
    said = japanese_rules().values()
    assert [each for each in said if not each.endswith(("。", "。）"))] == []
    assert [each for each in said if re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", each)] == []
    assert len(set(said)) == len(said), "two rules that say different things are told alike"


def said_of(finding: Finding, language: str = "ja") -> str:
    message = news(StoredFinding(finding, Status.NEW, "", ""), None)
    assert message is not None
    return worded(message, language).text()


def test_a_detection_is_told_in_japanese_with_what_its_rule_says() -> None:
    finding = replace(
        FINDING, rule="s3_bucket_policy_public", title="S3 bucket policy opened to everyone", tactics=("exfiltration",)
    )
    said = said_of(finding)
    assert "S3 バケットポリシーが全員に開放された" in said
    assert "opened to everyone" not in said
    assert "持ち出し" in said
    assert "Anybody may read it." in said
    assert "S3 bucket policy opened to everyone" in said_of(finding, "en")


def test_what_our_rule_says_is_told_in_japanese_alone() -> None:
    for rule in rules():
        english = " ".join(rule["description"].split())
        finding = replace(FINDING, rule="r", title=rule["title"], description=english, tactics=("impact",))
        said = said_of(finding)
        assert japanese_rules()[english] in said
        assert english not in said


def test_a_check_is_told_with_its_values() -> None:
    [check] = [each for each in checks() if each.id == "public_resource"]
    about = {"action": "s3:GetObject", "what": "data"}
    title = say(
        "{who} may {action} on {what} if {terms}", who=say("Anybody"), terms="aws:SourceIp = 10.0.0.0/8", **about
    )
    finding = replace(FINDING, title=str(title), description=check.check.why, remediation=check.check.fix)
    said = said_of(replace(finding, rule=check.id, said=made_of([title])))
    assert "誰でも、data に対して s3:GetObject を実行できる（条件: aws:SourceIp = 10.0.0.0/8）" in said
    assert check.check.why not in said
    assert check.check.fix not in said
    assert str(title) in said_of(replace(finding, said=made_of([title])), "en")


def test_what_was_found_before_sentences_were_kept_is_told_as_it_was() -> None:
    assert "検出: Anybody may read data" in said_of(
        replace(FINDING, rule="public_resource", title="Anybody may read data")
    )


def written_in(module: Path) -> Iterator[str]:
    """The titles and descriptions that a module writes itself, and not as a sentence."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg in ("title", "description"):
            yield from (ast.unparse(each) for each in texts_of(node.value))


def texts_of(node: ast.expr) -> Iterator[ast.expr]:
    """The texts in an expression, but for those of calls."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            yield node
        case ast.IfExp(body=one, orelse=other):
            yield from (*texts_of(one), *texts_of(other))
        case ast.BoolOp(values=several):
            yield from (text for each in several for text in texts_of(each))
        case ast.Call(func=ast.Attribute(attr="join", value=value), args=[ast.GeneratorExp(elt=part)]):
            yield from (value, *texts_of(part))


@pytest.mark.parametrize("folder", [products.__path__[0], *(access_checks.__path__)], ids=["products", "checks"])
def test_what_we_say_of_what_was_found_is_said_as_sentences(folder: str) -> None:
    modules = sorted(Path(folder).glob("*.py"))
    assert len(modules) > 9
    own = {str(each.check.title) for each in checks()}  # what a check is called: it is told nobody
    said = [text for each in modules for text in written_in(each) if ast.literal_eval(text) not in own]
    assert said == [], "use `say`, and give its Japanese in src/sakimori/notify/japanese.yml"


def test_what_others_write_is_not_taken_for_ours() -> None:
    annotation = "The bucket is encrypted with a key of nobody."
    assert in_language({"rule": "config/r", "description": annotation}, "ja")["description"] == annotation


@pytest.mark.parametrize(
    ("title", "ours"),
    [
        (say("An access key is exposed"), "アクセスキーが漏洩している"),
        ("Snapshot made", "スナップショットが作成された"),
        ("theirs", "theirs"),
    ],
)
def test_a_run_names_its_finding_in_japanese(title: str, ours: str) -> None:
    reason = say("{title}: {why}", title=title, why="so")
    facts = {"workflow": "theirs", "decision": "do-it", "reason": str(reason)}
    assert in_language(facts, "ja", made_of([reason]))["reason"] == f"{ours}: so"


def test_a_rule_of_somebody_else_keeps_its_title_even_under_our_id() -> None:
    finding = replace(FINDING, rule="s3_bucket_policy_public", title="My own words")
    assert "検出: My own words" in said_of(finding)


def test_values_are_no_templates_in_japanese_either() -> None:
    title = say("{who} has never been used", who="{description} {acknowledge} {who}")
    said = said_of(replace(FINDING, rule="unused_access", title=str(title), said=made_of([title])))
    assert "検出: {description} {acknowledge} {who} が一度も使われていない" in said


def test_a_run_says_what_it_does_and_what_for() -> None:
    facts = {
        "workflow": "macie",
        "decision": "block-public-access, integrity-scan",
        "reason": "3 instances",
        "run": "r",
    }
    said = worded(Message("run-done", "k", Severity.HIGH, "1", "t", "w", facts), "ja")
    assert "パブリックアクセスをブロック、変更監視の検索" in said.title
    assert "Macie が機密データ" in said.text()
    assert "3 instances" in said.text()


def test_a_workflow_of_somebody_else_stays_as_it_is() -> None:
    facts = {"workflow": "theirs", "decision": "do-it", "reason": "so", "run": "r"}
    assert in_language(facts, "ja") == facts
    assert in_language(facts, "en") == facts
