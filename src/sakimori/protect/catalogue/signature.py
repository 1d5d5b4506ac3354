"""Reads a signature in Suricata's rule syntax far enough to say what is wrong with it, without Suricata.

`parse` gives the header and the options in order. Suricata itself is the judge in tests where it is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER = re.compile(
    r"(?P<action>alert|drop|reject|pass)\s+(?P<protocol>tcp|udp|icmp|ip|http|tls|smtp|ssh|dns|smb|tcp-pkt)\s+"
    r"(?P<source>\S+)\s+(?P<source_ports>\S+)\s+(?P<direction>->|<>)\s+(?P<target>\S+)\s+(?P<ports>\S+)\s+\((?P<options>.*)\)"
)
BUFFERS = frozenset(
    (
        *"http.uri http.uri.raw http.method http.header http.header.raw http.request_body http.cookie".split(),
        *"http.user_agent http.host http.host.raw http.content_type http.request_line http.referer".split(),
        *"http.accept http.header_names http.connection http.content_len http.start file.data pkt_data".split(),
    )
)
_FLAGS = BUFFERS | frozenset(
    ("nocase", "fast_pattern", "endswith", "startswith", "rawbytes", "noalert", "to_lowercase")
)
_VALUES = frozenset(
    (
        *"msg flow content pcre sid rev reference classtype metadata depth offset distance within bsize".split(),
        *"dsize urilen byte_test byte_jump threshold app-layer-event app-layer-protocol flowbits priority".split(),
        *"isdataat flowint xbits byte_extract stream_size".split(),
    )
)
_MODIFIES_CONTENT = frozenset("nocase depth offset distance within fast_pattern startswith endswith rawbytes".split())
_CONTENT = re.compile(r'!?"((?:[^"\\;|:]|\\[\\";:]|:|\|[0-9A-Fa-f]{2}(?: [0-9A-Fa-f]{2})*\|)+)"')
_PCRE = re.compile(r'!?"/(?P<pattern>.*)/(?P<flags>[A-Za-z]*)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Signature:
    """`options` are (keyword, value) in order, the value "" for keywords that have none."""

    action: str
    protocol: str
    target_ports: str
    options: tuple[tuple[str, str], ...]

    def value(self, keyword: str) -> str:
        """The value of the first such option without its quotes, "" if there is none."""
        return next((value.strip('"') for name, value in self.options if name == keyword), "")

    @property
    def sid(self) -> int:
        return int(self.value("sid") or 0)

    def contents(self) -> tuple[str, ...]:
        """The texts that it looks for and that must be there."""
        return tuple(value[1:-1] for name, value in self.options if name == "content" and value.startswith('"'))


class SignatureError(ValueError):
    """It is no signature; the message says why."""


def parse(text: str) -> Signature:
    """Raises SignatureError."""
    found = _HEADER.fullmatch(" ".join(text.split("\n")).strip())
    if found is None:
        raise SignatureError("does not read `alert PROTOCOL SOURCE PORTS -> TARGET PORTS (OPTIONS)`")
    return Signature(found["action"], found["protocol"], found["ports"], tuple(_options(found["options"])))


def problem(text: str, *, sid: int, message: str) -> str:
    """What is wrong with a rule's signature, "" if nothing: its syntax, number and name, and whether it says enough."""
    try:
        signature = parse(text)
        for keyword, value in signature.options:
            _check(keyword, value)
        _check_order(signature)
    except SignatureError as error:
        return str(error)
    if signature.sid != sid:
        return f"has sid {signature.sid}: this one's is {sid}"
    if signature.value("msg") != message:
        return f"has the msg {signature.value('msg')!r}, which is not the rule's name"
    if not signature.contents() and not signature.value("app-layer-event"):
        return "looks for no content: it would be tried on every packet"
    if not signature.value("flow"):
        return "does not say which direction of a flow it looks at"
    return ""


def _options(text: str) -> list[tuple[str, str]]:
    """Split at semicolons outside of quotes that no backslash takes away."""
    found: list[tuple[str, str]] = []
    for option in re.findall(r'((?:"(?:\\.|[^"\\])*"|\\.|[^;"\\])+);', text):
        keyword, _, value = option.strip().partition(":")
        found.append((keyword.strip(), value.strip()))
    if not text.rstrip().endswith(";"):
        raise SignatureError("its options do not end with a semicolon")
    return found


def _check(keyword: str, value: str) -> None:
    if keyword in _VALUES and keyword != "fast_pattern" and not value:
        raise SignatureError(f"{keyword} has no value")
    if keyword not in _VALUES and keyword not in _FLAGS:
        raise SignatureError(f"there is no keyword {keyword!r} among those that the agent understands")
    if keyword == "content" and not _CONTENT.fullmatch(value):
        raise SignatureError(f"content:{value} is not quoted, is empty, or has a character that must be |hex|")
    if keyword == "pcre":
        found = _PCRE.fullmatch(value)
        if found is None:
            raise SignatureError(f'pcre:{value} does not read "/PATTERN/FLAGS"')
        try:
            re.compile(found["pattern"].replace(r"\/", "/"))
        except re.error as error:
            raise SignatureError(f"pcre:{value} is no pattern: {error}") from None


def _check_order(signature: Signature) -> None:
    """A modifier belongs to the content before it; a buffer is there to be looked into."""
    previous = ""
    waiting_buffer = ""
    for keyword, _ in signature.options:
        if keyword in _MODIFIES_CONTENT and previous != "content":
            raise SignatureError(f"{keyword} follows no content")
        if keyword in BUFFERS:
            if waiting_buffer:
                raise SignatureError(f"{waiting_buffer} is named and not looked into")
            waiting_buffer = keyword
        elif keyword in ("content", "pcre", "bsize", "isdataat", "byte_test", "urilen"):
            waiting_buffer = ""
        if keyword not in _MODIFIES_CONTENT:
            previous = keyword
    if waiting_buffer:
        raise SignatureError(f"{waiting_buffer} is named and not looked into")
