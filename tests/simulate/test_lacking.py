"""What we answer for moto is in the shape that AWS's own model gives."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from sakimori.simulate.lacking import _EMPTY, _TOLD

ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    *((service, name, {member: []}) for service, names in _EMPTY.items() for name, member in names.items()),
    *((service, name, told) for service, names in _TOLD.items() for name, told in names.items()),
]


@pytest.mark.parametrize(("service", "operation", "answer"), ANSWERS)
def test_answers_are_in_the_shape_of_the_model(service: str, operation: str, answer: dict[str, Any]) -> None:
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).output_shape
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), report.generate_report()
