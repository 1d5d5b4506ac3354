"""Whether a finding that the product really made is told in Japanese without its English."""

from __future__ import annotations

import re

from sakimori.model.finding import Finding
from sakimori.notify.news import news
from sakimori.notify.translation import in_language
from sakimori.store.findings import Status, StoredFinding

ENGLISH = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}")
CODE = re.compile("`[^`]*`")


def told_in_japanese(finding: Finding, *theirs: str) -> dict[str, str]:
    """The facts of the finding in Japanese. The texts named in `theirs` others wrote, and they stay."""
    message = news(StoredFinding(finding, Status.NEW, "", ""), None)
    assert message is not None
    told = in_language(message.facts, "ja", message.said)
    names = [name for name in ("title", "description", "remedy") if name not in theirs]
    left = [
        told[name] for name in names if message.facts[name] in told[name] or ENGLISH.search(CODE.sub("", told[name]))
    ]
    assert left == [], "src/sakimori/notify/japanese.yml has no words for it"
    return told
