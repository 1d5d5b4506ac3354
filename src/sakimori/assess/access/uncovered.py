"""What has a say beside IAM and that nobody has looked at: answers that turn on it are Unknown, and say so."""

from __future__ import annotations

import re

_CATALOGUE = re.compile(r"glue:\w*(catalog|database|table|partition|column|userdefinedfunction)\w*|athena:\w*")


def lake_formation(action: str) -> list[str]:
    """That Lake Formation, whose permissions nobody has looked at, has to allow the action as well; else nothing.

    It lists them only to its own administrators in full ("ListPermissions", Lake Formation API). Whom it lets in from
    other accounts stands in the data catalog's policy and in shares of RAM, which are looked at.
    """
    has_a_say = _CATALOGUE.fullmatch(action.lower())
    return ["Lake Formation has to allow it as well, and its permissions are not looked at"] if has_a_say else []


HANDS_OUT = {"lakeformation.amazonaws.com": "Lake Formation", "access-grants.s3.amazonaws.com": "S3 Access Grants"}
"""Services that hand out sessions of the roles that they are trusted with, to whom their own grants say."""
