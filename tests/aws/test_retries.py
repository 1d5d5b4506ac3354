"""Calls for many accounts: signed for whoever the call is about, tried again, and stopped when asked to."""

from __future__ import annotations

import threading
import time

import pytest
from botocore.credentials import ReadOnlyCredentials

from sakimori.aws import clients as module
from sakimori.aws.clients import Clients
from sakimori.aws.errors import AccessDenied, AwsError, Throttled, Unavailable, Unreachable
from sakimori.simulate.aws import Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation


def keys(name: str) -> module.Keys:
    return lambda: ReadOnlyCredentials(name, "secret", "token")


def ask(clients: Clients, name: str = "testing") -> list[dict[str, object]]:
    action = "sqs:ListQueues"
    return list(clients.pages("sqs", "us-east-1", name, keys(name), "ListQueues", action, {"QueueNamePrefix": "q"}))


def test_one_client_signs_for_every_account(aws: SimulatedAws) -> None:
    signed: list[str] = []
    aws.watchers.append(lambda call, _: signed.append(call.headers["authorization"]))
    with Clients() as clients:
        threads = [threading.Thread(target=ask, args=(clients, f"KEY{number}")) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(clients._clients) == 1
    assert sorted(each.partition("Credential=")[2].partition("/")[0] for each in signed) == [
        f"KEY{n}" for n in range(8)
    ]


@pytest.mark.parametrize(
    ("code", "status", "failures", "outcome"),
    [
        ("ThrottlingException", 400, 5, None),
        ("ThrottlingException", 400, 99, Throttled),
        ("InternalFailure", 500, 2, None),
        ("InternalFailure", 500, 99, Unavailable),
        ("AccessDenied", 403, 1, AccessDenied),
    ],
)
def test_what_may_pass_is_tried_again(
    aws: SimulatedAws,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
    failures: int,
    outcome: type[AwsError] | None,
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    calls: list[str] = []

    def fail(_: Call, operation: Operation | None) -> Answer | None:
        assert operation
        calls.append(operation.name)
        return refused(operation, code, "no", status) if len(calls) <= failures else None

    aws.watchers.append(fail)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.01)
    with Clients() as clients:
        if outcome is None:
            assert ask(clients)
            assert len(calls) == failures + 1
        else:
            with pytest.raises(outcome, match="sqs:ListQueues"):
                ask(clients)
        assert clients.calls == len(calls)


def test_after_a_stop_no_call_goes_out(aws: SimulatedAws) -> None:
    with Clients() as clients:
        clients.stop()
        began = time.monotonic()
        with pytest.raises(Unreachable):
            ask(clients)
        assert time.monotonic() - began < 5
        assert clients.calls == 0
