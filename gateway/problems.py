"""Errors as problem details (RFC 9457), each with a sentence that says what to do."""

from __future__ import annotations

import logging
from http import HTTPStatus

import asyncpg
import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from model.refusal import Refused

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
NO_STORE = {"Cache-Control": "no-store"}
RETRY_AFTER_SECONDS = 2

OUTAGE = (
    OSError,
    TimeoutError,  # of the pool: no connection was free
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk full, out of memory
    asyncpg.OperatorInterventionError,  # starting up, shutting down, cancelled by a limit
    asyncpg.LockNotAvailableError,
)
"""What is raised when the database is away or too busy: nothing was changed, and it may be asked again."""


STATUSES: dict[str, int] = {
    **{"not_found": 404, "forbidden": 403, "not_holder": 403, "bad_frame": 400, "gone": 410},
    **{"invalid": 422, "unavailable": 503},
}
"""Of refusals; every other code is a 409: it cannot be done as things stand."""


class ProblemDetails(Struct, frozen=True, omit_defaults=True):
    """The body of every error. `field` names the parameter at fault."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


class Problem(Exception):
    """A request that is answered with an error. Raised at the edge only, where it ends the request."""

    def __init__(
        self, status: int, detail: str, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers or {}


def bad_request(detail: str, field: str) -> Problem:
    """400: the request cannot be understood."""
    return Problem(HTTPStatus.BAD_REQUEST, detail, field)


def unauthorized(detail: str) -> Problem:
    """401: no token, or none that is good."""
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": 'Bearer realm="screenpop"'})


def forbidden(detail: str) -> Problem:
    """403: the token is good and its owner may not do this."""
    return Problem(HTTPStatus.FORBIDDEN, detail)


def not_found(detail: str) -> Problem:
    """404."""
    return Problem(HTTPStatus.NOT_FOUND, detail)


def from_refused(refused: Refused) -> Problem:
    """A refusal of the floors below, in terms of HTTP."""
    return Problem(STATUSES.get(refused.code, 409), refused.message, refused.field)


def problem(
    status: int, title: str, detail: str, *, field: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """An error as a response."""
    body = msgspec.json.encode(ProblemDetails("about:blank", title, status, detail, field))
    return Response(body, status, NO_STORE | (headers or {}), MEDIA_TYPE)


def problem_response(failure: Problem) -> Response:
    """The answer to a request that failed."""
    title = HTTPStatus(failure.status).phrase
    return problem(failure.status, title, failure.detail, field=failure.field, headers=failure.headers)


def problem_of(failure: Exception, where: str) -> Problem:
    """The problem an exception is answered with. Logs its kind only: the text of a database error may hold its data."""
    if isinstance(failure, Problem):
        return failure
    # A value the driver cannot encode is an InterfaceError too, and our mistake.
    if isinstance(failure, OUTAGE) and not isinstance(failure, ValueError):
        log.warning("%s: the database does not answer (%s)", where, type(failure).__name__)
        later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Problem(503, f"The database does not answer; try again in {RETRY_AFTER_SECONDS} s.", headers=later)
    log.error("%s: %s", where, type(failure).__name__)
    return Problem(500, "We failed to answer this request; nothing was changed. It is in our log.")


async def on_http_exception(_request: Request, failure: Exception) -> Response:
    """Starlette's own errors (unknown path, wrong method) as problems; for `exception_handlers` of the application."""
    if not isinstance(failure, HTTPException):
        return problem_response(problem_of(failure, "http"))
    details = {404: "There is nothing at this address.", 405: "This address does not take this method; see Allow."}
    detail = details.get(failure.status_code, failure.detail)
    return problem_response(Problem(failure.status_code, detail, headers=dict(failure.headers or {})))
