"""The API's description in OpenAPI 3.1, made of the same declarations as the API."""

from __future__ import annotations

import functools
import re
from typing import Any

import orjson

from sakimori import __version__
from sakimori.protect import agents_api
from sakimori.protect.calls import Operation, Shape
from sakimori.protect.declare import Field, choice, number, numbers, struct, structs, text
from sakimori.protect.routes import all_operations

_TYPES = {"text": "string", "choice": "string", "number": "integer", "moment": "integer", "decimal": "number"}
Schema = dict[str, Any]

AGENT_TASK = (number("ID"), text("type"), struct("parameters", "TaskParameters"))
_MODULES = struct("modules", "ReportedModules", says="Module -> its state and message.")
_BEAT = Shape("Heartbeat", (_MODULES, numbers("running"), text("policyVersion")))
_BEAT_ANSWER = Shape("HeartbeatAnswer", (structs("tasks", "AgentTask", *AGENT_TASK), number("nextHeartbeatSeconds")))
_ANSWER = Shape(
    "TaskAnswer",
    (
        choice("state", "done failed", required=True),
        text("message"),
        struct("host", "HostDescription"),
        structs("events", "AgentEvent"),
    ),
)
_ENDED = Shape("EndedTask", (number("ID"), choice("state", "queued running done failed"), text("message")))
_POLICY = Shape("AgentPolicy", (text("policyVersion"), struct("modules", "EffectiveModules")))
_ADDED = Shape("AddedEvents", (number("added"),))


def _nothing(_call: Any) -> None:
    return None


def agent_operations() -> tuple[Operation, ...]:
    """What agents may call, described; `agent_service.py` answers it."""
    at, tag = "/sakimori/agents", "agents"
    return (
        Operation(
            "POST",
            f"{at}/heartbeat",
            "send_heartbeat",
            tag,
            "Says that the agent is alive, and fetches its tasks.",
            _nothing,
            takes=_BEAT,
            gives=_BEAT_ANSWER,
        ),
        Operation("POST", f"{at}/events", "send_events", tag, "Sends what modules saw.", _nothing, gives=_ADDED),
        Operation("GET", f"{at}/policy", "fetch_policy", tag, "Fetches all that is in force.", _nothing, gives=_POLICY),
        Operation(
            "POST", f"{at}/tasks/{{taskID}}", "answer_task", tag, "Ends a task.", _nothing, takes=_ANSWER, gives=_ENDED
        ),
    )


@functools.cache
def encoded() -> bytes:
    """The description as JSON."""
    return orjson.dumps(document())


@functools.cache
def document() -> Schema:
    """The description."""
    models: dict[str, Schema] = {"Error": {"type": "object", "properties": {"message": {"type": "string"}}}}
    paths: dict[str, Schema] = {}
    agents = agent_operations()
    for operation in (*all_operations(), *agents):
        described = _operation(operation, models, agent=operation in agents)
        paths.setdefault(f"/api{operation.path}", {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sakimori workload protection manager",
            "version": __version__,
            "description": "Computers, policies, protection modules, rules and tasks.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(models.items())),
            "securitySchemes": {
                "secretKey": {"type": "apiKey", "in": "header", "name": "api-secret-key"},
                "authorization": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`ApiKey KEY`",
                },
                "agent": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Agent GUID:SECRET`, for agents",
                },
            },
        },
        "security": [{"secretKey": []}, {"authorization": []}],
    }


def _operation(operation: Operation, models: dict[str, Schema], *, agent: bool) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.says,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation.path), *(_query(field, models) for field in operation.query)],
        "responses": {
            **_success(operation, models),
            "default": {
                "description": "What went wrong.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if operation.right:
        described["x-right"] = operation.right
    if operation.primary:
        described["x-primary-tenant"] = True
    if agent:
        described["security"] = [{"agent": []}]
    if operation.takes.model:
        schema = _shape(operation.takes, models)
        described["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    elif operation.name == "send_events":
        schema = _struct("AgentEvent", _fields_of(agents_api.Event), models)
        described["requestBody"] = {"content": {"application/json": {"schema": {"type": "array", "items": schema}}}}
    return described


def _fields_of(event: type[agents_api.Event]) -> tuple[Field, ...]:
    kinds = {"time": "moment", "ruleID": "number", "details": "struct"}
    return tuple(
        Field(name, kinds.get(name, "text"), required=name in ("module", "key"), model="EventDetails")  # type: ignore[arg-type]  # kinds are Kind's words
        for name in event.__struct_fields__
    )


def _success(operation: Operation, models: dict[str, Schema]) -> Schema:
    if not operation.gives.model:
        return {"204": {"description": "Done."}}
    content = {"application/json": {"schema": _shape(operation.gives, models)}}
    return {"200": {"description": "Done.", "content": content}}


def _path_parameters(path: str) -> list[Schema]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0} if name.endswith("ID") else {"type": "string"},
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query(field: Field, models: dict[str, Schema]) -> Schema:
    return {"name": field.name, "in": "query", "description": field.says, "schema": _field(field, models)}


def _shape(shape: Shape, models: dict[str, Schema]) -> Schema:
    if not shape.many:
        if len(shape.fields) == 1 and shape.fields[0].kind == "settings" and not shape.fields[0].name:
            return _settings()
        return _struct(shape.model, _with_id(shape), models)
    items = _struct(shape.model, _with_id(shape), models)
    return {"type": "object", "properties": {shape.many: {"type": "array", "items": items}}}


def _with_id(shape: Shape) -> tuple[Field, ...]:
    from sakimori.protect.resources import all_resources

    declared = any(resource.model == shape.model for resource in all_resources().values())
    if declared or shape.model == "ApiKeyCurrent":
        return (*shape.fields, number("ID", read_only=True))
    return shape.fields


def _struct(model: str, fields: tuple[Field, ...], models: dict[str, Schema]) -> Schema:
    if model not in models:
        models[model] = {}  # taken, for structs that hold themselves
        schema: Schema = {"type": "object", "properties": {field.name: _field(field, models) for field in fields}}
        required = [field.name for field in fields if field.required]
        if required:
            schema["x-required-to-create"] = required
        models[model] = schema
    return {"$ref": f"#/components/schemas/{model}"}


def _field(field: Field, models: dict[str, Schema]) -> Schema:
    schema: Schema
    if field.kind == "struct":
        schema = _struct(field.model, field.fields, models)
    elif field.kind == "settings":
        schema = _settings()
    elif field.kind == "flag":
        schema = {"type": "boolean"}
    else:
        schema = {"type": _TYPES[field.kind]}
        if field.kind in ("number", "moment"):
            schema["format"] = "int64"
        if field.values:
            schema["enum"] = list(field.values)
    if field.many:
        schema = {"type": "array", "items": schema}
    if "$ref" in schema:
        return schema
    if field.says:
        schema["description"] = field.says
    if field.kind == "moment":
        schema["description"] = field.says or "Milliseconds since 1970."
    if field.read_only:
        schema["readOnly"] = True
    if field.secret:
        schema["writeOnly"] = True
    if field.search:
        schema["x-search"] = field.search
    if field.default is not None:
        schema["default"] = field.default
    return schema


def _settings() -> Schema:
    value = {"type": "object", "properties": {"value": {"type": "string"}}}
    return {"type": "object", "additionalProperties": value}
