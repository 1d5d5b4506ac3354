"""Tenants: managers within the manager, none of which sees another."""

from sakimori.protect.declare import (
    Resource,
    Rights,
    choice,
    choices,
    flag,
    moment,
    number,
    struct,
    structs,
    text,
    texts,
)
from sakimori.protect.resources.administrators import RESOURCE as _ADMINISTRATORS

ADMINISTRATOR = _ADMINISTRATORS.fields

RESOURCE = Resource(
    id="tenants",
    model="Tenant",
    many="tenants",
    key="tenantID",
    title="Tenants: managers within the manager, none of which sees another.",
    rights=Rights(
        view="platformRights/multiTenantRights/canViewTenants",
        create="platformRights/multiTenantRights/canCreateTenants",
        edit="platformRights/multiTenantRights/canEditTenantGeneralProperties",
        delete="platformRights/multiTenantRights/canDeleteTenants",
    ),
    fields=(
        number("databaseServerID", search=True),
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        text("agentInitiatedActivationPassword", secret=True),
        text("timeZone", search=True),
        choice("locale", "en-US ja-JP"),
        flag("demoMode", search=True, default=False),
        choices(
            "modulesVisible",
            "all anti-malware web-reputation firewall intrusion-prevention integrity-monitoring "
            "log-inspection application-control SAP activity-monitoring container-control",
        ),
        flag("hideUnlicensedModules", search=True),
        moment("lastSigninTime", search=True, read_only=True),
        choice(
            "tenantState",
            "undefined created active suspended suspended-db-locked pending-deletion db-upgrade-failure "
            "confirmation-required cache-requires-initialization cache-initializing cache-ready-for-use "
            "cache-activating",
            search=True,
            read_only=True,
            default="active",
        ),
        texts("activationCodes", secret=True),
        struct("administrator", "Administrator", *ADMINISTRATOR),
        structs("primaryContacts", "Administrator", *ADMINISTRATOR, read_only=True),
        text("guid", search=True, read_only=True),
    ),
)
