"""The OpenAPI document: what it says is sound, and the gateway does as it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from gateway.openapi import document
from gateway.rest import ENDPOINTS
from gateway.rest_call import RateLimit
from store.pool import Pool, open_pool
from tests.contract.api_fuzz import run
from tests.contract.api_world import seed
from tests.flow.gateway_process import running
from tests.flow.rest_client import client_of

EXAMPLES = 2
SEED = 20_261_126
SECRETS = {"POST /v1/tickets", "POST /v1/agents/{id}/tokens"}
"""What answers these is not kept, so they are not to be repeated."""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    yield opened
    await opened.close()


@pytest.mark.timeout(240)
async def test_a_gateway_process_does_in_every_role_as_its_document_says(
    database_url: str, pool: Pool, tmp_path: Path
) -> None:
    tokens, ids = await seed(pool)
    with running(database_url, tmp_path / "log") as gateway:
        await gateway.up()
        report = await asyncio.to_thread(run, gateway.url, tokens, ids, EXAMPLES, SEED)
    assert report.failures == [], "\n\n".join(report.failures)
    assert report.operations == len(ENDPOINTS)
    assert report.requests > len(ENDPOINTS) * EXAMPLES


async def test_the_document_is_read_without_a_token(pool: Pool) -> None:
    async with client_of(pool, RateLimit()) as client:
        answer = await client.get("/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["openapi"] == "3.1.0"


def test_the_document_is_openapi_and_its_schemas_are_json_schema() -> None:
    made = json.loads(json.dumps(document(ENDPOINTS, "1")))
    schemathesis.openapi.from_dict(made).validate()
    for schema in made["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"})
    made["paths"]["/v1/me"]["get"]["responses"] = 1
    with pytest.raises(Exception, match="responses"):
        schemathesis.openapi.from_dict(made).validate()


def references(value: Any) -> Iterator[str]:
    """Every `$ref` inside."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    made = json.loads(json.dumps(document(ENDPOINTS, "1")))
    used = set(references(made))
    for reference in used:
        part = made
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    assert set(made["components"]["schemas"]) == {
        reference.rpartition("/")[2] for reference in used if "/schemas/" in reference
    }


def test_every_operation_says_who_may_what_it_takes_and_how_it_fails() -> None:
    made = document(ENDPOINTS, "1")
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in made["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {f"{each.method} {each.path}" for each in ENDPOINTS}
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    for label, operation in operations.items():
        assert operation["summary"].endswith((".", "…")), label
        assert operation["x-roles"], label
        assert {"400", "401", "429", "503"} <= set(operation["responses"]), label
        in_path = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert in_path == {part[1:-1] for part in label.split("/") if part.startswith("{")}, label
        headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (not label.startswith("GET") and label not in SECRETS), label
        refused = {"413", "415"} if label != "POST /v1/attachments" else {"413"}  # a file may be of any type
        assert ("requestBody" in operation) <= (refused <= set(operation["responses"])), label
    for header, label, status in (
        ("If-Match", "PATCH /v1/customers/{id}", "412"),
        ("If-None-Match", "GET /v1/customers/{id}", "304"),
    ):
        assert header in {each["name"] for each in operations[label]["parameters"]}
        assert {"308", status} <= set(operations[label]["responses"])


def test_no_other_method_than_those_of_the_table_is_a_way_in() -> None:
    assert {each.method for each in ENDPOINTS} == {"GET", "POST", "PATCH", "PUT", "DELETE"}
    assert len({(each.method, each.path) for each in ENDPOINTS}) == len(ENDPOINTS)
