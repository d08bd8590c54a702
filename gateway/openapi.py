"""The OpenAPI 3.1 document at /v1/openapi.json, made from the table of endpoints, so that it says what they do."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from gateway.downloads import Download
from gateway.policy import RULES
from gateway.problems import MEDIA_TYPE, ProblemDetails
from gateway.rest_call import TEXT_IN_PATH, Endpoint
from gateway.rest_write import LONGEST_KEY
from model.refusal import Refused

Json = dict[str, Any]

REF: Final = "#/components/schemas/{name}"
WHY: Final = {
    400: "The request cannot be understood; `field` names the parameter or the place in the body.",
    401: "No token, or none that is good.",
    403: "The token is good and its owner may not do this.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "It cannot be done as things stand: somebody was quicker, or has it already.",
    410: "It is over.",
    412: "It was changed since it was read.",
    413: "The body is too long.",
    415: "The body is not JSON.",
    422: "A value is understood and not possible; or the key was used for another request.",
    429: "Too many requests; Retry-After says when to come again.",
    503: "The database does not answer, or is too busy; nothing was changed. Retry-After says when to ask again.",
}
BINARY: Final = {"type": "string", "contentMediaType": "application/octet-stream"}
RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
LATER: Final = (409, 429, 503)
MOVED: Final = {
    "description": "The customer was merged: ask the profile that answers now.",
    "headers": {"Location": {"schema": {"type": "string"}, "required": True}},
}
ETAG: Final = {"ETag": {"description": "For If-Match and If-None-Match.", "schema": {"type": "string"}}}
REPLAYED: Final = {
    "Idempotency-Replayed": {"description": "This answer is that of an earlier request.", "schema": {"type": "string"}}
}
DESCRIPTION: Final = """\
Errors are problem details (RFC 9457) with `field` where one thing is at fault. Lists answer `items` and `next`, the
cursor of the following page or null. Times are RFC 3339 in UTC. `x-roles` says whose tokens may do a thing.

A request that changes something may name an `Idempotency-Key`: repeated within 24 hours, it is answered as the first
time and changes nothing more. A refused request changed nothing and leaves its key free."""


def document(endpoints: Sequence[Endpoint], version: str) -> Json:
    """The document as JSON values."""
    answers = [each.answer for each in endpoints if each.answer not in (None, Download)]
    bodies = [each.body for each in endpoints if each.body not in (None, bytes)]
    _, schemas = msgspec.json.schema_components([*answers, ProblemDetails], ref_template=REF)
    for schema in schemas.values():
        _as_answer(schema)
    _, taken = msgspec.json.schema_components(bodies, ref_template=REF)
    schemas |= taken
    for schema in schemas.values():
        _tidy(schema)
    paths: Json = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Screenpop", "version": version, "description": DESCRIPTION},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem(status) for status in WHY},
        },
    }


def _as_answer(schema: Json) -> None:
    """What we answer always has all its fields, those with a default too; only problem details leave some out."""
    if "properties" in schema and schema.get("title") != ProblemDetails.__name__:
        schema["required"] = list(schema["properties"])


def _tidy(schema: Json) -> None:
    """Docstrings without their indent, and instants as such: by our habit they end in `_at`."""
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    for name, kind in schema.get("properties", {}).items():
        if name == "at" or name.endswith("_at"):
            for each in kind.get("anyOf", [kind]):
                if each.get("type") == "string":
                    each["format"] = "date-time"


def _problem(status: int) -> Json:
    schema = {"$ref": REF.format(name=ProblemDetails.__name__)}
    response: Json = {"description": WHY[status], "content": {MEDIA_TYPE: {"schema": schema}}}
    if status in LATER:
        response["headers"] = RETRY_AFTER
    return response


def _operation(endpoint: Endpoint) -> Json:
    operation: Json = {
        "operationId": endpoint.handler.__name__,
        "tags": [endpoint.path.split("/")[2]],
        "summary": (inspect.getdoc(endpoint.handler) or "").partition("\n\n")[0].replace("\n", " "),
        "x-roles": roles_of(endpoint),
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint.query), *_headers(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.body is bytes:
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": BINARY}}}
    elif endpoint.body is not None:
        content = {"application/json": {"schema": _schema(endpoint.body)}}
        content |= {form: {"schema": _schema(endpoint.body)} for form in endpoint.forms}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def roles_of(endpoint: Endpoint) -> list[str]:
    """Whose tokens may ask for it."""
    return [role for role, rule in RULES[endpoint.action].items() if rule != "no"]  # type: ignore[index]


def _schema(kind: Any) -> Json:
    schemas, _ = msgspec.json.schema_components([kind], ref_template=REF)
    schema: Json = schemas[0]
    return schema


def _path_parameters(endpoint: Endpoint) -> list[Json]:
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    text: Json = {"type": "string", "minLength": 1, "maxLength": 63}
    uuid: Json = {"type": "string", "format": "uuid"}
    return [
        {"name": name, "in": "path", "required": True, "schema": text if name in TEXT_IN_PATH else uuid}
        for name in names
    ]


def _query_parameters(query: Any) -> list[Json]:
    _, schemas = msgspec.json.schema_components([query], ref_template=REF)
    own = schemas[query.__name__]
    return [
        {"name": name, "in": "query", "required": name in own["required"], "schema": _without_null(schema)}
        for name, schema in own["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """A parameter that is not given is left out: there is no null in a query."""
    kinds = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(kinds) == 1:
        return {**{key: value for key, value in schema.items() if key not in ("anyOf", "default")}, **kinds[0]}
    return schema


def _headers(endpoint: Endpoint) -> list[Json]:
    text: Json = {"type": "string"}
    headers = []
    if endpoint.writes and not endpoint.secret:
        key = text | {"minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"}
        headers.append({"name": "Idempotency-Key", "in": "header", "schema": key})
    if endpoint.tagged and endpoint.writes:
        headers.append({"name": "If-Match", "in": "header", "schema": text})
    if endpoint.tagged and endpoint.method == "GET":
        headers.append({"name": "If-None-Match", "in": "header", "schema": text})
    return headers


def _responses(endpoint: Endpoint) -> Json:
    responses: Json = {str(success(endpoint)): _answer(endpoint)}
    if endpoint.path.startswith("/v1/customers/{id}"):
        responses["308"] = MOVED
    if endpoint.tagged and endpoint.method == "GET":
        responses["304"] = {"description": "You have it already.", "headers": ETAG}
    for status in sorted(_problems(endpoint)):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return responses


def success(endpoint: Endpoint) -> int:
    """The status of an answer."""
    return HTTPStatus.NO_CONTENT if endpoint.answer is None else endpoint.status


def _answer(endpoint: Endpoint) -> Json:
    answer: Json = {"description": HTTPStatus(success(endpoint)).phrase}
    headers = (ETAG if endpoint.tagged and endpoint.answer is not None else {}) | (
        REPLAYED if endpoint.writes and not endpoint.secret else {}
    )
    if headers:
        answer["headers"] = headers
    if endpoint.answer is Download:
        answer["content"] = {"*/*": {"schema": BINARY}}
    elif endpoint.answer is not None:
        answer["content"] = {"application/json": {"schema": _schema(endpoint.answer)}}
    return answer


def _problems(endpoint: Endpoint) -> set[int]:
    """Every status a request may be refused with, from what the endpoint is."""
    statuses = {400, 401, 429, 503}
    if "no" in RULES[endpoint.action].values() or endpoint.writes:  # type: ignore[index]
        statuses.add(403)
    if "{" in endpoint.path:
        statuses.add(404)
    if endpoint.writes:
        statuses |= {408, 413} | ({409, 422} if not endpoint.secret else set())
    if endpoint.answer is Download:
        statuses |= {409, 410}
    if endpoint.body not in (None, bytes):
        statuses |= {404, 415}
    if may_refuse(endpoint):
        statuses |= {404, 409, 410, 422}
    if endpoint.tagged and endpoint.writes:
        statuses.add(412)
    return statuses


@cache
def may_refuse(endpoint: Endpoint) -> bool:
    """Whether the handler answers `Refused` at times."""
    kind = get_type_hints(endpoint.handler).get("return")
    return get_origin(kind) in (Union, UnionType) and Refused in get_args(kind)
