"""An answer as a picture: the path down the page, what is looked at on the way beside it, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from sakimori.assess.network.engine import Answer
from sakimori.assess.network.explain import component, kind, packet_text, short
from sakimori.assess.network.judge import REACHABLE, UNREACHABLE
from sakimori.assess.network.topology import Topology

_COLUMN, _BOX, _ROW, _LINE, _MARGIN = 620, 250, 62, 15, 24
_FILL = {
    "the internet": "#e8eef7",
    "instance": "#e6f4ea",
    "interface": "#e6f4ea",
    "subnet": "#f6f6f6",
    "VPC": "#f1ecf9",
    "load balancer": "#fdf1e0",
}
_INK, _GOOD, _BAD, _DOUBT, _FAINT = "#1f2933", "#1a7f4b", "#c0392b", "#b7791f", "#6b7785"
_CHARACTERS = 52
"""What fits beside a box."""


def draw(net: Topology, answer: Answer) -> str:
    """An SVG document."""
    columns = [("there", answer.path, False)]
    if answer.return_path:
        columns.append(("back", answer.return_path, True))
    drawn = [_Column(net, answer, title, path, returning) for title, path, returning in columns]
    width = _MARGIN * 2 + _COLUMN * len(drawn)
    height = 104 + max(column.height for column in drawn) + _MARGIN
    colour = {REACHABLE: _GOOD, UNREACHABLE: _BAD}.get(answer.answer, _DOUBT)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(answer.source)} to {escape(answer.target)}: {answer.answer}</title>",
        '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="4" refY="7" orient="0">'
        f'<path d="M0 0 L4 8 L8 0 z" fill="{_FAINT}"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(_MARGIN, 36, f"{short(answer.source)} to {short(answer.target)}", size=18, bold=True),
        _text(_MARGIN, 58, f"{answer.answer}: {packet_text(answer.packet)}", fill=colour),
    ]
    for index, column in enumerate(drawn):
        parts.append(f'<g transform="translate({_MARGIN + index * _COLUMN} 80)">{column.svg()}</g>')
    return "".join(parts) + "</svg>\n"


class _Column:
    """One way, down the page."""

    def __init__(self, net: Topology, answer: Answer, title: str, path: list[str], returning: bool) -> None:
        self._net, self._title, self._path = net, title, path
        self._notes = [list[tuple[str, str]]() for _ in path]
        for hop in answer.hops:
            if hop["returning"] != returning:
                continue
            self._notes[hop["step"]].append(
                (_GOOD, f"{component(hop['component'])}: {', '.join(map(short, hop['rules']))}")
            )
        last = returning or not answer.return_path
        if last and path:
            self._notes[-1] += [(_BAD, each.why) for each in answer.blocked_by]
            if answer.answer not in (REACHABLE, UNREACHABLE):
                self._notes[-1] += [(_DOUBT, f"not known: {each}") for each in answer.unknown_because]
        self._stopped = last and answer.answer == UNREACHABLE
        self._lines = [[line for note in notes for line in _wrapped(*note)] for notes in self._notes]

    @property
    def height(self) -> int:
        return 24 + sum(self._step(index) for index in range(len(self._path)))

    def _step(self, index: int) -> int:
        return max(_ROW, len(self._lines[index]) * _LINE + 20)

    def svg(self) -> str:
        return "".join(self._parts())

    def _parts(self) -> Iterator[str]:
        yield _text(0, 12, self._title, fill=_FAINT)
        top = 24
        for index, node in enumerate(self._path):
            final = index == len(self._path) - 1
            yield self._box(node, top, _BAD if self._stopped and final else _FAINT)
            for line, (colour, told) in enumerate(self._lines[index]):
                yield _text(_BOX + 14, top + 14 + line * _LINE, told, fill=colour, size=11)
            if not final:
                bottom = top + self._step(index)
                yield (
                    f'<line x1="{_BOX // 2}" y1="{top + 40}" x2="{_BOX // 2}" y2="{bottom - 3}" stroke="{_FAINT}"'
                    ' marker-end="url(#a)"/>'
                )
            top += self._step(index)

    def _box(self, node: str, top: int, stroke: str) -> str:
        what = kind(node)
        title = self._net.titles.get(node, "")
        above = f"{what} {title}" if title and title not in node else what
        fill = _FILL.get(what, "#eaf3f8")
        box = f'<rect x="0" y="{top}" width="{_BOX}" height="40" rx="6" fill="{fill}" stroke="{stroke}"/>'
        if node == "internet":
            return box + _text(12, top + 25, "internet", bold=True)
        return box + _text(12, top + 16, above[:40], fill=_FAINT, size=11) + _text(12, top + 32, short(node)[-34:])


def _wrapped(colour: str, told: str) -> Iterator[tuple[str, str]]:
    line = ""
    cut = (word[at : at + _CHARACTERS] for word in told.split() for at in range(0, len(word), _CHARACTERS))
    for word in cut:
        if line and len(line) + len(word) + 1 > _CHARACTERS:
            yield colour, line
            line = "  "
        line = f"{line} {word}".strip() if line.strip() else line + word
    yield colour, line


def _text(x: int, y: int, told: str, *, fill: str = _INK, size: int = 13, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" fill="{fill}" font-size="{size}"{weight}>{escape(told)}</text>'
