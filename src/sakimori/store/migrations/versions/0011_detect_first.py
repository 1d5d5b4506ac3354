"""Firewalls and web reputation now begin in detect: what has been without a setting until here stays as it was."""

import json
import time

from alembic import op
from sqlalchemy import column, insert, select, table, update

revision = "0011"
down_revision = "0010"

WAS = {
    "firewallSettingNetworkEngineMode": ("firewall/networkEngineMode", "Inline"),
    "webReputationSettingSecurityLevel": ("webReputation/securityLevel", "Medium"),
}
WHY = "kept as it was by the update with which firewalls and web reputation begin in detect"

objects = table("protect_objects", *map(column, ("tenant", "resource", "id", "parent", "body")))
counters = table("protect_counters", *map(column, ("tenant", "resource", "last", "revision")))
modes = table(
    "protect_modes", *map(column, ("tenant", "at", "scope", "subject", "before", "after", "who", "why", "evidence"))
)


def upgrade() -> None:
    connection = op.get_bind()
    tenants = select(objects.c.tenant).where(objects.c.resource == "roles").distinct()
    for tenant in list(connection.execute(tenants).scalars()):
        here = (objects.c.tenant == tenant) & (objects.c.resource == "policies/default") & (objects.c.id == 1)
        body = connection.execute(select(objects.c.body).where(here)).scalar()
        settings = json.loads(body).get("settings", {}) if body else {}
        missing = {name: value for name, (_, value) in WAS.items() if name not in settings}
        kept = json.dumps({"settings": {**settings, **missing}})
        if body is None:
            row = {"tenant": tenant, "resource": "policies/default"}
            connection.execute(insert(objects), row | {"id": 1, "parent": 0, "body": kept})
            connection.execute(insert(counters), row | {"last": 1, "revision": 1})
        else:
            connection.execute(update(objects).where(here).values(body=kept))
        for name, value in missing.items():
            connection.execute(
                insert(modes),
                {
                    "tenant": tenant,
                    "at": time.time_ns() // 1_000_000,
                    "scope": "policies/default",
                    "subject": WAS[name][0],
                    "before": "null",
                    "after": json.dumps(value),
                    "who": "the manager",
                    "why": WHY,
                    "evidence": "{}",
                },
            )
