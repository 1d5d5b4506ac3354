"""Keys, people, roles and tenants: who may do what, and to whom the manager belongs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import delete

from sakimori.protect import accept, keys, rights, secrets, seed, storage
from sakimori.protect.calls import NOTHING, Call, Operation, Shape
from sakimori.protect.clock import now
from sakimori.protect.declare import number, text
from sakimori.protect.errors import Forbidden, Invalid
from sakimori.protect.objects import Behaviour, Shown, plain
from sakimori.protect.resources import all_resources
from sakimori.protect.storage import Body
from sakimori.store.tables import metadata

_KEY_RIGHTS = "platformRights/apikeyRights"


# ---- API keys


def _create_key(call: Call, body: Body) -> Body:
    _refuse_more_rights(call, body)
    return body | {"created": now(), "unsuccessfulSignInAttempts": 0, "serviceAccount": False}


def _created_key(call: Call, id: int, _body: Body) -> Shown:
    return {"secretKey": keys.replace_secret(call.connection, call.tenant, id)}


def _modify_key(call: Call, _id: int, _before: Body, after: Body) -> Body:
    _refuse_more_rights(call, after)
    return after


def _modified_key(call: Call, _id: int, _before: Body, _after: Body) -> Shown:
    call.manager.keys.forget()
    return {}


def _delete_key(call: Call, _id: int, _body: Body) -> None:
    call.manager.keys.forget()


def _refuse_more_rights(call: Call, body: Body) -> None:
    """Nobody hands out more than they have."""
    role = storage.get_or_none(call.connection, call.tenant, "roles", body.get("roleID", 0))
    if role is None:
        raise Invalid(f"roleID is {body.get('roleID')}, and there is no Role with that ID")
    refuse_more(call, rights.role(body["roleID"], role))


def refuse_more(call: Call, wanted: rights.Role) -> None:
    own = call.holder.role
    more = sorted(wanted.rights - own.rights)
    if more:
        raise Forbidden(f"the role would give {more[0].replace('/', '.')}, which the role of this key does not")
    if (own.computers is not None and wanted.computers is None) or (
        own.policies is not None and wanted.policies is None
    ):
        raise Forbidden("the role would reach more computers or policies than the role of this key")


def _key_operations() -> Iterator[Operation]:
    resource = keys.resource()
    current = Shape("ApiKeyCurrent", (*resource.fields, text("roleURN"), number("tenantID"), text("tenantGUID")))
    single = Shape(resource.model, resource.fields)
    table = (
        ("GET", "/apikeys/current", "describe_current_api_key", "Shows the key of this call.", _current, current),
        ("POST", "/apikeys/current", "modify_current_api_key", "Changes the key of this call.", _modify_own, current),
        ("POST", "/apikeys/current/secretkey", "replace_current_api_secret_key", _NEW, _replace_own, single),
        ("POST", "/apikeys/{apiKeyID}/secretkey", "replace_api_secret_key", _NEW, _replace, single),
    )
    for method, path, name, says, run, gives in table:
        yield Operation(
            method,
            path,
            name,
            resource.id,
            says,
            run,
            right=f"{_KEY_RIGHTS}/canEditApiKeyProperties" if run is _replace else "",
            writes=method == "POST",
            takes=current if run is _modify_own else NOTHING,
            gives=gives,
        )


_NEW = "Gives the key a new secret, which is shown this once; the old one is void."


def _current(call: Call) -> Shown:
    body = storage.get(call.connection, call.tenant, keys.resource(), call.holder.key)
    role = storage.get(call.connection, call.tenant, all_resources()["roles"], call.holder.role.id)
    return plain(keys.resource(), call.holder.key, body) | {
        "roleURN": role.get("urn", ""),
        "tenantID": call.tenant,
        "tenantGUID": seed.tenant_guid(call.connection, call.tenant),
    }


def _modify_own(call: Call) -> Shown:
    """A key may change what it says of itself, and not what it may do."""
    before = storage.get(call.connection, call.tenant, keys.resource(), call.holder.key)
    sent = dict(call.body) if isinstance(call.body, Mapping) else call.body
    after = accept.modified(keys.resource(), sent, before)
    for name in ("roleID", "active", "expiryDate"):
        if after.get(name) != before.get(name):
            call.holder.role.must(f"{_KEY_RIGHTS}/canEditApiKeyProperties")
    _refuse_more_rights(call, after)
    storage.replace(call.connection, call.tenant, keys.resource(), call.holder.key, after)
    call.manager.keys.forget()
    return _current(call)


def _replace_own(call: Call) -> Shown:
    return _replaced(call, call.holder.key)


def _replace(call: Call) -> Shown:
    return _replaced(call, call.id("apiKeyID"))


def _replaced(call: Call, id: int) -> Shown:
    body = storage.get(call.connection, call.tenant, keys.resource(), id)
    _refuse_more_rights(call, body)
    secret = keys.replace_secret(call.connection, call.tenant, id)
    call.manager.keys.forget()
    return plain(keys.resource(), id, body) | {"secretKey": secret}


# ---- administrators


def _create_person(call: Call, body: Body) -> Body:
    if body.get("roleID"):
        _refuse_more_rights(call, body)
    own = _with_secrets(body)
    return own | {"created": now(), "unsuccessfulSignInAttempts": 0, "lastPasswordChange": now()}


def _modify_person(call: Call, _id: int, before: Body, after: Body) -> Body:
    if after.get("roleID") and after.get("roleID") != before.get("roleID"):
        _refuse_more_rights(call, after)
    changed = "password" in after and after["password"] != before.get("password")
    return _with_secrets(after) | ({"lastPasswordChange": now()} if changed else {})


def _with_secrets(body: Body) -> Body:
    """Passwords are kept as hashes only."""
    kept = dict(body)
    for name in ("password", "reportPDFPassword"):
        if name in kept:
            password = kept.pop(name)
            kept[f"_{name}"] = secrets.hashed(password)
    return kept


# ---- roles


def _create_role(call: Call, body: Body) -> Body:
    refuse_more(call, rights.role(0, body))
    return body | {"urn": f"urn:sakimori:identity:{call.tenant}:role/{uuid.uuid4()}"}


def _modify_role(call: Call, id: int, before: Body, after: Body) -> Body:
    if before.get("immutable"):
        raise Invalid(f"role {id} belongs to the manager and cannot be changed: make another one")
    refuse_more(call, rights.role(id, after))
    return after


def _modified_role(call: Call, _id: int, _before: Body, _after: Body) -> Shown:
    call.manager.keys.forget()
    return {}


def _delete_role(_call: Call, id: int, body: Body) -> None:
    if body.get("immutable"):
        raise Invalid(f"role {id} belongs to the manager and cannot be deleted")


def _show_roles(_call: Call, found: list[tuple[int, Body]]) -> list[Shown]:
    resource = all_resources()["roles"]
    return [
        plain(resource, id, body | {"rights": rights.tree(rights.role(id, body).rights.__contains__)})
        for id, body in found
    ]


# ---- tenants


def _create_tenant(_call: Call, body: Body) -> Body:
    kept = {name: value for name, value in body.items() if name not in ("administrator", "activationCodes")}
    person = body.get("administrator")
    if person:
        kept["administrator"] = {n: v for n, v in person.items() if n not in ("password", "reportPDFPassword")}
    password = kept.pop("agentInitiatedActivationPassword", None)
    return kept | {"guid": str(uuid.uuid4()).upper()} | ({"_activation": secrets.hashed(password)} if password else {})


def _created_tenant(call: Call, id: int, body: Body) -> Shown:
    seed.seed(call.connection, id, call.manager.built_in)
    person = (call.body or {}).get("administrator")
    if isinstance(person, Mapping) and person.get("username"):
        own = accept.created(all_resources()["administrators"], {**person, "roleID": seed.FULL_ACCESS})
        storage.make(call.connection, id, all_resources()["administrators"], _with_secrets(own) | {"created": now()})
    return {}


def _modify_tenant(_call: Call, _id: int, before: Body, after: Body) -> Body:
    return _create_tenant(_call, after) | {"guid": before.get("guid")}


def _delete_tenant(call: Call, id: int, _body: Body) -> None:
    """Nothing of a tenant stays."""
    for table in metadata.sorted_tables:
        if table.name.startswith("protect_") and "tenant" in table.c:
            call.connection.execute(delete(table).where(table.c.tenant == id))
    call.manager.agents.forget_tenant(id)
    call.manager.keys.forget()


def _tenant_operations() -> Iterator[Operation]:
    single = Shape(keys.resource().model, keys.resource().fields)
    yield Operation(
        "POST",
        "/tenants/{tenantID}/apikeys",
        "generate_tenant_api_secret_key",
        "tenants",
        "Makes a key of the tenant, with full access to it and to nothing else.",
        _tenant_key,
        right="platformRights/multiTenantRights/canManageTenantAPIKeys",
        writes=True,
        takes=single,
        gives=single,
        primary=True,
    )


def _tenant_key(call: Call) -> Shown:
    id = call.id("tenantID")
    storage.get(call.connection, call.tenant, all_resources()["tenants"], id)
    sent: dict[str, Any] = dict(call.body) if isinstance(call.body, Mapping) else {}
    sent.setdefault("keyName", f"primary tenant, {now()}")
    body = accept.created(keys.resource(), sent | {"roleID": sent.get("roleID") or seed.FULL_ACCESS})
    if not storage.existing(call.connection, id, "roles", [body["roleID"]]):
        raise Invalid(f"roleID is {body['roleID']}, and the tenant has no Role with that ID")
    key, secret = keys.create(call.connection, id, body)
    return plain(keys.resource(), key, storage.get(call.connection, id, keys.resource(), key)) | {"secretKey": secret}


def operations() -> Iterator[Operation]:
    yield from _key_operations()
    yield from _tenant_operations()


BEHAVIOURS = {
    "apikeys": Behaviour(
        create=_create_key, created=_created_key, modify=_modify_key, modified=_modified_key, delete=_delete_key
    ),
    "administrators": Behaviour(create=_create_person, modify=_modify_person),
    "roles": Behaviour(
        create=_create_role, modify=_modify_role, modified=_modified_role, delete=_delete_role, show=_show_roles
    ),
    "tenants": Behaviour(
        create=_create_tenant,
        created=_created_tenant,
        modify=_modify_tenant,
        delete=_delete_tenant,
        primary=True,
    ),
}
