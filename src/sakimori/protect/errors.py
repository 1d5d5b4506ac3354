"""What goes wrong in the manager: each error knows its HTTP status and says what to do."""

from __future__ import annotations

from collections.abc import Mapping


class ProtectError(Exception):
    """An answer other than success. The message goes to the client as `{"message": ...}`."""

    status = 400

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})


class Invalid(ProtectError):
    """The request is not one that the API takes."""


class Unauthenticated(ProtectError):
    status = 401


class Forbidden(ProtectError):
    status = 403


class NotFound(ProtectError):
    status = 404


class NotAllowed(ProtectError):
    status = 405


class TooLarge(ProtectError):
    status = 413


class TooMany(ProtectError):
    status = 429


class NotAvailable(ProtectError):
    """What is asked for needs something that is not there now."""

    status = 503
