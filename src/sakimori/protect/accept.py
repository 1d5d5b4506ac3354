"""Takes an object that a client sent: checks it against its resource's declaration, liberal where clients are known to
be loose (`"true"`, `"5"`, fields that newer clients know), and strict about everything that would be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.protect.declare import Field, Resource
from sakimori.protect.errors import Invalid

LONGEST_TEXT = 1 << 20
MOST_MEMBERS = 100_000
_INTEGERS = range(-(1 << 63), 1 << 63)


def created(resource: Resource, sent: Any) -> dict[str, Any]:
    """A new object's values, with defaults. Raises Invalid."""
    values = _object(resource.fields, sent, "", resource.model)
    for each in resource.fields:
        if each.required and values.get(each.name) in (None, ""):
            raise Invalid(f"{resource.model} needs {each.name}: send it, and not empty")
        if each.default is not None and values.get(each.name) is None:
            values[each.name] = each.default
    return {name: value for name, value in values.items() if value is not None}


def modified(resource: Resource, sent: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """An object's values after a partial change: what is not sent stays, `null` goes back to the default."""
    changes = _object(resource.fields, sent, "", resource.model)
    after = _merged(before, changes)
    for each in resource.fields:
        if each.name in changes:
            if each.required and after.get(each.name) in (None, ""):
                raise Invalid(f"{resource.model} needs {each.name}: it cannot be emptied")
            if each.default is not None and after.get(each.name) is None:
                after[each.name] = each.default
    return after


def unknown_fields(resource: Resource, sent: Any) -> list[str]:
    """The names that the resource does not know; they are ignored, and the client is told."""
    known = {each.name for each in resource.fields} | {"ID"}
    return sorted(name for name in sent if name not in known) if isinstance(sent, Mapping) else []


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    after = dict(before)
    for name, value in changes.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, dict) and isinstance(after.get(name), dict):
            after[name] = _merged(after[name], value)
        else:
            after[name] = value
    return after


def _object(fields: tuple[Field, ...], sent: Any, above: str, model: str) -> dict[str, Any]:
    if not isinstance(sent, Mapping):
        raise Invalid(f"{above.rstrip('/') or 'the body'} must be a JSON object ({model}), not {_kind(sent)}")
    taken = {}
    for each in fields:
        if each.name in sent and not each.read_only:
            taken[each.name] = _value(each, sent[each.name], f"{above}{each.name}")
    return taken


def _value(field: Field, sent: Any, where: str) -> Any:
    if sent is None:
        return None
    if not field.many:
        return _single(field, sent, where)
    if isinstance(sent, str) and field.kind == "text":
        sent = [line for line in sent.split("\n") if line]  # the API's own documents allow lists with line ends between
    if not isinstance(sent, list):
        raise Invalid(f"{where} must be a list, not {_kind(sent)}")
    if len(sent) > MOST_MEMBERS:
        raise Invalid(f"{where} has {len(sent)} members; {MOST_MEMBERS} are the most")
    return [_single(field, each, f"{where}[{number}]") for number, each in enumerate(sent)]


def _single(field: Field, sent: Any, where: str) -> Any:
    match field.kind:
        case "struct":
            return {k: v for k, v in _object(field.fields, sent, f"{where}/", field.model).items() if v is not None}
        case "settings":
            return _settings(sent, where)
        case "text":
            return text(sent, where)
        case "choice":
            return one_of(field.values, sent, where)
        case "flag":
            return boolean(sent, where)
        case "decimal":
            return decimal(sent, where)
        case _:
            return integer(sent, where)


def _settings(sent: Any, where: str) -> dict[str, str]:
    """name -> value; a value may come bare or as `{"value": ...}`."""
    if not isinstance(sent, Mapping):
        raise Invalid(f"{where} must be a JSON object of settings, not {_kind(sent)}")
    return {name: setting_value(value, f"{where}/{name}") for name, value in sent.items() if value is not None}


def setting_value(sent: Any, where: str) -> str:
    value = sent.get("value", "") if isinstance(sent, Mapping) else sent
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return text(value or "", where)


def text(sent: Any, where: str) -> str:
    if not isinstance(sent, str):
        raise Invalid(f"{where} must be a text, not {_kind(sent)}")
    if "\0" in sent:
        raise Invalid(f"{where} holds a NUL character, which cannot be stored: leave it out")
    if len(sent) > LONGEST_TEXT:
        raise Invalid(f"{where} has {len(sent)} letters; {LONGEST_TEXT} are the most")
    return sent


def one_of(values: tuple[str, ...], sent: Any, where: str) -> str:
    """The choice as it is declared, however its letters were written."""
    chosen = next((value for value in values if isinstance(sent, str) and value.lower() == sent.lower()), None)
    if chosen is None:
        shown = repr(sent[:80]) if isinstance(sent, str) else _kind(sent)
        raise Invalid(f"{where} must be one of {', '.join(values)}, not {shown}")
    return chosen


def boolean(sent: Any, where: str) -> bool:
    """True and false, also as Python and forms write them."""
    if isinstance(sent, bool):
        return sent
    word = sent.strip().lower() if isinstance(sent, str) else ""
    if word in ("true", "false", "yes", "no", "1", "0"):
        return word in ("true", "yes", "1")
    raise Invalid(f"{where} must be true or false, not {repr(sent[:80]) if isinstance(sent, str) else _kind(sent)}")


def integer(sent: Any, where: str) -> int:
    try:
        if isinstance(sent, bool) or (isinstance(sent, float) and sent != int(sent)):
            raise ValueError
        number = int(sent)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(f"{where} must be an integer, not {str(sent)[:80]!r}") from None
    if number not in _INTEGERS:
        raise Invalid(f"{where} is past 64 bits")
    return number


def integers(sent: Any, where: str) -> list[int]:
    """A list of integers; one alone is a list of it."""
    return [integer(each, where) for each in (sent if isinstance(sent, list) else [sent])]


def decimal(sent: Any, where: str) -> float:
    try:
        if isinstance(sent, bool):
            raise ValueError
        number = float(sent)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(f"{where} must be a number, not {str(sent)[:80]!r}") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise Invalid(f"{where} must be a finite number")
    return number


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
