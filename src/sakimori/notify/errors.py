"""What can go wrong when people are to be told."""

from __future__ import annotations


class NotifyError(Exception):
    """A message cannot be sent, or a route is not usable; the message says which, why and what to do.

    `passing`: it may be over the next time, so that the rest of the route waits, too. `wait` is how many seconds the
    other side wants us to stay away; `status` the HTTP status with which it said no, 0 if it did not. `perhaps`: it was
    sent, and only the answer is missing, so that it may have arrived all the same.
    """

    def __init__(
        self, said: str, *, passing: bool = False, wait: float = 0.0, status: int = 0, perhaps: bool = False
    ) -> None:
        super().__init__(said)
        self.passing, self.wait, self.status, self.perhaps = passing, wait, status, perhaps
