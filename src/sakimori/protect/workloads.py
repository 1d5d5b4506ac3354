"""Smaller resources with a behaviour of their own: groups, connectors, application control, reports and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sakimori.protect import accept, jobs, list_items, storage
from sakimori.protect.calls import Call, Operation, Shape
from sakimori.protect.clock import now
from sakimori.protect.computers import effective_on
from sakimori.protect.declare import choice, flag, number, numbers, structs, text, texts
from sakimori.protect.errors import Invalid
from sakimori.protect.objects import Behaviour, Shown, must_exist, plain
from sakimori.protect.resources import all_resources
from sakimori.protect.search import Query
from sakimori.protect.storage import Body

_DEEPEST = 50


def _create_group(call: Call, body: Body) -> Body:
    return _group(call, 0, body)


def _modify_group(call: Call, id: int, _before: Body, after: Body) -> Body:
    return _group(call, id, after)


def _group(call: Call, id: int, body: Body) -> Body:
    above, depth = body.get("parentGroupID", 0), 0
    while above:
        depth += 1
        if above == id or depth > _DEEPEST:
            raise Invalid(f"group {body['parentGroupID']} cannot be the parent: it is within group {id} itself")
        above = (storage.get_or_none(call.connection, call.tenant, "computergroups", above) or {}).get(
            "parentGroupID", 0
        )
    return body


def _stamped(_call: Call, body: Body) -> Body:
    return body | {"lastUpdated": now()}


def _stamped_again(_call: Call, _id: int, _before: Body, after: Body) -> Body:
    return after | {"lastUpdated": now()}


def _by_key(call: Call, body: Body) -> Body:
    return body | {"lastUpdated": now(), "lastUpdatedAdministrator": call.holder.key}


def _by_key_again(call: Call, _id: int, _before: Body, after: Body) -> Body:
    return _by_key(call, after)


def _ruleset(_call: Call, body: Body) -> Body:
    return body | {"created": now(), "lastUpdated": now(), "version": 1, "type": "shared-hash"}


FROM_INVENTORY = number("softwareinventoryid", says="Of a new one: the inventory of which everything may run.")
SYNC = flag("sync", says="With a change: bring the computers up to what discovery found.")


def _ruleset_made(call: Call, id: int, _body: Body) -> Shown:
    """From an inventory, if one is named, in which case everything in it may run."""
    sent = call.query.get("softwareinventoryid")
    if sent:
        inventory = accept.integer(sent[-1], "softwareinventoryid")
        must_exist(call, "softwareinventories", {inventory})
        items, rules = all_resources()["items"], all_resources()["rules"]
        for _, item in storage.find(call.connection, call.tenant, items, Query(), parent=inventory):
            kept = {name: item[name] for name in ("sha256", "size", "path", "fileName") if name in item}
            rule = _by_key(call, kept | {"action": "allow"})
            storage.make(call.connection, call.tenant, rules, rule, parent=id)
    return {}


def _connector_changed(call: Call, _id: int, _before: Body, _after: Body) -> Shown:
    """With `sync` the computers are brought up to what discovery found."""
    if call.flag("sync"):
        jobs.queue(call.connection, call.tenant, [0], "synchronize-cloud-account")
        call.manager.tasks.wake.set()
    return {}


def _inventory(call: Call, body: Body) -> Body:
    return body | {"startDate": now(), "initiatorID": call.holder.key}


REVIEW = (
    numbers("softwareChangeIDs", required=True),
    choice("action", "allow block", required=True),
    structs(
        "softwareChangeReviewResults",
        "SoftwareChangeReviewResult",
        number("ruleSetID"),
        numbers("ruleIDs"),
        read_only=True,
    ),
)


def operations() -> Iterator[Operation]:
    yield Operation(
        "GET",
        "/scripts",
        "list_scripts",
        "scripts",
        "Lists the scripts that a scheduled task can run; this manager runs none.",
        _scripts,
        gives=Shape("Scripts", (texts("scripts"),)),
    )
    yield Operation(
        "GET",
        "/awsconnectorsettings",
        "list_aws_connector_settings",
        "awsconnectors",
        "Shows the external ID that a role in another account should ask for.",
        _connector_settings,
        right="platformRights/computerRights/canManageCloudAccounts",
        gives=Shape("Awsconnectorsettings", (text("externalId"),)),
    )
    global_rules = all_resources()["applicationcontrolglobalrules"]
    rules = Shape("NewGlobalRules", (structs(global_rules.many, global_rules.model, *global_rules.fields),))
    yield Operation(
        "POST",
        f"/{global_rules.id}",
        "add_global_rules",
        global_rules.id,
        "Makes new ones, all or none.",
        _add_global_rules,
        right=global_rules.rights.create,
        writes=True,
        takes=rules,
        gives=rules,
    )
    review = Shape("SoftwareChangeReview", REVIEW)
    yield Operation(
        "POST",
        "/softwarechanges/review",
        "review_software_changes",
        "softwarechanges",
        "Allows or blocks executables: each becomes a rule of its computer's ruleset.",
        _review,
        right="applicationControlRights/driftRights/canAllowOrBlockDrift",
        writes=True,
        takes=review,
        gives=review,
    )


def _add_global_rules(call: Call) -> Shown:
    """Takes a list, as the API has it, or a single rule."""
    resource = all_resources()["applicationcontrolglobalrules"]
    sent = call.body.get(resource.many) if isinstance(call.body, Mapping) else None
    if sent is None:
        sent = [call.body]
    if not isinstance(sent, list) or not sent:
        raise Invalid(f'the body must be {{"{resource.many}": [...]}}')
    made = []
    for each in sent:
        body = _by_key(call, accept.created(resource, each))
        made.append(plain(resource, storage.make(call.connection, call.tenant, resource, body), body))
    return {resource.many: made}


def _scripts(_call: Call) -> Shown:
    return {"scripts": []}


def _connector_settings(call: Call) -> Shown:
    return {"externalId": call.manager.guid(call.tenant)}


def _review(call: Call) -> Shown:
    sent = call.body if isinstance(call.body, Mapping) else {}
    ids = accept.integers(sent.get("softwareChangeIDs") or [], "softwareChangeIDs")
    action = accept.one_of(("allow", "block"), sent.get("action"), "action")
    must_exist(call, "softwarechanges", set(ids))
    rules: dict[int, list[int]] = {}
    for id, change in storage.get_many(call.connection, call.tenant, "softwarechanges", ids).items():
        ruleset = _ruleset_of(call, change.get("computerID", 0))
        rule = {
            "sha256": change.get("sha256", ""),
            "size": change.get("fileSize", 0),
            "path": change.get("installPath", ""),
            "fileName": change.get("fileName", ""),
            "action": action,
        }
        made = storage.make(call.connection, call.tenant, all_resources()["rules"], _by_key(call, rule), parent=ruleset)
        rules.setdefault(ruleset, []).append(made)
        storage.remove(call.connection, call.tenant, all_resources()["softwarechanges"], id)
    results = [{"ruleSetID": ruleset, "ruleIDs": made} for ruleset, made in rules.items()]
    return {"softwareChangeIDs": ids, "action": action, "softwareChangeReviewResults": results}


def _ruleset_of(call: Call, computer: int) -> int:
    """The ruleset in force on a computer; one of its own where there is none."""
    body = storage.get(call.connection, call.tenant, all_resources()["computers"], computer)
    view = call.manager.policies.view(call.connection, call.tenant)
    found: int = effective_on(view, body).modules["applicationControl"].get("rulesetID", 0)
    if found:
        return found
    own = {"name": f"Ruleset of computer {computer}", "type": "local-hash", "version": 1, "created": now()}
    made = storage.make(call.connection, call.tenant, all_resources()["rulesets"], own)
    module = {**body.get("applicationControl", {}), "rulesetID": made}
    storage.replace(
        call.connection, call.tenant, all_resources()["computers"], computer, {**body, "applicationControl": module}
    )
    return made


def _list(resource: str) -> Behaviour:
    """A list whose items are looked at."""

    def made(call: Call, body: Body) -> Body:
        call.warnings += list_items.doubts(resource, body.get("items") or [])
        return body

    return Behaviour(create=made, modify=lambda call, _id, _before, after: made(call, after))


_RULES = Behaviour(create=_stamped, modify=_stamped_again)

BEHAVIOURS = {
    "computergroups": Behaviour(create=_create_group, modify=_modify_group),
    "intrusionpreventionrules": _RULES,
    "integritymonitoringrules": _RULES,
    "loginspectionrules": _RULES,
    "applicationcontrolglobalrules": Behaviour(modify=_by_key_again),
    "rulesets": Behaviour(create=_ruleset, created=_ruleset_made, query=(FROM_INVENTORY,)),
    "awsconnectors": Behaviour(modified=_connector_changed, query=(SYNC,)),
    "rules": Behaviour(modify=_by_key_again),
    **{each: _list(each) for each in ("portlists", "iplists", "maclists")},
    "softwareinventories": Behaviour(create=_inventory),
}
