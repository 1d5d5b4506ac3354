"""How bad a finding is, in OCSF's numbers."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """OCSF `severity_id` (OCSF 1.7, attribute dictionary), without 0 (Unknown) and 99 (Other), which we never emit."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5
    FATAL = 6

    @property
    def label(self) -> str:
        """The OCSF caption: `Severity.HIGH.label == "High"`."""
        return _LABELS[self]

    @classmethod
    def parse(cls, text: str) -> Severity:
        """The severity that `text` names, in any case; `info` is short for informational.

        Raises ValueError, naming the choices, for anything else.
        """
        name = text.strip().upper()
        if name == "INFO":
            return cls.INFORMATIONAL
        try:
            return cls[name]
        except KeyError:
            choices = ", ".join(level.label for level in cls)
            raise ValueError(f"unknown severity {text!r}: choose one of {choices}") from None


_LABELS = ("Unknown", *(level.name.capitalize() for level in Severity))
