"""REST under /v1: one table of endpoints, from which the routes and the OpenAPI document are made.

Lists answer `{"items": […], "next": cursor | null}`; errors are problem details. Times are RFC 3339 in UTC with `Z` and
microseconds; msgspec leaves the fraction out when it is exactly zero, which SQL's `json_time` writes as `.000000`: the
same instant. 600 requests a minute are taken per token and process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from importlib.metadata import version

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import (
    rest_accounts,
    rest_agents,
    rest_board,
    rest_company,
    rest_customers,
    rest_definitions,
    rest_files,
    rest_hours,
    rest_identity,
    rest_mail,
    rest_merges,
    rest_presence,
    rest_profile,
    rest_queues,
    rest_reads,
    rest_rule_words,
    rest_rules,
    rest_sla,
    rest_sources,
    rest_tasks,
    rest_voice,
)
from gateway.downloads import Download, serve_download
from gateway.openapi import document
from gateway.problems import NO_STORE, from_refused, not_found, problem_of, problem_response
from gateway.rest_call import (
    Call,
    Endpoint,
    Moved,
    Parts,
    RateLimit,
    admit,
    json_response,
    moved_response,
    read_path,
    read_query,
)
from gateway.rest_tag import etag_of, unchanged
from gateway.rest_write import carry_out
from model.refusal import Refused

ENDPOINTS: tuple[Endpoint, ...] = (
    *rest_company.ENDPOINTS,
    *rest_customers.ENDPOINTS,
    *rest_profile.ENDPOINTS,
    *rest_reads.ENDPOINTS,
    *rest_tasks.ENDPOINTS,
    *rest_definitions.ENDPOINTS,
    *rest_identity.ENDPOINTS,
    *rest_merges.ENDPOINTS,
    *rest_sources.ENDPOINTS,
    *rest_files.ENDPOINTS,
    *rest_mail.ENDPOINTS,
    *rest_voice.ENDPOINTS,
    *rest_rules.ENDPOINTS,
    *rest_rule_words.ENDPOINTS,
    *rest_presence.ENDPOINTS,
    *rest_sla.ENDPOINTS,
    *rest_board.ENDPOINTS,
    *rest_hours.ENDPOINTS,
    *rest_accounts.ENDPOINTS,
    *rest_queues.ENDPOINTS,
    *rest_agents.ENDPOINTS,
)


def rest_routes(limit: RateLimit | None = None, endpoints: Sequence[Endpoint] = ENDPOINTS) -> list[Route]:
    """The routes of the table, for an application that keeps its `Parts` as `app.state.parts`."""
    shared = limit or RateLimit()
    return [
        Route("/v1/openapi.json", show_openapi),
        *(Route(each.path, _answering(each, shared), methods=[each.method]) for each in endpoints),
    ]


async def show_openapi(_request: Request) -> Response:
    """What this interface is. It holds no data, so it needs no token."""
    return Response(_openapi(), media_type="application/json", headers={"Cache-Control": "no-cache"})


@cache
def _openapi() -> bytes:
    return msgspec.json.encode(document(ENDPOINTS, version("screenpop")))


def _answering(endpoint: Endpoint, limit: RateLimit) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        parts: Parts = request.app.state.parts
        try:
            if endpoint.writes:
                return await carry_out(request, endpoint, parts, limit)
            return await _read(request, endpoint, parts, limit)
        except Moved as moved:
            return moved_response(request, moved.root)
        except Exception as failure:  # the edge: whatever it is, it is answered as a problem
            return problem_response(problem_of(failure, endpoint.path))

    return answer


async def _read(request: Request, endpoint: Endpoint, parts: Parts, limit: RateLimit) -> Response:
    async with parts.pool.acquire() as connection:
        actor, token = await admit(request, endpoint, connection, limit)
        query, path = read_query(request, endpoint.query), read_path(request)
        answer = await endpoint.handler(Call(actor, token, connection, query, path, parts))
    if answer is None or isinstance(answer, Refused):
        raise from_refused(answer) if answer else not_found("There is no such thing.")
    if isinstance(answer, Download):  # no connection is held while it is read from where it lies
        return await serve_download(answer, parts.files)
    if not endpoint.tagged:
        return json_response(msgspec.json.encode(answer))
    tag = {"ETag": etag_of(answer)}
    if unchanged(request.headers.get("if-none-match"), tag["ETag"]):
        return Response(status_code=304, headers=NO_STORE | tag)
    return json_response(msgspec.json.encode(answer), headers=tag)
