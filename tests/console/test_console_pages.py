"""The console's pages: what they show, in HTML and as JSON, and what people do there."""

from __future__ import annotations

from consoles import Site, pretended, site

from sakimori.model.action import Mode
from sakimori.respond.runs import RunState

__all__ = ["pretended", "site"]


def test_smoke(site: Site) -> None:
    run = site.run(Mode.APPROVE)
    kaede = site.kaede()
    for path in ("/runs", f"/runs/{run.id}", "/approvals", "/dead-letters", "/findings", f"/findings/{run.event_uid}"):
        print(path, kaede.text(path)[:3000])
        kaede.json("/api" + path)
    assert run.state is RunState.WAITING
