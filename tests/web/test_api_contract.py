"""The interface is what its own description says, whatever is sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Server, httpx

schemathesis = pytest.importorskip("schemathesis", reason="needs the test extra")

PROMISED = {
    "POST /v1/restore",
    "GET /v1/jobs",
    "GET /v1/events",
    "GET /v1/jobs/{id}",
    "DELETE /v1/jobs/{id}",
    "GET /v1/jobs/{id}/result",
    "GET /v1/jobs/{id}/before",
    "GET /v1/jobs/{id}/after",
    "GET /v1/jobs/{id}/region",
    "GET /v1/jobs/{id}/overview",
    "POST /v1/uploads",
    "GET /v1/uploads",
    "GET /v1/uploads/{id}",
    "DELETE /v1/uploads/{id}",
    "GET /v1/uploads/{id}/overview",
    "GET /v1/uploads/{id}/preview",
    "GET /v1/results.zip",
    "GET /v1/models",
    "GET /v1/tasks",
    "GET /v1/limits",
}


def statuses(operation: Any) -> list[int]:
    """What is answered to requests that the description allows, and to broken ones."""
    from hypothesis import HealthCheck, Phase, given, settings

    seen: list[int] = []

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call()
        seen.append(answer.status_code)
        assert answer.status_code < 500, f"{case.formatted_path}: {answer.status_code}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0] == "application/problem+json"
            assert answer.json()["detail"]

    ask()
    return seen


def test_nothing_that_is_sent_makes_the_server_fail(server: Server) -> None:
    schema = schemathesis.openapi.from_url(server.url("openapi.json"))
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {f"{each.method.upper()} {each.path}" for each in operations} == PROMISED
    for operation in operations:
        if operation.path != "/v1/events":  # it has no end; see test_events.py
            assert statuses(operation)


def test_answers_are_described(server: Server) -> None:
    document = httpx.get(server.url("openapi.json")).json()
    restore = document["paths"]["/v1/restore"]["post"]
    assert "multipart/form-data" in restore["requestBody"]["content"]
    assert {"202", "413", "415", "503"} <= set(restore["responses"])
    form = restore["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"file", "task", "scale", "strength", "model", "format", "wait"} <= set(
        form["properties"]
    )
    assert httpx.get(server.url("docs")).status_code == 404
