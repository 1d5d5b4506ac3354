"""Fixtures that every room's tests may use."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from sakimori.simulate.aws import SimulatedAws, simulated_aws

signal.signal(signal.SIGINT, signal.default_int_handler)
"""Ctrl-C is under test: what a test starts must not inherit that it is ignored, as in the background of a script."""


@pytest.fixture(scope="session")
def _aws_server() -> Iterator[SimulatedAws]:
    pytest.importorskip("moto", reason="moto is not installed: no simulated AWS")
    with simulated_aws() as simulation:
        yield simulation


@pytest.fixture
def aws(_aws_server: SimulatedAws) -> Iterator[SimulatedAws]:
    """A simulated AWS account, empty at the start of every test; boto3's environment points at it."""
    _aws_server.reset()
    yield _aws_server
    _aws_server.reset()
