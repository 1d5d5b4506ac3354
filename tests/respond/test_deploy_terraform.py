"""Terraform: the same deployment as CloudFormation's, and arguments that the provider has."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from terraform_translated import translated
from test_deploy_templates import DESIGNS, SECRET

from sakimori import __version__
from sakimori.respond.deploy import cloudformation, terraform
from sakimori.respond.deploy.design import design

SCHEMA = Path(__file__).parents[2] / "build" / "terraform" / "lib"


@pytest.mark.parametrize("name", DESIGNS)
def test_terraform_deploys_the_same_to_the_last_property(name: str) -> None:
    template = cloudformation.template(DESIGNS[name])["Resources"]
    wanted = {}
    for own_id, each in template.items():
        left_out = {"Tags"} | {"Respond": {"Code"}, "Secret": {"GenerateSecretString"}}.get(own_id, set())
        properties = {key: value for key, value in each["Properties"].items() if key not in left_out}
        wanted[own_id] = {"Type": each["Type"], "Properties": properties}
    assert translated(terraform.configuration(DESIGNS[name]), template) == wanted


@pytest.mark.parametrize("name", DESIGNS)
def test_what_the_two_have_in_ways_of_their_own_is_the_same_too(name: str) -> None:
    template, found = (made(DESIGNS[name]) for made in (cloudformation.template, terraform.configuration))
    tags = found["provider"]["aws"]["default_tags"]["tags"]
    for each in template["Resources"].values():
        assert {tag["Key"]: tag["Value"] for tag in each["Properties"].get("Tags", ())} in ({}, tags)
    assert __version__ in tags.values()
    secret = template["Resources"]["Secret"]["Properties"]["GenerateSecretString"]
    password = found["ephemeral"]["random_password"]["secret"]
    assert (password["length"], password["special"]) == (secret["PasswordLength"], not secret["ExcludePunctuation"])
    version = found["resource"]["aws_secretsmanager_secret_version"]["secret"]
    assert version["secret_id"] == "${aws_secretsmanager_secret.secret.id}"
    assert version["secret_string_wo"] == "${ephemeral.random_password.secret.result}"
    function = found["resource"]["aws_lambda_function"]["respond"]
    bundle = f"${{path.module}}/{template['Parameters']['BundleKey']['Default']}"
    assert function["filename"] == bundle
    assert function["source_code_hash"] == f'${{filebase64sha256("{bundle}")}}'


@pytest.mark.parametrize("name", DESIGNS)
def test_terraform_refers_to_nothing_that_is_not_there(name: str) -> None:
    found = terraform.configuration(DESIGNS[name])
    text = json.dumps(found)
    there = {f"{kind}.{own}" for kind, each in found["resource"].items() for own in each}
    for reference in re.findall(r"(?<!\$)\$\{([^}]+)\}", text):
        head = reference.removeprefix("data.").removeprefix("ephemeral.").split(".")
        if reference.startswith("data."):
            assert head[1] in found["data"][head[0]]
        elif reference.startswith("ephemeral."):
            assert head[1] in found["ephemeral"][head[0]]
        elif not reference.startswith(("var.region", "path.module", "filebase64sha256(")):
            assert ".".join(head[:2]) in there, reference
    for each in found["resource"]["aws_lambda_function"]["respond"]["depends_on"]:
        assert each in there


def test_text_of_the_users_is_no_expression_of_terraform() -> None:
    chosen = design(protect_url="https://${var.region}.example", protect_secret=SECRET)
    variables = terraform.configuration(chosen)["resource"]["aws_lambda_function"]["respond"]["environment"][
        "variables"
    ]
    assert variables["SAKIMORI_PROTECT_URL"] == "https://$${var.region}.example"


# The provider's own schema

needs_schema = pytest.mark.skipif(
    not SCHEMA.exists(), reason="the AWS provider's schema is not here: run tools/terraform_schema.sh"
)

_INTERFACE = re.compile(r"^export interface (\w+)[^{]*\{(.*?)^\}", re.S | re.M)
_ARGUMENT = re.compile(r"#(\w+) \w+#\w+\}.*?readonly \w+(\??): (\{[^}]*\}|[^;]+);", re.S)
_ATTRIBUTE = re.compile(r"^    get (\w+)\(\)", re.M)

Arguments = dict[str, tuple[bool, str]]
"""Name -> whether it is required, and its type as the package declares it."""


def folder(kind: str) -> Path:
    return SCHEMA / kind.removeprefix("aws_").replace("_", "-").replace("data-", "data-aws-")


@cache
def declared(kind: str) -> dict[str, Arguments]:
    """The blocks of a resource: "" is the resource itself, the others go by their types' names."""
    text = (folder(kind) / "index.d.ts").read_text(encoding="utf-8")
    spelt = "".join(word.capitalize() for word in folder(kind).name.split("-"))
    itself = "AwsProviderConfig" if kind == "provider" else f"{spelt}Config"
    blocks: dict[str, Arguments] = {}
    for name, body in _INTERFACE.findall(text):
        arguments = {each: (not optional, " ".join(kind.split())) for each, optional, kind in _ARGUMENT.findall(body)}
        blocks["" if name == itself else name] = arguments
    return blocks


def attributes(kind: str) -> set[str]:
    """What can be referred to of a resource."""
    spelt = _ATTRIBUTE.findall((folder(kind) / "index.d.ts").read_text(encoding="utf-8"))
    return {re.sub(r"(?<!^)([A-Z])", r"_\1", each).lower() for each in spelt}


def misfits(kind: str, given: dict[str, Any], block: str = "") -> list[str]:
    """What is wrong with a block's arguments by the schema."""
    known = declared(kind)[block]
    where = f"{kind} {block}".strip()
    wrong = [f"{where}: {name} is missing" for name, (required, _) in known.items() if required and name not in given]
    for name, value in given.items():
        if name == "depends_on" and not block:
            continue
        if name not in known:
            wrong.append(f"{where}: there is no {name}")
            continue
        type_name = known[name][1].removesuffix(" | cdktf.IResolvable")
        inner = type_name.removesuffix("[]")
        if inner in declared(kind):
            for each in value if isinstance(value, list) else [value]:
                wrong += misfits(kind, each, inner)
        elif not _fits(type_name, value):
            wrong.append(f"{where}: {name} is a {type_name}, and not {value!r}")
    return wrong


def _fits(type_name: str, value: Any) -> bool:
    if isinstance(value, str) and re.fullmatch(r"\$\{[^}]+\}", value):
        return True  # an expression
    if type_name.startswith("{"):
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if type_name.endswith("[]"):
        return isinstance(value, list) and all(_fits(type_name[:-2], each) for each in value)
    kinds: dict[str, Any] = {"string": str, "number": (int, float), "boolean": bool}
    return isinstance(value, kinds[type_name]) and (type_name == "boolean" or not isinstance(value, bool))


@needs_schema
@pytest.mark.parametrize("name", DESIGNS)
def test_the_provider_has_every_argument_and_gets_all_that_it_requires(name: str) -> None:
    found = terraform.configuration(DESIGNS[name])
    wrong = [
        each
        for kind, named in found["resource"].items()
        for arguments in named.values()
        for each in misfits(kind, arguments)
    ]
    wrong += misfits("provider", found["provider"]["aws"])
    for kind, named in found["data"].items():
        for arguments in named.values():
            wrong += misfits(f"data_{kind.removeprefix('aws_')}", arguments)
    assert wrong == []


@needs_schema
@pytest.mark.parametrize("name", DESIGNS)
def test_the_provider_gives_every_attribute_that_is_referred_to(name: str) -> None:
    text = json.dumps(terraform.configuration(DESIGNS[name])["resource"])
    referred = set(re.findall(r"(?<!\$)\$\{(data\.)?(aws_\w+)\.\w+\.(\w+)\}", text))
    assert len(referred) > 8
    for is_data, kind, attribute in referred:
        assert attribute in attributes(f"data_{kind.removeprefix('aws_')}" if is_data else kind), (kind, attribute)


@needs_schema
def test_the_check_by_the_schema_finds_what_is_wrong() -> None:
    queue = {"name": 7, "fifo": True, "message_retention_seconds": "${var.days}"}
    assert misfits("aws_sqs_queue", queue) == [
        "aws_sqs_queue: name is a string, and not 7",
        "aws_sqs_queue: there is no fifo",
    ]
    assert misfits("aws_lambda_function", {"function_name": "f", "role": "r", "environment": {"variable": {}}}) == [
        "aws_lambda_function LambdaFunctionEnvironment: there is no variable"
    ]
    assert misfits("aws_cloudwatch_event_target", {"arn": "a"}) == ["aws_cloudwatch_event_target: rule is missing"]
