"""Regular expressions of rules: RE2's syntax and no other, checked when the rule is read."""

from __future__ import annotations

import re
from typing import Any

import re2
from sigma.policy import default_policy
from sigma.policy.regex_engine import RE2RegexEngine


class QuietRE2(RE2RegexEngine):
    """pySigma's check, without RE2's own lines on stderr, and with our words for what RE2 leaves out."""

    def compile(self, pattern: str, flags: int = 0) -> Any:
        options = re2.Options()
        options.log_errors = False
        names = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
        inline = "".join(name for flag, name in names.items() if flags & flag)
        try:
            return re2.compile(f"(?{inline}){pattern}" if inline else pattern, options)
        except re2.error as error:
            reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
            raise re2.error(
                f"{reason} (RE2 syntax: no look-around, no back-references, since their time has no bound)"
            ) from None


def use_re2() -> None:
    """Have pySigma check with it: it takes its engine from this one policy and has no parameter for it."""
    default_policy.regex_engine = QuietRE2()
