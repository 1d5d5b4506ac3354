"""The documentation is whole: a page for every verb and rule, none of them stale, nothing undocumented."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sakimori.model import attack

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _load()


def leaf_commands(group: Any, path: str = "sakimori") -> Iterator[tuple[str, Any]]:
    for name, command in generate.commands(group):
        if generate.is_group(command):
            yield from leaf_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_page_is_there_and_none_is_stale() -> None:
    assert generate.differences() == [], "run `make docs`"


def test_every_verb_argument_and_option_says_what_it_does() -> None:
    silent = []
    for path, command in leaf_commands(generate.application()):
        if not generate.summary(command):
            silent.append(path)
        silent += [f"{path} {p.name}" for p in command.params if not getattr(p, "help", None) and not p.hidden]
    assert silent == []


def test_every_technique_that_a_rule_names_has_a_name() -> None:
    tagged = {
        tag.removeprefix("attack.").upper()
        for path in generate.RULES.glob("*/*.yml")
        for document in generate._documents(path)
        for tag in generate._tags(document)
        if generate._is_technique(tag)
    }
    assert sorted(uid for uid in tagged if not attack.technique_name(uid)) == []


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")]), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_environment_variable_that_is_read_is_documented() -> None:
    read = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"(?:environ|getenv)[^\n]*?\b(SAKIMORI_[A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    documented = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert read
    assert sorted(name for name in read if f"`{name}`" not in documented) == []


def test_every_setting_of_the_configuration_file_is_documented() -> None:
    from sakimori.cli.configuration import SETTINGS

    documented = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert SETTINGS
    assert sorted(name for name in SETTINGS if f"`{name}`" not in documented) == []


def test_every_product_whose_events_are_read_is_documented() -> None:
    from sakimori.collect.products import plugins

    documented = (DOCS / "events.md").read_text(encoding="utf-8")
    assert [plugin.name for plugin in plugins() if f"| `{plugin.name}` |" not in documented] == []


def test_every_workflow_and_channel_is_documented() -> None:
    from sakimori.notify.routes import channel_names
    from sakimori.respond.plugins import workflow_names

    respond, notify = ((DOCS / name).read_text(encoding="utf-8") for name in ("respond.md", "notify.md"))
    assert [name for name in workflow_names() if f"| `{name}` |" not in respond] == []
    assert [name for name in channel_names() if f"`{name}`" not in notify] == []


def test_every_page_and_act_of_the_console_is_documented() -> None:
    from sakimori.console.pages import acts, pages

    documented = (DOCS / "console.md").read_text(encoding="utf-8")
    paths = [page.path for page in pages()] + [f"/api{act.path}" for act in acts()]
    named = [re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), path) for path in paths]
    assert [path for path in named if not re.search(rf"`{path}[?`]", documented)] == []
