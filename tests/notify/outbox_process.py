"""A process that sends what is due, over and over, until it is killed: `outbox_process.py LEDGER URL CHANNEL MINUTES`.

Each turn is `MINUTES` and a turn's number after midnight in Tokyo, where it is quiet until seven.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from sakimori.model.severity import Severity
from sakimori.notify.asking import Links
from sakimori.notify.notifier import Notifier
from sakimori.notify.quiet import Quiet, quiet
from sakimori.notify.routes import Route
from sakimori.notify.signing import Signer
from sakimori.store.database import connect
from sakimori.store.ledger import Ledger

MIDNIGHT = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def main(place: str, url: str, channel: str, minutes: int) -> None:
    settings = {"url": url, "private": True}
    night = quiet("r", {"quiet": ["22:00-07:00"], "time_zone": "Asia/Tokyo"}) if channel == "slack" else Quiet()
    engine = connect(place)
    notifier = Notifier(
        engine, [Route("r", channel, Severity.LOW, settings=settings, quiet=night)], Links(Signer((b"k",)))
    )
    ledger = Ledger(engine)
    print("ready", flush=True)
    for turn in range(1_000_000):
        now = MIDNIGHT + timedelta(minutes=minutes, seconds=turn)
        notifier.send_findings(ledger.findings(), now)
        if turn == 0:
            print("first", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
