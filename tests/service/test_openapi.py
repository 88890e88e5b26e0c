"""Whatever the documentation allows, and whatever it does not, is answered without a server error."""

from __future__ import annotations

import shutil
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup as CheckFailures
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shopwright.service.app import create_app
from shopwright.settings import load_project

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
FEW, MANY = 3, 15
"""Requests of each kind to each operation: always, and where there is time."""


@pytest.fixture(scope="module")
def operations(served, tmp_path_factory):
    """Every operation of the documentation, over a shop of their own."""
    root = tmp_path_factory.mktemp("described") / "shop"
    shutil.copytree(served.root, root)
    document = schemathesis.openapi.from_asgi("/openapi.json", create_app(load_project(root)))
    return [found.ok() for found in document.get_all_operations()]


def test_every_route_is_documented(operations):
    assert {f"{each.method.upper()} {each.path}" for each in operations} >= {
        "GET /health",
        "POST /predict",
        "POST /bulk_predict",
        "POST /v1/events",
        "GET /v1/churn/{customer_id}",
        "GET /v1/reports/{name}",
        "GET /v1/experiments/{name}/assign",
        "GET /v1/models",
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_no_request_ends_in_a_server_error(operations, examples, mode):
    failed = []
    for operation in operations:
        with suppress(Unsatisfiable):  # an operation that takes nothing cannot be given anything wrong
            _send_many(operation, mode, failed, examples)
    assert failed == []


def _send_many(operation, mode, failed, examples):
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        response = case.call()
        try:
            case.validate_response(response, checks=CHECKS)
        except CheckFailures as found:
            failed.append((operation.label, case.body, str(found)))

    send()
