"""Who is responsible for what, and where people reach our pages.

[notify.people]
payments = "Kaede"                        # the value of an asset's owner tag = who that is

[notify.options]
address = "https://sakimori.example.org"  # where `respond listen --webhook` is reached; default: no links
owner_tags = ["owner", "Owner"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sakimori.notify.errors import NotifyError
from sakimori.notify.sender import People


def options(given: Mapping[str, Any], people: Mapping[str, Any]) -> tuple[str, People]:
    """The address, "" if there is none, and the people. Raises NotifyError."""
    unknown = sorted(given.keys() - {"address", "owner_tags"})
    if unknown:
        raise NotifyError(f"[notify.options] has no setting {unknown[0]}: it may have address and owner_tags")
    tags = given.get("owner_tags", list(People().tags))
    if not isinstance(tags, list) or not all(isinstance(each, str) and each for each in tags):
        raise NotifyError("[notify.options]: owner_tags is a list of names of tags")
    wrong = [owner for owner, person in people.items() if not isinstance(person, str) or not person]
    if wrong:
        raise NotifyError(f"[notify.people]: {wrong[0]} is to be the name of a person")
    return _address(str(given.get("address", ""))), People(dict(people), tuple(tags))


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if text and (not parts.hostname or (parts.scheme != "https" and not (here and parts.scheme == "http"))):
        raise NotifyError("[notify.options]: address is an https:// URL, such as https://sakimori.example.org")
    if parts.query or parts.fragment or any(letter.isspace() for letter in text):
        raise NotifyError("[notify.options]: address is where our pages begin, without a query")
    return text.rstrip("/")
