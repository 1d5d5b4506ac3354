"""Clients are kept within bounds: each costs memory, and an organisation has services times regions of them."""

from __future__ import annotations

import pytest

from sakimori.aws import clients
from sakimori.simulate.aws import SimulatedAws


def test_only_the_latest_used_clients_are_kept(aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST_CLIENTS", 2)
    with clients.Clients() as kept:

        def ask(region: str) -> list[dict[str, object]]:
            keys = kept.base_keys
            return list(kept.pages("sqs", region, "123456789012", keys, "ListQueues", "sqs:ListQueues", {}))

        for region in ("us-east-1", "eu-west-1", "us-east-1", "eu-north-1", "eu-west-1"):
            ask(region)
        assert list(kept._clients) == [("sqs", "eu-north-1"), ("sqs", "eu-west-1")]


def test_a_client_that_was_let_go_in_the_middle_of_a_list_goes_on(
    aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MOST_CLIENTS", 1)
    for index in range(3):
        aws.client("sqs").create_queue(QueueName=f"q{index}")
    with clients.Clients() as kept:
        keys = kept.base_keys
        asked = ("123456789012", keys, "ListQueues", "sqs:ListQueues", {})
        pages = kept.pages("sqs", "us-east-1", *asked, page_size=1)
        first = next(pages)
        list(kept.pages("sqs", "eu-west-1", *asked))
        urls = [url for page in [first, *pages] for url in page["QueueUrls"]]
    assert [url.rpartition("/")[2] for url in urls] == ["q0", "q1", "q2"]
