"""Pages of the workload protection manager's API, from the declarations that the API itself is made of."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.protect.calls import Operation
from sakimori.protect.declare import Field, Resource
from sakimori.protect.openapi import agent_operations
from sakimori.protect.resources import all_resources
from sakimori.protect.routes import all_operations

FOLDER = "protect/api"


def pages() -> dict[str, list[str]]:
    """Every page's title and lines, by its path below docs/."""
    by_tag: dict[str, list[Operation]] = {}
    for operation in (*all_operations(), *agent_operations()):
        by_tag.setdefault(operation.tag.partition("/")[0], []).append(operation)
    found = {f"{FOLDER}/{tag}.md": [tag, *_page(tag, operations)] for tag, operations in by_tag.items()}
    rows = (f"| [{tag}]({tag}.md) | {_title(tag)} | {len(operations)} |" for tag, operations in sorted(by_tag.items()))
    found[f"{FOLDER}/index.md"] = [
        "The workload protection manager's API",
        f"{sum(map(len, by_tag.values()))} operations under `/api`, spoken as Trend Micro's Server & Workload",
        "Protection speaks them; what is under `/api/sakimori` is ours. `/api/openapi.json` describes it for programs.",
        "",
        "A key is sent as `api-secret-key: KEY` or `Authorization: ApiKey KEY`, agents send `Authorization: Agent",
        'GUID:SECRET`. Errors are `{"message": "..."}`. Times are milliseconds since 1970. A change sends only',
        "what changes. `/search` takes criteria; page by ID with `idTest` greater-than the last one seen.",
        "",
        "| resource | what it is | operations |",
        "| --- | --- | --- |",
        *rows,
    ]
    return found


def _title(tag: str) -> str:
    resource = all_resources().get(tag)
    others = {
        "sakimori": "What the manager offers beyond the shared API.",
        "agents": "What agents say and ask.",
        "systemsettings": "The manager's own settings.",
        "apiusagemetrics": "Calls of the API.",
        "scripts": "Scripts that a scheduled task can run.",
    }
    return resource.title if resource else others[tag]


def _page(tag: str, operations: list[Operation]) -> Iterator[str]:
    yield from (_title(tag), "", "| operation | what it does | right |", "| --- | --- | --- |")
    for each in operations:
        right = each.right.replace("/", ".") if each.right else ""
        yield f"| `{each.method} /api{each.path}` | {each.says} | {right} |"
    queries = {field.name: field for each in operations for field in each.query}
    if queries:
        yield from ("", "| in the query | meaning |", "| --- | --- |")
        yield from (f"| `{name}` | {field.says or name} |" for name, field in queries.items())
    resource = all_resources().get(tag)
    if resource is not None:
        yield from ("", *_fields(resource))


def _fields(resource: Resource) -> Iterator[str]:
    yield from ("| field | type | searched as | |", "| --- | --- | --- | --- |")
    for name, field in _flat(resource.fields, ""):
        notes = [
            *(["required"] if field.required else []),
            *(["unique"] if field.unique else []),
            *(["read-only"] if field.read_only else []),
            *(["never shown"] if field.secret else []),
            *([f"an ID of {field.refers}"] if field.refers else []),
            *([f"default {field.default}"] if field.default is not None else []),
        ]
        yield f"| `{name}` | {_type(field)} | {field.search or ''} | {', '.join(notes)} |"


def _flat(fields: tuple[Field, ...], above: str) -> Iterator[tuple[str, Field]]:
    for each in fields:
        if each.fields and each.model != "Rights":
            yield from _flat(each.fields, f"{above}{each.name}{'[]' if each.many else ''}/")
        else:
            yield above + each.name, each


def _type(field: Field) -> str:
    words = {"text": "text", "number": "integer", "decimal": "number", "flag": "true or false", "moment": "time"}
    kind = ", ".join(f"`{value}`" for value in field.values) if field.values else words.get(field.kind, field.model)
    return f"list of {kind}" if field.many else kind
