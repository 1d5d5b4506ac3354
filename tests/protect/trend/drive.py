"""Drives a manager with Trend Micro's own SDK, every operation that is in scope, and says in JSON what held.

Runs in the environment that `tools/trend-sdk.sh` makes, not in the project's: `drive.py URL KEY [CA]`. What to call
comes from the SDK's source, what a field takes from its models, and which fields are read-only from the manager's
OpenAPI.
"""

from __future__ import annotations

import inspect
import itertools
import json
import re
import sys
import traceback
import urllib.request

import deepsecurity as sdk
import deepsecurity.api as apis
import deepsecurity.models as models
from deepsecurity.rest import ApiException

VERSION = "v1"

OUT_OF_SCOPE = {
    "AgentDeploymentScriptsApi": "installers of Trend's agent",
    "EndpointBasecampAgentDeploymentScriptsApi": "installers of Trend's agent",
    "AgentVersionControlProfilesApi": "versions of Trend's agent",
    "AgentVersionControlsApi": "versions of Trend's agent",
    "AzureConnectorsApi": "another cloud",
    "GCPConnectorsApi": "another cloud",
    "GCPConnectorActionsApi": "another cloud",
    "VCenterConnectorsApi": "VMware",
    "VCenterConnectorActionsApi": "VMware",
    "CertificatesApi": "certificates of VMware and LDAP servers",
    "ComputerMoveTasksApi": "moving to Trend's service",
    "PolicyMigrationTasksApi": "moving to Trend's service",
    "WorkloadSecurityLinksApi": "moving to Trend's service",
}
"""API classes for which the issue asks nothing, with the reason."""


SECRETS = ("password", "reportPDFPassword", "secretKey", "agentInitiatedActivationPassword", "activationCodes")
"""Fields that are taken and never given back."""


def refusal(call, *arguments) -> ApiException:
    """How a call that must fail was refused."""
    try:
        call(*arguments)
    except ApiException as error:
        return error
    raise AssertionError(f"{arguments[0]} was not refused")


class Operation:
    """One method of the SDK, with the call that it makes."""

    def __init__(self, api: type, name: str) -> None:
        source = inspect.getsource(getattr(api, f"{name}_with_http_info"))
        found = re.search(r"call_api\(\s*'([^']+)', '(\w+)'", source)
        self.api, self.name = api, name
        self.path, self.verb = found[1], found[2]
        parameters = re.search(r"all_params = \[(.*?)\]", source, re.S)[1]
        self.parameters = [each for each in re.findall(r"'(\w+)'", parameters) if each != "api_version"]
        self.optional = [each for each in self.parameters if each in ("expand", "overrides", "search_filter", "sync")]
        body = re.search(r"body_params = params\['(\w+)'\]", source)
        self.body = body[1] if body else None
        kind = re.search(rf":param (\w+) {self.body}:", source) if self.body else None
        self.body_model = getattr(models, kind[1], None) if kind else None
        returns = re.search(r":return: (\w+)", source)
        self.returns = getattr(models, returns[1], None) if returns and returns[1] != "None" else None

    @property
    def key(self) -> str:
        return f"{self.api.__name__}.{self.name}"


def all_operations() -> list[Operation]:
    found = []
    for _, api in sorted(inspect.getmembers(apis, inspect.isclass)):
        for name, _ in inspect.getmembers(api, inspect.isfunction):
            if not name.startswith("_") and not name.endswith("_with_http_info"):
                found.append(Operation(api, name))
    return found


class Drive:
    def __init__(self, url: str, key: str, ca: str | None) -> None:
        self.configuration = sdk.Configuration()
        self.configuration.host = f"{url}/api"
        self.configuration.api_key["api-secret-key"] = key
        if ca:
            self.configuration.verify_ssl = True
            self.configuration.ssl_ca_cert = ca
        self.client = sdk.ApiClient(self.configuration)
        self.url, self.key, self.ca = url, key, ca
        self.operations = {each.key: each for each in all_operations()}
        self.scope = [each for each in self.operations.values() if each.api.__name__ not in OUT_OF_SCOPE]
        self.passed: set[str] = set()
        self.failed: dict[str, str] = {}
        self.fields = 0
        self.searched = 0
        self.serial = itertools.count(1)
        self.document = self.openapi()
        self.ids: dict[str, int] = {}

    def openapi(self) -> dict:
        import ssl

        context = ssl.create_default_context(cafile=self.ca) if self.ca else None
        request = urllib.request.Request(f"{self.url}/api/openapi.json")
        return json.load(urllib.request.urlopen(request, context=context))

    # ---- calling

    def call(self, operation: Operation, *arguments, **more):
        """Calls an operation and counts it as passed if its reply is what the SDK expects."""
        method = getattr(operation.api(self.client), operation.name)
        places = [name for name in inspect.signature(method).parameters if name not in ("api_version", "kwargs")]
        if len(arguments) > len(places):  # the SDK takes some bodies by name only
            *arguments, more[operation.body] = arguments
        if "softwareinventoryid" in places and len(arguments) < len(places):
            arguments = [*arguments, self.inventory]
        result = method(*arguments, VERSION, **more)
        if operation.returns is not None and not isinstance(result, operation.returns):
            raise AssertionError(f"{operation.key} gave {type(result).__name__}, not {operation.returns.__name__}")
        self.passed.add(operation.key)
        return result

    def of(self, api: str, beginning: str) -> Operation | None:
        found = [
            each for each in self.operations.values() if each.api.__name__ == api and each.name.startswith(beginning)
        ]
        return found[0] if found else None

    def giving(self, api: str, beginning: str, model: type, *, many: bool = False) -> Operation | None:
        """The operation of an API class that gives a model, or a list of them."""
        for each in self.operations.values():
            if each.api.__name__ == api and each.name.startswith(beginning) and each.returns is not None:
                lists = f"list[{model.__name__}]" in each.returns.swagger_types.values()
                if lists if many else each.returns is model:
                    return each
        return None

    def plain(self, model) -> dict:
        return self.client.sanitize_for_serialization(model)

    # ---- making values

    def schema(self, model: str) -> dict:
        return self.document["components"]["schemas"].get(model, {}).get("properties", {})

    def build(self, model: type, seed: int, given: dict | None = None, above: str = ""):
        """An object with every field that can be written filled in."""
        schema, values = self.schema(model.__name__), {}
        for attribute, kind in model.swagger_types.items():
            name = model.attribute_map[attribute]
            if given and name in given:
                values[attribute] = given[name]
            elif name != "ID" and not schema.get(name, {}).get("readOnly") and not self.is_read_only(model, name):
                values[attribute] = self.value(model, attribute, name, kind, seed)
        return model(**values)

    def is_read_only(self, model: type, name: str) -> bool:
        """Structs that only the manager fills; a $ref carries no readOnly of its own."""
        return (model.__name__, name) in {
            ("Computer", "computerStatus"),
            ("Computer", "tasks"),
            ("Computer", "securityUpdates"),
            ("Computer", "interfaces"),
            ("Policy", "interfaceTypes"),
            ("ScheduledTask", "runNow"),
        } or name == "moduleStatus"

    def value(self, model: type, attribute: str, name: str, kind: str, seed: int):
        many = re.fullmatch(r"list\[(.*)\]", kind)
        if many:
            if name == "hoursOfWeek":
                return [(hour + seed) % 2 == 0 for hour in range(168)]
            if name == "ruleIDs":
                return [self.rule_of(model)]
            if name in ("computerIDs", "computerGroupIDs", "policyIDs", "dependsOnRuleIDs"):
                return []
            return [self.value(model, attribute, name, many[1], seed)]
        allowed = self.allowed(model, attribute)
        if allowed:
            usable = [each for each in allowed if each not in ("inherited",)]
            return usable[seed % len(usable)]
        if kind == "str":
            if name in ("displayName", "hostName"):
                return f"{name}-{seed}-{next(self.serial)}"
            return f"{name} {seed} {next(self.serial)}"
        if kind == "bool":
            return seed % 2 == 0
        if kind == "int":
            return self.number(name, seed)
        nested = getattr(models, kind)
        if nested is models.SettingValue:
            return models.SettingValue(f"value {seed}")
        return self.build(nested, seed)

    def allowed(self, model: type, attribute: str) -> list[str]:
        source = inspect.getsource(getattr(model, attribute).fset)
        found = re.search(r"allowed_values = (\[.*?\])", source, re.S)
        return json.loads(found[1]) if found else []

    def rule_of(self, model: type) -> int:
        kind = re.match("(Firewall|IntrusionPrevention|IntegrityMonitoring|LogInspection)", model.__name__)
        return self.ids[f"{kind[1]}Rule"]

    def number(self, name: str, seed: int) -> int:
        if name in self.ids:
            return self.ids[name]
        if name.endswith("ID"):
            return 1
        return 3 + seed

    # ---- comparing

    def compare(self, sent, got, where: str = "") -> None:
        """Every field that was sent came back with its value."""
        if isinstance(sent, dict):
            assert isinstance(got, dict), f"{where}: sent {sent!r}, got {got!r}"
            for name, value in sent.items():
                if name in SECRETS:
                    assert name not in got or got[name] != value, f"{where}/{name}: a secret came back"
                    continue
                assert name in got, f"{where}/{name}: sent {value!r}, nothing came back"
                self.compare(value, got[name], f"{where}/{name}")
        elif isinstance(sent, list):
            assert isinstance(got, list), f"{where}: sent {sent!r}, got {got!r}"
            assert len(got) == len(sent), f"{where}: sent {sent!r}, got {got!r}"
            for number, (one, other) in enumerate(zip(sent, got, strict=True)):
                self.compare(one, other, f"{where}[{number}]")
        else:
            assert sent == got, f"{where}: sent {sent!r}, got {got!r}"
            self.fields += 1

    # ---- flows

    def attempt(self, what: str, flow, *arguments) -> None:
        try:
            flow(*arguments)
        except Exception as error:
            refused = isinstance(error, ApiException)
            detail = f"{error.status} {error.body}" if refused else f"{type(error).__name__}: {error}"
            self.failed[what] = f"{detail}\n{''.join(traceback.format_exc().splitlines(True)[-5:])}"

    def resource(self, api: str, model: type, parents: tuple = (), given: dict | None = None) -> int | None:
        """Create, describe, list, search by every searchable field, change, and leave it there; returns its ID."""
        create, describe, modify = (self.giving(api, word, model) for word in ("create_", "describe_", "modify_"))
        list_all, search = (self.giving(api, word, model, many=True) for word in ("list_", "search_"))
        sent = self.build(model, 1, given)
        made = self.call(create, *parents, sent)
        self.compare(self.plain(sent), self.plain(made), f"{create.key}")
        self.compare(self.plain(sent), self.plain(self.call(describe, *parents, made.id)), describe.key)
        listed = self.plain(self.call(list_all, *parents))
        assert made.id in [each["ID"] for each in next(iter(listed.values()))], f"{list_all.key} lacks {made.id}"
        if search is not None:
            self.search(search, parents, made.id, self.plain(sent), self.schema(model.__name__))
        if modify is not None:
            changed = self.build(model, 2, given)
            self.compare(self.plain(changed), self.plain(self.call(modify, *parents, made.id, changed)), modify.key)
            self.compare(self.plain(changed), self.plain(self.call(describe, *parents, made.id)), describe.key)
            self.one_field(modify, describe, parents, made.id, model, self.plain(changed))
        return made.id

    def one_field(self, modify, describe, parents, id: int, model: type, before: dict) -> None:
        """A change of one field leaves the others."""
        attribute = next((each for each in ("description", "notes") if each in model.swagger_types), None)
        if attribute is None:
            return
        self.call(modify, *parents, id, model(**{attribute: "only this"}))
        after = self.plain(self.call(describe, *parents, id))
        self.compare({**before, attribute: "only this"}, after, f"{modify.key} of one field")

    def search(self, search, parents, id: int, sent: dict, schema: dict, above: str = "") -> None:
        for name, value in sent.items():
            kind = schema.get(name, {}).get("x-search")
            nested = schema.get(name, {}).get("$ref")
            if nested and isinstance(value, dict):
                inner = self.schema(nested.rpartition("/")[2])
                self.search(search, parents, id, value, inner, f"{above}{name}/")
            elif kind and value not in ([], None):
                criterion = self.criterion(above + name, kind, value[0] if isinstance(value, list) else value)
                found = self.found(search, parents, criterion)
                assert id in found, f"{search.key} by {above}{name} = {value!r} gives {found}, without {id}"
                self.searched += 1
        by_id = models.SearchCriteria(id_test="equal", id_value=id)
        assert self.found(search, parents, by_id) == [id], f"{search.key} by ID"
        beyond = models.SearchCriteria(id_test="greater-than", id_value=id)
        assert id not in self.found(search, parents, beyond), f"{search.key} behind the ID"

    def criterion(self, name: str, kind: str, value):
        if kind in ("String", "Text and number"):
            return models.SearchCriteria(field_name=name, string_test="equal", string_value=str(value))
        if kind == "Numeric":
            return models.SearchCriteria(field_name=name, numeric_test="equal", numeric_value=value)
        if kind == "Boolean":
            return models.SearchCriteria(field_name=name, boolean_test=value)
        if kind == "Date":
            return models.SearchCriteria(field_name=name, first_date_value=value, last_date_value=value)
        return models.SearchCriteria(field_name=name, choice_test="equal", choice_value=value)

    def found(self, search, parents, criterion) -> list[int]:
        filter = models.SearchFilter(max_items=5000, search_criteria=[criterion], sort_by_object_id=True)
        body = self.plain(self.call(search, *parents, search_filter=filter))
        return [each["ID"] for each in next(iter(body.values()), [])]

    def delete(self, api: str, id: int, parents: tuple = (), beginning: str = "delete_") -> None:
        self.call(self.of(api, beginning), *parents, id)
        describe = self.of(api, "describe_")
        error = refusal(self.call, describe, *parents, id)
        assert error.status == 404, f"{describe.key} of what was deleted gave {error.status}"
        assert json.loads(error.body)["message"]

    def simple(self, api: str, model: type, given: dict | None = None) -> None:
        id = self.resource(api, model, (), given)
        self.delete(api, id)

    def catalogue(self, api: str, model: type, key: str) -> None:
        id = self.resource(api, model)
        self.delete(api, id)
        self.ids[key] = self.call(self.of(api, "create_"), self.build(model, 5)).id

    def read_only(self, api: str, parents: tuple = ()) -> None:
        body = self.plain(self.call(self.of(api, "list_"), *parents))
        first = next(iter(body.values()))[0]
        self.call(self.of(api, "describe_"), *parents, first["ID"])
        search = self.of(api, "search_")
        by_id = models.SearchCriteria(id_test="equal", id_value=first["ID"])
        assert self.found(search, parents, by_id) == [first["ID"]]

    def assignments(self, holder: str, id: int, kind: str, rule_model: str) -> None:
        """Adds, replaces, removes; then what is overridden in a rule."""
        api = next(
            name
            for name in {each.api.__name__ for each in self.operations.values()}
            if re.fullmatch(f"{holder}{kind}RuleAssignments(Recommendations)?Api", name)
        )
        one, other = self.ids[rule_model], self.second[rule_model]
        add, set_all, remove, list_all = (self.of(api, word) for word in ("add_", "set_", "remove_", "list_"))
        for overrides in (False, True):
            self.call(set_all, id, models.RuleIDs([one]), overrides=overrides)
            added = self.call(add, id, models.RuleIDs([other]), overrides=overrides)
            assert sorted(added.assigned_rule_ids) == sorted([one, other]), f"{add.key}: {added.assigned_rule_ids}"
            replaced = self.call(set_all, id, models.RuleIDs([other]), overrides=overrides)
            assert replaced.assigned_rule_ids == [other], f"{set_all.key}: {replaced.assigned_rule_ids}"
            left = self.call(remove, id, other, overrides=overrides)
            assert left.assigned_rule_ids == [], f"{remove.key}: {left.assigned_rule_ids}"
            assert self.call(list_all, id, overrides=overrides).assigned_rule_ids == []
            self.fields += 4
        self.call(set_all, id, models.RuleIDs([one]))
        self.details(f"{holder}{kind}RuleDetailsApi", id, one, getattr(models, rule_model))
        if kind == "IntrusionPrevention":
            type_id = self.ids["applicationTypeID"]
            self.details(f"{holder}IntrusionPreventionApplicationTypeDetailsApi", id, type_id, models.ApplicationType)

    def details(self, api: str, id: int, rule: int, model: type) -> None:
        list_all, describe, modify, reset = (self.of(api, word) for word in ("list_", "describe_", "modify_", "reset_"))
        listed = next(iter(self.plain(self.call(list_all, id, overrides=False)).values()))
        assert rule in [each["ID"] for each in listed], f"{list_all.key} lacks {rule}"
        before = self.plain(self.call(describe, id, rule, overrides=False))
        changed = self.call(modify, id, rule, model(description="only here"), overrides=False)
        assert changed.description == "only here", modify.key
        self.compare({**before, "description": "only here"}, self.plain(changed), modify.key)
        own = self.plain(self.call(describe, id, rule, overrides=True))
        assert own == {"description": "only here", "ID": rule}, f"{describe.key} of overrides: {own}"
        reset_to = self.plain(self.call(reset, id, rule, overrides=False))
        self.compare(before, reset_to, reset.key)
        assert next(iter(self.plain(self.call(list_all, id, overrides=True)).values())) == []

    def settings(self, api: str, word: str, parents: tuple, name: str) -> None:
        describe, modify, reset = (self.of(api, f"{verb}_{word}_setting") for verb in ("describe", "modify", "reset"))
        before = self.call(reset, *parents, name).value
        changed = self.call(modify, *parents, name, models.SettingValue("changed")).value
        assert (changed, self.call(describe, *parents, name).value) == ("changed", "changed"), modify.key
        assert self.call(reset, *parents, name).value == before, reset.key
        self.fields += 3

    def all_settings(self, api: str, list_name: str, modify_name: str, model: type) -> None:
        list_all, modify = self.of(api, list_name), self.of(api, modify_name)
        before = self.plain(self.call(list_all))
        names = [each for each in model.swagger_types if "_state" not in each]
        attributes = {each: models.SettingValue(f"v {each[:20]}") for each in names}
        changed = self.call(modify, model(**attributes))
        self.compare(self.plain(model(**attributes)), self.plain(changed), modify.key)
        self.compare(self.plain(model(**attributes)), self.plain(self.call(list_all)), list_all.key)
        back = {each: models.SettingValue(before[model.attribute_map[each]]["value"]) for each in attributes}
        self.call(modify, model(**back))

    def keys(self) -> None:
        api = "APIKeysApi"
        id = self.resource(api, models.ApiKey, (), {"active": True, "expiryDate": 4102444800000, "roleID": 1})
        made = self.call(self.of(api, "replace_api_secret_key"), id)
        assert made.secret_key
        other = Drive.__new__(Drive)
        other.__dict__.update(self.__dict__)
        configuration = sdk.Configuration()
        configuration.__dict__.update(self.configuration.__dict__)
        configuration.api_key = {"api-secret-key": made.secret_key}
        other.client = sdk.ApiClient(configuration)
        current = other.call(self.of(api, "describe_current_api_key"))
        assert current.id == id
        changed = other.call(self.of(api, "modify_current_api_key"), models.ApiKeyCurrent(description="mine"))
        assert changed.description == "mine"
        renewed = other.call(self.of(api, "replace_current_api_secret_key"))
        assert renewed.secret_key != made.secret_key
        assert refusal(other.call, self.of(api, "describe_current_api_key")).status == 401
        self.delete(api, id)

    def tenants(self) -> None:
        api = "TenantsApi"
        id = self.resource(api, models.Tenant)
        key = models.ApiKey(key_name="t", role_id=1)
        assert self.call(self.of(api, "generate_tenant_api_secret_key"), id, key).secret_key
        self.delete(api, id)

    def usage(self) -> None:
        self.call(self.of("APIUsageApi", "list_api_usage_metrics"))
        search = self.of("APIUsageApi", "search_api_usage_metrics")
        criterion = models.SearchCriteria(field_name="statusCode", numeric_test="equal", numeric_value=404)
        body = self.call(search, search_filter=models.SearchFilter(search_criteria=[criterion]))
        assert body.api_usage_metrics
        assert {each.status_code for each in body.api_usage_metrics} == {404}

    def rulesets(self) -> None:
        self.second.setdefault("ruleset", self.resource("RulesetsApi", models.Ruleset))
        self.delete("RulesetsApi", self.second["ruleset"])
        rules = self.plain(self.call(self.operations["RulesetsApi.list_rulesets"]))["rulesets"]
        seeded = next(each["ID"] for each in rules if each["name"] == "seeded")
        listed = self.call(self.operations["RulesetsApi.list_ruleset_rules"], seeded)
        rule = listed.application_control_rules[0]
        self.call(self.operations["RulesetsApi.describe_ruleset_rule"], seeded, rule.id)
        block = models.ApplicationControlRule(action="block")
        changed = self.call(self.operations["RulesetsApi.modify_ruleset_rule"], seeded, rule.id, block)
        assert changed.action == "block"
        search = self.operations["RulesetsApi.search_ruleset_rules"]
        by_hash = models.SearchCriteria(field_name="sha256", string_test="equal", string_value=rule.sha256)
        assert self.found(search, (seeded,), by_hash) == [rule.id]
        self.call(self.operations["RulesetsApi.delete_ruleset_rule"], seeded, rule.id)

    def software(self) -> None:
        self.read_only("SoftwareChangesApi")
        changes = self.call(self.of("SoftwareChangesApi", "list_")).software_changes
        review = models.SoftwareChangeReview(software_change_ids=[changes[0].id], action="allow")
        done = self.call(self.of("SoftwareChangesApi", "review_"), review)
        assert done.software_change_review_results[0].rule_ids
        api = "SoftwareInventoriesApi"
        inventories = self.plain(self.call(self.operations[f"{api}.list_software_inventories"]))["softwareInventories"]
        seeded = inventories[0]["ID"]
        items = self.call(self.operations[f"{api}.list_software_inventory_items"], seeded).inventory_items
        self.call(self.operations[f"{api}.describe_software_inventory_item"], seeded, items[0].id)
        search = self.operations[f"{api}.search_software_inventory_items"]
        by_name = models.SearchCriteria(field_name="fileName", string_test="equal", string_value=items[0].file_name)
        assert self.found(search, (seeded,), by_name) == [items[0].id]
        id = self.resource(api, models.SoftwareInventory)
        self.delete(api, id)

    def interface_types(self, policy: int) -> None:
        id = self.resource("InterfaceTypesApi", models.InterfaceType, (policy,))
        self.delete("InterfaceTypesApi", id, (policy,))

    def run(self) -> dict:
        self.second: dict[str, int] = {}
        inventories = self.plain(self.call(self.of("SoftwareInventoriesApi", "list_software_inventories")))
        self.inventory = inventories["softwareInventories"][0]["ID"]
        simple = {
            "PortListsApi": models.PortList,
            "IPListsApi": models.IpList,
            "MACListsApi": models.MacList,
            "DirectoryListsApi": models.DirectoryList,
            "FileListsApi": models.FileList,
            "FileExtensionListsApi": models.FileExtensionList,
            "ContextsApi": models.Context,
            "SchedulesApi": models.Schedule,
            "StatefulConfigurationsApi": models.StatefulConfiguration,
            "AntiMalwareConfigurationsApi": models.AntiMalwareConfiguration,
            "ContactsApi": models.Contact,
            "AdministratorsApi": models.Administrator,
            "AdministratorRolesApi": models.Role,
            "ComputerGroupsApi": models.ComputerGroup,
            "AWSConnectorsApi": models.AWSConnector,
        }
        for api, model in simple.items():
            self.attempt(api, self.simple, api, model)
        catalogues = {
            "ApplicationTypesApi": (models.ApplicationType, "applicationTypeID"),
            "IntrusionPreventionRulesApi": (models.IntrusionPreventionRule, "IntrusionPreventionRule"),
            "IntegrityMonitoringRulesApi": (models.IntegrityMonitoringRule, "IntegrityMonitoringRule"),
            "LogInspectionRulesApi": (models.LogInspectionRule, "LogInspectionRule"),
            "FirewallRulesApi": (models.FirewallRule, "FirewallRule"),
        }
        for api, (model, key) in catalogues.items():
            self.attempt(api, self.catalogue, api, model, key)
            self.attempt(f"{api} again", self.make_second, api, model, key)
        self.attempt("GlobalRulesApi", self.global_rules)
        self.attempt("ruleset", self.make_ruleset)
        self.attempt("PoliciesApi", self.policies)
        self.attempt("ComputersApi", self.computers)
        self.attempt("ScheduledTasksApi", self.scheduled)
        self.attempt("EventBasedTasksApi", self.simple, "EventBasedTasksApi", models.EventBasedTask)
        self.attempt("APIKeysApi", self.keys)
        self.attempt("TenantsApi", self.tenants)
        self.attempt("APIUsageApi", self.usage)
        self.attempt("RulesetsApi", self.rulesets)
        self.attempt("software", self.software)
        self.attempt("ReportTemplatesApi", self.read_only, "ReportTemplatesApi")
        self.attempt("ScriptsApi", self.call, self.of("ScriptsApi", "list_"))
        self.attempt("AWSConnectorSettingsApi", self.call, self.of("AWSConnectorSettingsApi", "list_"))
        self.attempt("SystemSettingsApi", self.system)
        missing = [each.key for each in self.scope if each.key not in self.passed]
        return {
            "operations": len(self.operations),
            "in_scope": len(self.scope),
            "passed": len([each for each in self.scope if each.key in self.passed]),
            "missing": missing,
            "failed": self.failed,
            "fields_compared": self.fields,
            "searches_compared": self.searched,
        }

    def make_second(self, api: str, model: type, key: str) -> None:
        self.second[key] = self.call(self.of(api, "create_"), self.build(model, 6)).id

    def global_rules(self) -> None:
        api, model = "GlobalRulesApi", models.ApplicationControlGlobalRule
        add = self.operations["GlobalRulesApi.add_global_rules"]
        sent = models.ApplicationControlGlobalRules([self.build(model, 1)])
        made = self.call(add, sent).application_control_global_rules[0]
        one = self.plain(sent.application_control_global_rules[0])
        self.compare(one, self.plain(made), add.key)
        describe, search, modify = (self.of(api, word) for word in ("describe_", "search_", "modify_"))
        self.compare(one, self.plain(self.call(describe, made.id)), describe.key)
        self.search(search, (), made.id, one, self.schema(model.__name__))
        assert self.call(modify, made.id, model(description="only this")).description == "only this"
        self.call(self.of(api, "list_"))
        self.delete(api, made.id)

    def make_ruleset(self) -> None:
        self.ids["rulesetID"] = self.call(self.of("RulesetsApi", "create_"), models.Ruleset(name="for policies")).id

    def policies(self) -> None:
        api = "PoliciesApi"
        self.ids["parentID"] = 1
        id = self.resource(api, models.Policy)
        self.ids["policyID"] = id
        for kind in ("Firewall", "IntrusionPrevention", "IntegrityMonitoring", "LogInspection"):
            self.attempt(f"policy {kind}", self.assignments, "Policy", id, kind, f"{kind}Rule")
        self.attempt("InterfaceTypesApi", self.interface_types, id)
        self.settings(api, "policy", (id,), "platformSettingHeartbeatInterval")
        self.settings(api, "default", (), "platformSettingHeartbeatInterval")
        self.all_settings(api, "list_default_settings", "modify_default_settings", models.DefaultPolicySettings)
        other = self.call(self.of(api, "create_policy"), models.Policy(name="to be deleted"))
        self.delete_named(api, "policy", other.id)

    def delete_named(self, api: str, word: str, id: int) -> None:
        self.call(self.operations[f"{api}.delete_{word}"], id)
        assert refusal(self.call, self.operations[f"{api}.describe_{word}"], id).status == 404

    def computers(self) -> None:
        api = "ComputersApi"
        id = self.resource(api, models.Computer)
        self.ids["computerID"] = id
        for kind in ("Firewall", "IntrusionPrevention", "IntegrityMonitoring", "LogInspection"):
            self.attempt(f"computer {kind}", self.assign_on_computer, id, kind)
        self.settings(api, "computer", (id,), "platformSettingHeartbeatInterval")
        other = self.call(self.of(api, "create_computer"), models.Computer(host_name="to be deleted"))
        self.delete_named(api, "computer", other.id)

    def assign_on_computer(self, id: int, kind: str) -> None:
        """On a computer without a policy, so that nothing is inherited."""
        modify = self.operations["ComputersApi.modify_computer"]
        self.call(modify, id, models.Computer(policy_id=0), expand=sdk.Expand("none").list(), overrides=False)
        self.assignments("Computer", id, kind, f"{kind}Rule")

    def scheduled(self) -> None:
        api, model = "ScheduledTasksApi", models.ScheduledTask
        given = {"type": "scan-for-recommendations", "enabled": False}
        id = self.resource(api, model, (), given)
        self.delete(api, id)

    def system(self) -> None:
        self.settings("SystemSettingsApi", "system", (), "platformSettingSmtpServerAddress")
        self.all_settings("SystemSettingsApi", "list_", "modify_system_settings", models.SystemSettings)


if __name__ == "__main__":
    print(json.dumps(Drive(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None).run()))
