"""What service files declare exists: operations, parameters, and paths into answers, by botocore's own models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import botocore.exceptions
import botocore.session
import pytest

from sakimori.aws.answers import _TOKENS
from sakimori.discover.declare import Call, Detail, Listing, Resource, Service, Tie
from sakimori.discover.services import services

ALL = services()


@cache
def model(client: str) -> Any:
    return botocore.session.get_session().get_service_model(client)


def operation(service: Service, call: Call, name: str = "") -> Any:
    return model(call.client or service.client).operation_model(name or call.operation)


def shape_at(shape: Any, path: str) -> Any:
    """The shape that a path leads to; None where there is none."""
    for step in path.split(".") if path else ():
        name, each = step.removesuffix("[]"), step.endswith("[]")
        if name:
            if shape.type_name == "map":
                shape = shape.value
            elif shape.type_name == "structure" and name in shape.members:
                shape = shape.members[name]
            elif getattr(shape, "is_document_type", False):
                return shape
            else:
                return None
        if each:
            if shape.type_name not in ("list", "map"):
                return None
            shape = shape.member if shape.type_name == "list" else shape.value
    return shape


def calls(service: Service) -> Iterator[tuple[Call, Resource | None]]:
    """Every call with the resource that it is a detail of."""

    def of(listing: Listing) -> Iterator[tuple[Call, Resource | None]]:
        yield listing, None
        for resource in listing.gives:
            yield from ((detail, resource) for detail in resource.details)
            for below in resource.lists:
                yield from of(below)

    for listing in service.lists:
        yield from of(listing)


@pytest.mark.parametrize("name", ALL)
def test_calls_exist_and_are_given_what_they_need(name: str) -> None:
    service = ALL[name]
    for call, _ in calls(service):
        assert call.operation in model(call.client or service.client).operation_names, call.operation
        shape = operation(service, call).input_shape
        known = set(shape.members) if shape else set()
        assert set(call.parameters) <= known, f"{call.operation} does not take {set(call.parameters) - known}"
        required = set(shape.required_members) if shape else set()
        assert required <= set(call.parameters), f"{call.operation} lacks {required - set(call.parameters)}"
        if isinstance(call, Detail) and call.batch:
            assert shape.members[call.each].type_name == "list"


@pytest.mark.parametrize("name", ALL)
def test_paths_lead_somewhere(name: str) -> None:
    service = ALL[name]
    for listing, resource in service.resources():
        assert shape_at(operation(service, listing).output_shape, resource.items), resource.items
        for detail in resource.details:
            found = shape_at(operation(service, detail).output_shape, detail.path)
            assert found, f"{detail.operation} has no {detail.path}"
            if detail.key and not detail.parse:
                assert shape_at(found, detail.key), f"{detail.operation}: {detail.path} has no {detail.key}"


@pytest.mark.parametrize("name", ALL)
def test_templates_and_ties_are_about_what_the_answers_hold(name: str) -> None:
    for listing, resource in ALL[name].resources():
        keys = config_shape(ALL[name], listing, resource)
        for path in [*placeholders(resource.arn), *placeholders(resource.name), *placeholders(resource.region)]:
            assert leads(keys, path), f"{resource.type}: nothing is called {path}"
        for tie in resource.relations:
            if isinstance(tie, Tie):
                inside = any(tie.path.startswith(f"{text}.") for text in resource.documents)
                assert inside or leads(keys, tie.path), f"{resource.type}: nothing is called {tie.path}"
            else:
                assert tie.__doc__, f"{resource.type}: {tie} has no docstring"
        for path in resource.documents:
            assert leads(keys, path), f"{resource.type}: nothing is called {path}"
        if resource.shape is None and resource.tags != "Tags":
            assert leads(keys, resource.tags), f"{resource.type}: nothing is called {resource.tags}"


@pytest.mark.parametrize("name", ALL)
def test_further_calls_are_filled_from_what_the_item_holds(name: str) -> None:
    for listing, resource in ALL[name].resources():
        keys = config_shape(ALL[name], listing, resource)
        filled: list[Any] = [detail.parameters for detail in resource.details]
        filled += [[detail.of, detail.region] for detail in resource.details]
        filled += [below.parameters for below in resource.lists]
        for path in placeholders(str(filled)):
            assert leads(keys, path), f"{resource.type}: nothing is called {path}"


@pytest.mark.parametrize("name", ALL)
def test_questions_about_different_items_have_different_names(name: str) -> None:
    """A snapshot's file is named by the texts among the parameters: one of them has to be the item's own."""
    for _, resource in ALL[name].resources():
        single = [each for each in resource.details if not each.batch and not each.shared]
        for call in [*single, *resource.lists] if "{" in resource.arn.replace("{@", "") else ():
            texts = [value for value in call.parameters.values() if isinstance(value, str)]
            assert any(not path.startswith("@") for path in placeholders(str(texts))), call.operation


@pytest.mark.parametrize("name", ALL)
def test_secrets_are_where_they_are_said_to_be(name: str) -> None:
    for call, _ in calls(ALL[name]):
        for path in call.secrets:
            assert shape_at(operation(ALL[name], call).output_shape, path), f"{call.operation} has no {path}"


Keys = Mapping[str, Any]


def config_shape(service: Service, listing: Listing, resource: Resource) -> Keys:
    """The keys of the config, each with its shape, None where we cannot tell."""
    item = shape_at(operation(service, listing).output_shape, resource.items)
    keys: dict[str, Any] = {resource.scalar: None} if resource.scalar else dict(item.members)
    keys |= dict.fromkeys(resource.inherit)
    for detail in resource.details:
        found = None if detail.parse else shape_at(operation(service, detail).output_shape, detail.path)
        if detail.under:
            keys[detail.under] = (found, "[]" in detail.path or detail.many) if found else None
        elif found is not None:
            keys.update(found.members)
        else:
            keys["*"] = None
    keys |= dict.fromkeys(path for path in resource.documents if path in keys)
    if resource.shape:
        keys |= dict.fromkeys(SHAPED.get(resource.type, ()))
    return keys


SHAPED = {"AWS::SSM::Parameter": ["Path"]}
"""Keys that a resource's own function adds."""


def leads(keys: Keys, path: str) -> bool:
    path = path.removeprefix("/")
    if path.startswith(("@", "^")) or not path:
        return True
    head, _, rest = path.partition(".")
    name, each = head.removesuffix("[]"), head.endswith("[]")
    if name not in keys:
        return "*" in keys
    shape = keys[name]
    if isinstance(shape, tuple):
        shape, listed = shape
        if each and listed:
            return shape_at(shape, rest) is not None
    return (
        shape is None or shape_at(shape, ("[]." if each else "") + rest if rest else "[]" if each else "") is not None
    )


def placeholders(template: str) -> list[str]:
    found = re.findall(r"\{([^{}\']*)\}", template)
    return [path.removeprefix("#") for paths in found for path in paths.split("?")]


@pytest.mark.parametrize("name", ALL)
def test_paginated_lists_are_marked_as_whole_lists(name: str) -> None:
    """A page size is only given where a paginator takes one."""
    service = ALL[name]
    session = botocore.session.get_session()
    for call, _ in calls(service):
        if isinstance(call, Listing) and call.page_size:
            pages = session.get_paginator_model(call.client or service.client).get_paginator(call.operation)
            assert pages.get("limit_key"), call.operation


TOKENS = {"NextToken", "nextToken", "NextMarker", "Marker", "position", "PaginationToken"}


@pytest.mark.parametrize("name", ALL)
def test_what_comes_in_pages_is_read_to_the_end(name: str) -> None:
    service = ALL[name]
    session = botocore.session.get_session()
    for call, _ in calls(service):
        client = call.client or service.client
        answered = operation(service, call).output_shape
        asked = operation(service, call).input_shape
        known: set[str] = set()
        paged = TOKENS & set(answered.members) & set(asked.members if asked else ())
        with suppress(botocore.exceptions.DataNotFoundError):
            known |= set(session.get_paginator_model(client)._paginator_config)
        assert not paged or call.operation in known or paged <= set(_TOKENS), f"{call.operation} pages by {paged}"


def test_every_asset_type_is_given_by_one_service() -> None:
    given: dict[str, set[str]] = {}
    for name, service in ALL.items():
        for _, resource in service.resources():
            given.setdefault(resource.type, set()).add(name)
            assert re.fullmatch(r"AWS::[A-Za-z0-9]*::[A-Za-z0-9]+", resource.type), resource.type
    assert {type: names for type, names in given.items() if len(names) > 1} == {}
