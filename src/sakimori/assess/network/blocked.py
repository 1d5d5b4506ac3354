"""What is in the way: every component that would stop the packets by itself, and the first one that they meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sakimori.assess.network.addresses import inside
from sakimori.assess.network.filters import INGRESS
from sakimori.assess.network.judge import Judgement, blocking
from sakimori.assess.network.space import meet
from sakimori.assess.network.stages import Chain, Stage
from sakimori.assess.network.witness import pick


@dataclass(frozen=True, slots=True)
class Blocker:
    """`id` is the setting to look at, `why` a sentence about it. `first`: packets get as far as this."""

    component: str
    id: str
    why: str
    first: bool = False

    def to_json(self) -> dict[str, object]:
        return {"component": self.component, "id": self.id, "why": self.why, "first": self.first}

    def not_first(self) -> Blocker:
        return replace(self, first=False)


def blockers(judgement: Judgement) -> list[Blocker]:
    """The blocking components of a way in the order of travel, the first one met marked."""
    found: dict[tuple[str, str], Blocker] = {}
    for stage, leg, returning in blocking(judgement):
        first = stage is judgement.died
        why = _why(stage, judgement, leg, returning=returning)
        for id in stage.ids or (stage.id,):
            known = found.get((stage.component, id))
            if known is None or (first and not known.first):
                found[stage.component, id] = Blocker(stage.component, id, why, first)
                first = False
    for blocker in _at_the_end(judgement):
        found.setdefault((blocker.component, blocker.id), blocker)
    return sorted(found.values(), key=lambda each: not each.first)


def _why(stage: Stage, judgement: Judgement, leg: int, *, returning: bool) -> str:
    if not isinstance(stage.filter, tuple):
        return stage.why
    nacl, direction, family, reply, peer = stage.filter
    way = "inbound" if direction == INGRESS else "outbound"
    asked = judgement.query
    for each in judgement.way[:leg]:
        asked = each.rewrite.forward(asked) if each.rewrite is not None else asked
    point = pick(asked)
    decided = nacl.decides(direction, family, reply=reply, point=(point[0] if peer is None else peer, *point[1:]))
    whom = "the reply" if returning else "it"
    if decided.startswith("rule") and "allows" in decided:
        return f"{way} rules of {nacl.id} let none of what is left pass"
    return f"{way}: {decided.replace(' it', f' {whom}')}"


def _at_the_end(judgement: Judgement) -> Iterator[Blocker]:
    """What would stop the packets at the target, had they found the way there."""
    if judgement.died is None or judgement.returning:
        return
    leg = judgement.way[-1]
    if leg.forward.end != "dead" or judgement.died.component in ("security_group", "network_acl"):
        return
    flow = leg.flow
    target = judgement.target
    if target is None or any(stage.component == "security_group" and stage.depth > 1 for stage in leg.forward.stages):
        return
    chain = Chain([target.subnet.id, target.node])
    same = flow.src is not None and inside(flow.src, target.subnet.ranges[flow.family])
    if not same:
        chain.nacl(target.subnet, INGRESS, flow, flow.src)
    chain.guard(target.guard, INGRESS, flow, flow.src, flow.groups, target.node)
    for stage in chain.stages:
        if not meet(judgement.query, stage.total):
            for id in stage.ids or (stage.id,):
                yield Blocker(stage.component, id, _why(stage, judgement, 0, returning=False))
