"""Modes over the API: who changed which when and why, promotion on evidence, and undoing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from sakimori.protect import accept, modes, promotion, storage
from sakimori.protect.calls import Call, Operation, Shape
from sakimori.protect.declare import Field, choice, flag, moment, number, struct, text, texts
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.modes import ModeChange
from sakimori.protect.objects import Shown
from sakimori.protect.proof import policy_of

EDIT = "platformRights/policyRights/canEditPolicyProperties"
TAG = "sakimori"

CHANGE = Shape(
    "ModeChange",
    (
        number("ID"),
        moment("time"),
        text("scope", says="Where: policies/3, computers/7, intrusionpreventionrules/1001 or policies/default."),
        text("subject", says="What: intrusionPrevention/state, rule/1001/action, intrusionPrevention/ruleIDs, ..."),
        text("before", says="Its own value before, as JSON; null if it had none."),
        text("after"),
        text("who"),
        text("why"),
        text("evidence", says="What a promotion went by, as JSON."),
    ),
)
ASKED = Shape(
    "NewPromotion",
    (
        text("target", required=True, says="A rule by ID, identifier or name, or a module."),
        text("policy", required=True, says="A policy by ID or name."),
        choice("to", "prevent detect"),
        Field("afterDays", "decimal", says="How many days it must have been in detect. Default: 14."),
        number("maxFalsePositives", says="How many events may have been judged wrong, or not at all. Default: 0."),
        text("reason"),
        flag("dryRun", says="Change nothing."),
    ),
)
DECISION = Shape(
    "Promotion",
    (
        text("target"),
        number("policy"),
        text("policy_name"),
        text("before"),
        text("after"),
        choice("decision", "changed refused would-be-changed"),
        texts("refused"),
        texts("notes"),
        number("change"),
        struct(
            "evidence",
            "PromotionEvidence",
            moment("since"),
            moment("looked_from"),
            moment("looked_to"),
            Field("days", "decimal"),
            number("computers"),
            number("watching"),
            number("events"),
            number("true_positives"),
            number("false_positives"),
            number("unjudged"),
        ),
    ),
)


def operations() -> Iterator[Operation]:
    page = (number("after", says="Only what comes behind this ID."), number("limit", says="How many at most."))
    yield Operation(
        "GET",
        "/sakimori/modes",
        "list_mode_changes",
        TAG,
        "Lists every change of a mode: where, who, when and why.",
        _list,
        gives=Shape(CHANGE.model, CHANGE.fields, "changes"),
        query=(*page, text("scope"), text("subject")),
    )
    yield Operation(
        "POST",
        "/sakimori/promotions",
        "promote",
        TAG,
        "Has a rule or module prevent on a policy if that is proven, or only detect again.",
        _promote,
        right=EDIT,
        writes=True,
        takes=ASKED,
        gives=DECISION,
    )
    yield Operation(
        "POST",
        "/sakimori/modes/{modeChangeID}/undo",
        "undo_mode_change",
        TAG,
        "Gives back the mode that was before a change, unless it was changed since.",
        _undo,
        right=EDIT,
        writes=True,
        takes=Shape("ModeUndo", (text("reason"),)),
        gives=CHANGE,
    )


def _list(call: Call) -> Shown:
    def asked(name: str) -> str:
        sent = call.query.get(name)
        return accept.text(sent[-1], name) if sent else ""

    limit = accept.integer(asked("limit") or 1_000, "limit")
    if not 1 <= limit <= 5_000:
        raise Invalid("limit must be from 1 to 5000")
    found = modes.changes(
        call.connection,
        call.tenant,
        scopes=[asked("scope")] if asked("scope") else (),
        subject=asked("subject"),
        after=accept.integer(asked("after") or 0, "after"),
        limit=limit,
    )
    return {"changes": [_shown(each) for each in found if _reaches(call, each.scope)]}


def _promote(call: Call) -> Shown:
    sent: Mapping[str, Any] = call.body if isinstance(call.body, Mapping) else {}
    target, policy = (accept.text(sent.get(name) or "", name) for name in ("target", "policy"))
    if not target or not policy:
        raise Invalid("a promotion needs target and policy")
    days = sent.get("afterDays", 14)
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 <= days <= 3_660:
        raise Invalid("afterDays must be a number of days from 0 to 3660")
    most = accept.integer(sent.get("maxFalsePositives") or 0, "maxFalsePositives")
    if most < 0:
        raise Invalid("maxFalsePositives must not be negative")
    to = accept.one_of(("prevent", "detect"), sent.get("to") or "prevent", "to")
    id, _ = policy_of(call.connection, call.tenant, policy)
    if not call.holder.role.reaches_policy(id):
        raise NotFound(f"there is no policy {policy!r}")
    asked = promotion.Asked(
        float(days),
        most,
        f"API key {call.holder.key}",
        accept.text(sent.get("reason") or "", "reason"),
        accept.boolean(sent.get("dryRun") or False, "dryRun"),
        call.manager.heartbeat_seconds,
    )
    decide = promotion.promote if to == "prevent" else promotion.demote
    found = decide(call.connection, call.tenant, target, str(id), asked)
    call.manager.tasks.wake.set()
    shown = found.to_json()
    return {**shown, "decision": shown["decision"].replace(" ", "-"), "evidence": shown["evidence"] or {}}


def _undo(call: Call) -> Shown:
    sent: Mapping[str, Any] = call.body if isinstance(call.body, Mapping) else {}
    id = call.id("modeChangeID")
    made = modes.change(call.connection, call.tenant, id)
    if made is None or not _reaches(call, made.scope):
        raise NotFound(f"there is no change of modes with ID {id}")
    reason = accept.text(sent.get("reason") or "", "reason")
    undone = promotion.undo(call.connection, call.tenant, id, f"API key {call.holder.key}", reason)
    call.manager.tasks.wake.set()
    return _shown(undone)


def _reaches(call: Call, scope: str) -> bool:
    """Whether the caller's role reaches where a change was made."""
    resource, _, id = scope.rpartition("/")
    if resource == modes.POLICIES and id.isdigit():
        return call.holder.role.reaches_policy(int(id))
    if resource == modes.COMPUTERS and call.holder.role.computers is not None:
        body = storage.get_or_none(call.connection, call.tenant, modes.COMPUTERS, int(id))
        return body is not None and call.holder.role.reaches_computer(int(id), body)
    return True


def _shown(change: ModeChange) -> Shown:
    values = {name: orjson.dumps(getattr(change, name)).decode() for name in ("before", "after", "evidence")}
    return {**change.to_json(), **values}
