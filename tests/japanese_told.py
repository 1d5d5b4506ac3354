"""Whether a finding that the product really made is told in Japanese without its English."""

from __future__ import annotations

from typing import Any

from sakimori.notify.translation import in_language


def told_in_japanese(finding: dict[str, Any], *theirs: str) -> dict[str, str]:
    """The facts of the finding (as JSON) in Japanese. The texts named in `theirs` others wrote, and they stay."""
    facts = {"rule": finding["rule"], "remedy": finding["remediation"]}
    facts |= {name: finding[name] for name in ("title", "description")}
    told = in_language(facts, "ja")
    left = [name for name in ("title", "description", "remedy") if facts[name] in told[name] and name not in theirs]
    assert left == [], "src/sakimori/notify/japanese.yml has no words for it"
    return told
