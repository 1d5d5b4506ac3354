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

from sakimori.assess.access.exposure import checks
from sakimori.assess.network.findings import EXPOSURE
from sakimori.collect import products
from sakimori.detect import rules as rules_folder
from sakimori.model.attack import TACTICS
from sakimori.model.finding import Finding
from sakimori.model.said import say
from sakimori.model.severity import Severity
from sakimori.notify import drills
from sakimori.notify.message import Message, worded
from sakimori.notify.news import news
from sakimori.notify.translation import ASSERTION, in_language, japanese, japanese_rules
from sakimori.protect import gaps
from sakimori.respond import plugins, protected
from sakimori.respond.runs import made_of
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
        (
            "findings",
            {each.id for each in checks()} | {EXPOSURE, ASSERTION, gaps.RULE, protected.RULE, drills.RULE},
        ),
        ("tactics", set(TACTICS)),
        ("workflows", set(plugins.workflow_names())),
    ],
)
def test_every_check_tactic_and_workflow_has_its_words(part: str, wanted: set[str]) -> None:
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
    title = "Anybody may s3:GetObject on data if aws:SourceIp = 10.0.0.0/8"
    finding = replace(FINDING, rule=check.id, title=title, description=check.check.why, remediation=check.check.fix)
    said = said_of(finding)
    assert "誰でも data に対して s3:GetObject を実行できる（条件: aws:SourceIp = 10.0.0.0/8）" in said
    assert check.check.why not in said
    assert check.check.fix not in said


def test_a_check_that_says_it_otherwise_keeps_its_words_behind_ours() -> None:
    said = said_of(replace(FINDING, rule="public_resource", title="All the world reads data"))
    assert "リソースが誰にでも公開されている（All the world reads data）" in said


def forms() -> list[tuple[str, str, str]]:
    """(rule, English, Japanese): the texts of findings that hold values."""
    return [(rule, *form) for rule, about in japanese()["findings"].items() for form in about.get("says", {}).items()]


def test_a_text_with_values_has_the_same_in_both_languages() -> None:
    values = re.compile(r"\{\w*\}")
    assert [each for each in forms() if set(values.findall(each[1])) != set(values.findall(each[2]))] == []


@pytest.mark.parametrize(("rule", "english", "ours"), forms())
def test_a_text_is_told_by_the_form_that_it_has(rule: str, english: str, ours: str) -> None:
    given = {name: f"{name}-{{what}} {number}" for number, name in enumerate(re.findall(r"\{(\w+)\}", english))}
    told = in_language({"title": english.format_map(given), "rule": rule}, "ja")
    assert told["title"] == ours.format_map(given)


def written_in(module: Path) -> Iterator[str]:
    """The titles and descriptions that a module of a product writes itself."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg in ("title", "description"):
            choices = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
            yield from (text_of(each) for each in choices if isinstance(each, ast.Constant | ast.JoinedStr))


def text_of(node: ast.expr) -> str:
    """A text with what its values are if there are none, or X."""
    match node:
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr(values=parts):
            return "".join(map(text_of, parts))
        case ast.FormattedValue(value=ast.BoolOp(values=[*_, last])):
            return text_of(last)
    return "X"


def test_what_we_say_of_what_a_product_found_has_its_words() -> None:
    [folder] = products.__path__
    said = [(f"{each.stem}/x", text) for each in sorted(Path(folder).glob("*.py")) for text in written_in(each)]
    assert ("guardduty/x", "Malware in s3://X/X") in said
    told = {text: in_language({"title": text, "rule": rule}, "ja")["title"] for rule, text in said}
    assert [text for text, ours in told.items() if text == ours] == []


def test_what_others_write_is_not_taken_for_ours() -> None:
    annotation = "The bucket is encrypted with a key of nobody."
    assert in_language({"rule": "config/r", "description": annotation}, "ja")["description"] == annotation


def test_an_unprotected_instance_is_told_with_the_finding_and_the_reasons_in_japanese() -> None:
    reasons = "no agent is installed and activated; no policy is assigned"
    said = f"sakimori says: Snapshot made. The instance is not protected: {reasons}."
    told = in_language({"rule": protected.RULE, "description": said}, "ja")["description"]
    assert "sakimori の検出結果: スナップショットが作成された。" in told
    assert "エージェントが導入、有効化されていません。ポリシーが割り当てられていません" in told


@pytest.mark.parametrize(
    ("title", "ours"),
    [
        ("An access key is exposed", "アクセスキーが漏洩している"),
        ("Snapshot made", "スナップショットが作成された"),
        ("theirs", "theirs"),
    ],
)
def test_a_run_names_its_finding_in_japanese(title: str, ours: str) -> None:
    reason = say("{title}: {why}", title=title, why="so")
    facts = {"workflow": "theirs", "decision": "do-it", "reason": str(reason)}
    assert in_language(facts, "ja", made_of([reason]))["reason"] == f"{ours}: so"


def test_a_very_long_name_is_not_searched_for_values() -> None:
    title = f"x can become an administrator: {'a then ' * 10_000}b"
    assert in_language({"title": title, "rule": "privilege_escalation"}, "ja")["title"].endswith(f"（{title}）")


def test_an_assertion_of_the_user_keeps_its_own_words() -> None:
    said = said_of(replace(FINDING, rule="network/assertion/no-ssh", title="web-1 violates: no ssh"))
    assert "web-1 がネットワークの取り決めに違反している: no ssh" in said


def test_a_rule_of_somebody_else_keeps_its_title_even_under_our_id() -> None:
    finding = replace(FINDING, rule="s3_bucket_policy_public", title="My own words")
    assert "検出: My own words" in said_of(finding)


def test_values_are_no_templates_in_japanese_either() -> None:
    said = said_of(replace(FINDING, rule="public_resource", title="{description} {acknowledge}"))
    assert "（{description} {acknowledge}）" in said


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
