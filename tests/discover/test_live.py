"""Which accounts and regions are looked at, and what becomes of services that a region does not have."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sakimori.aws.clients import Clients
from sakimori.aws.errors import Unreachable
from sakimori.discover.declare import Place
from sakimori.discover.live import LiveSource, Wanted, plan
from sakimori.discover.source import Question
from sakimori.model.asset import GLOBAL
from sakimori.simulate.aws import ACCOUNT, Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation


def test_only_enabled_regions_are_asked(aws: SimulatedAws) -> None:
    with Clients() as clients:
        everywhere = plan(clients, Wanted())
        some = plan(clients, Wanted(regions=["eu-west-1", "xx-nowhere-1"]))
    regions = {place.region for place in everywhere.places}
    enabled = {each["RegionName"] for each in aws.client("ec2").describe_regions()["Regions"]}
    assert regions == {GLOBAL, *enabled}
    assert [place.region for place in some.places] == [GLOBAL, "eu-west-1"]


def test_where_regions_cannot_be_asked_that_is_named_and_the_rest_goes_on(aws: SimulatedAws) -> None:
    def deny(_: Call, operation: Operation | None) -> Answer | None:
        return (
            refused(operation, "UnauthorizedOperation", "no", 403) if str(operation) == "ec2:DescribeRegions" else None
        )

    aws.watchers.append(deny)
    with Clients() as clients:
        planned = plan(clients, Wanted())
        chosen = plan(clients, Wanted(regions=["us-east-1"]))
    assert [place.region for place in planned.places] == [GLOBAL]
    assert [(each.action, each.code) for each in planned.not_evaluated] == [
        ("ec2:DescribeRegions", "UnauthorizedOperation")
    ]
    assert [place.region for place in chosen.places] == [GLOBAL, "us-east-1"]


def test_accounts_may_be_chosen_without_the_right_to_list_them(aws: SimulatedAws) -> None:
    with Clients() as clients:
        planned = plan(clients, Wanted(["111122223333", ACCOUNT], ["us-east-1"], role="Reader"))
    assert {place.account for place in planned.places} == {"111122223333", ACCOUNT}
    assert planned.not_evaluated == []


class NoHost:
    """Clients for which no host answers."""

    def __init__(self, *, offered: bool, why: OSError | None = None) -> None:
        self._offered, self._why = offered, why

    def pages(self, *_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        raise Unreachable("macie2:GetMacieSession", "", "EndpointConnectionError", "no such host") from self._why
        yield {}

    def offered(self, *_: str) -> bool:
        return self._offered


def test_a_service_that_a_region_does_not_have_holds_nothing() -> None:
    place = Place(ACCOUNT, "xx-new-1")
    question = Question(place, "macie2", "macie2", "GetMacieSession", "macie2:GetMacieSession", {})
    absent: Any = NoHost(offered=False)
    assert list(LiveSource(absent, {ACCOUNT: lambda: None}).pages(question)) == []  # type: ignore[arg-type, return-value]
    there: Any = NoHost(offered=True)
    with pytest.raises(Unreachable):
        list(LiveSource(there, {ACCOUNT: lambda: None}).pages(question))  # type: ignore[arg-type, return-value]


def test_a_sparse_service_holds_nothing_where_nobody_knows_its_name_and_only_there() -> None:
    place = Place(ACCOUNT, "us-east-1")
    question = Question(place, "datazone", "datazone", "ListDomains", "datazone:ListDomains", {}, sparse=True)
    unnamed: Any = NoHost(offered=True, why=socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    assert list(LiveSource(unnamed, {ACCOUNT: lambda: None}).pages(question)) == []  # type: ignore[arg-type, return-value]
    away = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    for why in (away, ConnectionRefusedError(), None):
        silent: Any = NoHost(offered=True, why=why)
        with pytest.raises(Unreachable):
            list(LiveSource(silent, {ACCOUNT: lambda: None}).pages(question))  # type: ignore[arg-type, return-value]


def test_a_host_that_nobody_knows_is_known_by_what_botocore_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://datazone.invalid")
    place = Place(ACCOUNT, "us-east-1")
    question = Question(place, "datazone", "datazone", "ListDomains", "datazone:ListDomains", {}, sparse=True)
    with Clients() as clients:
        assert list(LiveSource(clients, {ACCOUNT: clients.base_keys}).pages(question)) == []
