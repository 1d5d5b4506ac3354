"""One error class for each way in which a call to a manager fails, so that callers can tell "no" from "not known".

A manager that does not answer says nothing about whether a computer is protected.
"""

from __future__ import annotations


class ManagerError(Exception):
    """A call to a workload protection manager did not do what it should; the message says which and what to do."""


class Misconfigured(ManagerError):
    """The client cannot even try: its address, key or CA file is not usable."""


class Unreachable(ManagerError):
    """No answer: the name does not resolve, nothing listens, or it took too long."""


class Untrusted(ManagerError):
    """The manager's certificate is not vouched for by the CAs that the client trusts."""


class Unavailable(ManagerError):
    """The manager answers that it cannot answer now (5xx), also after retries."""


class RateLimited(ManagerError):
    """Too many calls (429), also after waiting as long as the client may."""


class Unauthenticated(ManagerError):
    """The manager does not accept the API key."""


class NotPermitted(ManagerError):
    """The role of the API key does not allow it."""


class NotFound(ManagerError):
    """There is no such thing, or the role of the API key does not reach it."""


class Refused(ManagerError):
    """The manager found the request wrong; the message holds its reason."""


class UnexpectedAnswer(ManagerError):
    """An answer that is not of this API: a redirect, a page of HTML, a field of another type."""


class NotSupported(ManagerError):
    """This manager's API does not offer it."""


class TaskFailed(ManagerError):
    """The manager says that a task did not succeed; the message holds its reason."""


class ChangedSince(ManagerError):
    """What should be undone is not as it was left any more."""


class NotVerified(ManagerError):
    """A task was accepted, and its effect was not seen in time."""
