"""The words of declarations, one by one, on a source that answers from a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sakimori.aws.errors import AwsError
from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, arn
from sakimori.discover.engine import Unit, inventory, units
from sakimori.discover.paths import Scope, fill, find_all
from sakimori.discover.source import REDACTED, Answer, Question, without
from sakimori.model.asset import Inventory

PLACE = Place("123456789012", "us-east-1")


@dataclass
class Table:
    """Answers by the name of the question."""

    answers: dict[str, Answer | AwsError]
    asked: list[Question] = field(default_factory=list)

    def pages(self, question: Question) -> Iterator[Answer]:
        self.asked.append(question)
        answer = self.answers[question.name]
        if isinstance(answer, AwsError):
            raise answer
        yield answer


def found(table: Table, *lists: Listing) -> Inventory:
    return inventory(table, [Unit(PLACE, "toy", Service(client="toy", lists=lists))])


def error(code: str, message: str = "") -> AwsError:
    return AwsError("toy:List", "", code, message)


def test_what_stands_behind_the_last_slash() -> None:
    scope = Scope({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/orders"}, PLACE.values())
    assert fill("{/QueueUrl}", scope) == "orders"
    assert fill("{/Missing}", scope) is None


def test_a_number_that_an_answer_has_as_text() -> None:
    assert fill({"version": "{#version}"}, Scope({"version": "3"}, PLACE.values())) == {"version": 3}
    assert fill("{#version}", Scope({"version": "newest"}, PLACE.values())) is None
    assert fill("{#missing}", Scope({}, PLACE.values())) is None


def test_one_answer_for_all_items_is_asked_once_for_each_set_of_parameters() -> None:
    def of(kind: str) -> Detail:
        given = {"kind": kind}
        return Detail(operation="Tell", parameters=given, shared=True, path="found[]", key="id", of="{id}", under=kind)

    toy = Resource("AWS::Toy::Toy", items="toys[]", arn=arn("toy", "{id}"), details=(of("one"), of("two")))
    table = Table(
        {
            "List": {"toys": [{"id": "a"}, {"id": "b"}]},
            "Tell.one": {"found": [{"id": "a", "is": 1}]},
            "Tell.two": {"found": [{"id": "a", "is": 2}]},
        }
    )
    told = {each.id: each.config for each in found(table, Listing(operation="List", gives=(toy,)))}
    assert (told["a"]["one"]["is"], told["a"]["two"]["is"], told["b"]["one"]) == (1, 2, None)
    assert len(table.asked) == 3


def test_a_path_goes_into_the_values_of_a_map() -> None:
    assert find_all({"Methods": {"GET": {"Key": 1}, "PUT": {"Key": 2}}}, "Methods[].Key") == [1, 2]


def test_secrets_are_taken_out_and_names_stay() -> None:
    answer = {"Functions": [{"Environment": {"Variables": {"PASSWORD": "hunter2"}}, "Token": "hunter2"}]}
    told = without(answer, ("Functions[].Environment.Variables", "Functions[].Token", "Functions[].Other.Thing"))
    assert told == {"Functions": [{"Environment": {"Variables": {"PASSWORD": REDACTED}}}]}


NOT_ENABLED = Listing(
    operation="GetSession",
    absent=("AccessDeniedException: is not enabled",),
    otherwise={"status": "DISABLED"},
    gives=(Resource("AWS::Toy::Status", items="", arn=arn("toy", "status")),),
)


def test_not_enabled_is_a_fact() -> None:
    told = found(Table({"GetSession": error("AccessDeniedException", "Toy is not enabled.")}), NOT_ENABLED)
    assert [dict(asset.config) for asset in told] == [{"status": "DISABLED"}]
    assert told.not_evaluated == []


def test_not_allowed_is_not_the_same_as_not_enabled() -> None:
    told = found(Table({"GetSession": error("AccessDeniedException", "You are not authorized")}), NOT_ENABLED)
    assert list(told) == []
    assert [each.code for each in told.not_evaluated] == ["AccessDeniedException"]


SERVICE = Resource(
    "AWS::Toy::Service",
    items="names[]",
    scalar="name",
    arn=arn("toy", "{cluster}/{name}"),
    inherit={"cluster": "{name}"},
    details=(
        Detail(
            operation="DescribeServices",
            parameters={"cluster": "{cluster}", "names": "{name}"},
            each="names",
            batch=10,
            path="services[]",
            key="name",
            of="{name}",
            under="Service",
        ),
        Detail(operation="Never", under="Never", when=lambda item: False),
    ),
)

CLUSTERS = Listing(
    operation="ListClusters",
    gives=(
        Resource(
            "AWS::Toy::Cluster",
            items="names[]",
            scalar="name",
            arn=arn("toy", "{name}"),
            lists=(Listing(operation="ListServices", parameters={"cluster": "{name}"}, gives=(SERVICE,)),),
        ),
    ),
)


def test_details_know_the_item_above_and_share_no_call_with_items_of_another() -> None:
    table = Table(
        {
            "ListClusters": {"names": ["a", "b"]},
            "ListServices.a": {"names": ["x", "y"]},
            "ListServices.b": {"names": ["z"]},
            "DescribeServices.x": {"services": [{"name": "x"}, {"name": "y"}]},
            "DescribeServices.z": {"services": [{"name": "z"}]},
        }
    )
    told = found(table, CLUSTERS)
    asked = [each.parameters for each in table.asked if each.operation == "DescribeServices"]
    assert sorted(asked, key=str) == [{"cluster": "a", "names": ["x", "y"]}, {"cluster": "b", "names": ["z"]}]
    services = list(told.of_type("AWS::Toy::Service"))
    assert {each.id: each.config["Service"] for each in services} == {x: {"name": x} for x in "xyz"}
    assert {each.uid.rpartition(":")[2] for each in services} == {"a/x", "a/y", "b/z"}
    assert [each.config["Never"] for each in services] == [None, None, None]
    assert told.not_evaluated == []


def test_all_accounts_of_a_region_are_asked_before_the_next_region() -> None:
    services = {"toy": Service(client="toy", lists=())}
    places = [Place(account, region) for account in ("1" * 12, "2" * 12) for region in ("b-1", "a-1")]
    asked = [(unit.place.region, unit.place.account[0]) for unit in units(places, services, "1" * 12)]
    assert asked == [("a-1", "1"), ("a-1", "2"), ("b-1", "1"), ("b-1", "2")]
