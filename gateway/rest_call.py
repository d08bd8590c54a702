"""One REST request at the edge: who asks, how often, what exactly; and what goes back. No endpoint is known here.

A handler reads on the call's connection or, where its method is not GET, changes something in the call's transaction
(gateway/rest_write.py). It returns the answer's Struct, a `Refused`, or None for an answer without a body.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway.auth import actor_of_token, hash_of
from gateway.policy import may
from gateway.problems import NO_STORE, Problem, bad_request, forbidden, not_found, unauthorized
from model.agent import Actor
from model.refusal import Refused
from profiles.dead_letters import Replayed
from store.feeds import Announce, Transaction
from store.files import Files
from store.pool import Connection, Pool

REQUESTS_PER_MINUTE: Final = 600
_MOST_BUCKETS: Final = 10_000
_AT = re.compile(r" - at `\$\.(\w+)`$")
_UNKNOWN = re.compile(r"unknown field `(\w+)`")
TEXT_IN_PATH: Final = frozenset({"key"})
"""Names of path parameters that are ids by configuration; every other one is a UUID."""

Item = TypeVar("Item")
Query = TypeVar("Query", bound=Struct)
Moment = tuple[Annotated[datetime, Meta(tz=True)], UUID]
"""The keyset of what is listed by time."""
PlainId = Annotated[str, Meta(pattern="^[a-z0-9-]{1,63}$")]
"""The keyset of what is listed by a configured id."""
Limit = Annotated[int, Meta(ge=1, le=200)]
Name = Annotated[str, Meta(max_length=63)]
Cursor = Annotated[str, Meta(max_length=200)]


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class ListQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


class Listing(Struct, Generic[Item], frozen=True):
    """A page of a list. `next` is the cursor of the following page; null when there is none."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True)
class Parts:
    """What of the process requests work with; an application keeps it as `app.state.parts`."""

    pool: Pool
    announce: Announce
    wake: Callable[[], None]
    """Work may flow: a contact, a free slot."""
    want: Callable[[UUID], None]
    """Other systems are to be asked about this customer, whatever is known."""
    files: Files | None = None
    """Where attachments lie."""
    replay: Callable[[UUID], Awaitable[Replayed | None]] | None = None
    """Takes a dead letter once more; None where there is none."""


@dataclass(frozen=True)
class Call(Generic[Query]):
    """A request that may be carried out: an actor who is allowed to, and a query that was understood."""

    actor: Actor
    token: str
    connection: Connection
    query: Query
    path: dict[str, str]
    """The parameters in the path; those that are UUIDs were checked."""
    parts: Parts
    body: Any = None
    """The endpoint's `body`, decoded."""
    if_match: str | None = None
    content_type: str = ""
    """What the body is said to be."""
    opened: Transaction | None = None
    after: list[Callable[[], None]] = field(default_factory=list)
    """Called once, after COMMIT: what cannot be undone. The transaction itself may run several times."""
    prepared: Any = None
    """What the endpoint's `prepare` made of the request."""

    @property
    def tx(self) -> Transaction:
        """The transaction of a request that changes something; `connection` is in it."""
        assert self.opened is not None, "a GET changes nothing"  # noqa: S101  # a mistake in the table
        return self.opened

    @property
    def id(self) -> UUID:
        """The id in the path."""
        return self.uuid("id")

    def uuid(self, name: str) -> UUID:
        """A parameter of the path that is a UUID."""
        return UUID(self.path[name])


class Endpoint(Struct, frozen=True):
    """A line of the table. `query`, `answer` and `body` are Structs, from which the interface is documented."""

    method: str
    path: str
    action: str
    handler: Callable[[Any], Awaitable[Struct | Refused | None]]
    query: type[Struct]
    answer: Any
    """None where nothing is answered but 204."""
    body: Any = None
    status: int = 200
    tagged: bool = False
    """The answer carries an ETag, which If-Match and If-None-Match compare."""
    most_bytes: int | None = None
    """Of a body that is bytes; JSON has a limit of its own."""
    prepare: Callable[[Pool, dict[str, str], Any], Awaitable[Any]] | None = None
    """What takes long and needs no transaction, done before it: of the parameters in the path and the body."""
    read: Callable[[Request, bytes], Awaitable[Any]] | None = None
    """Reads a body that may come in other forms than JSON, which are `forms`."""
    forms: tuple[str, ...] = ()
    secret: bool = False
    """The answer is a secret: it is not kept for whoever repeats the request."""

    @property
    def writes(self) -> bool:
        """Whether the handler gets a transaction."""
        return self.method != "GET"


class Moved(Exception):
    """The customer was merged: another id answers for it."""

    def __init__(self, root: UUID) -> None:
        super().__init__(str(root))
        self.root = root


class RateLimit:
    """A bucket per token that fills in a minute. In this process only: behind n processes a token has n buckets."""

    def __init__(self, per_minute: int = REQUESTS_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: dict[bytes, tuple[float, float]] = {}

    def wait_seconds(self, key: bytes) -> float:
        """Take one; 0 when it was there, else after how long there will be one."""
        now = self._clock()
        left, at = self._buckets.get(key, (self._size, now))
        left = min(self._size, left + (now - at) * self._per_second)
        if left < 1:
            return (1 - left) / self._per_second
        self._buckets[key] = (left - 1, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._forget_full(now)
        return 0.0

    def _forget_full(self, now: float) -> None:
        fills_in = self._size / self._per_second
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket[1] < fills_in}


async def admit(request: Request, endpoint: Endpoint, connection: Connection, limit: RateLimit) -> tuple[Actor, str]:
    """Who asks, in this order: 401, 429, 403. Raises Problem."""
    token = bearer(request)
    actor = await actor_of_token(connection, token)
    if actor is None:
        raise unauthorized("The token is unknown, expired or withdrawn; ask an administrator for a new one.")
    wait = limit.wait_seconds(hash_of(token))
    if wait:
        later = {"Retry-After": str(int(wait) + 1)}
        raise Problem(429, f"More than {REQUESTS_PER_MINUTE} requests a minute; slow down.", headers=later)
    if not may(actor, endpoint.action):
        raise forbidden(f"The role {actor.role} may not do this.")
    return actor, token


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer`, the only place one is taken from. Raises Problem."""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("Send `Authorization: Bearer <token>`; `screenpop token` makes one.")
    return token.strip()


def read_path(request: Request) -> dict[str, str]:
    """The parameters in the path, UUIDs in their usual form. Raises Problem."""
    return {name: _read_parameter(name, raw) for name, raw in request.path_params.items()}


def _read_parameter(name: str, raw: str) -> str:
    if name in TEXT_IN_PATH:
        if "\x00" in raw or len(raw) > 63:
            raise not_found("There is no such id.")
        return raw
    try:
        return str(msgspec.convert(raw, UUID))
    except msgspec.ValidationError:
        raise bad_request("The id in the path is a UUID, as lists give it.", name) from None


def read_query(request: Request, kind: type[Query]) -> Query:
    """The query as the endpoint's Struct. An empty value is the same as none. Raises Problem."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise bad_request("The parameter is given twice; give it once.", name)
        if "\x00" in value:
            raise bad_request("The value holds U+0000; leave it out.", name)
        given[name] = value
    try:
        return msgspec.convert({name: value for name, value in given.items() if value}, kind, strict=False)
    except msgspec.ValidationError as failure:
        raise _query_problem(str(failure), kind) from None


def _query_problem(message: str, kind: type[Struct]) -> Problem:
    known = ", ".join(kind.__struct_fields__) or "none"
    unknown = _UNKNOWN.search(message)
    if unknown:
        return bad_request(f"There is no such parameter here; there are: {known}.", unknown[1])
    place = _AT.search(message)
    return bad_request(f"{_AT.sub('', message)}. Correct it or leave it out.", place[1] if place else "query")


def encode_cursor(position: object) -> str:
    """A place in a list as opaque text that needs no escaping in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, kind: Any) -> Any:
    """The place a cursor names, as a value of `kind`; None for none. Raises Problem."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(raw, type=kind)
        if not all(_is_place(part) for part in (position if isinstance(position, tuple) else (position,))):
            raise ValueError("no place of ours")
    except ValueError:  # also what base64 and msgspec raise
        raise bad_request("The cursor is not one of this list; take `next` of the page before.", "cursor") from None
    return position


def _is_place(part: object) -> bool:
    """Whether the database can compare it."""
    match part:
        case datetime():
            return part.tzinfo is not None and 1970 <= part.year < 9999
        case int():
            return abs(part) < 2**31
        case str():
            return "\x00" not in part
        case _:
            return True


def page_of(rows: Sequence[Item], limit: int, position: Callable[[Item], object]) -> Listing[Item]:
    """A page from rows of which one more than `limit` was asked for; `position` is the keyset of a row."""
    items = tuple(rows[:limit])
    return Listing(items, encode_cursor(position(items[-1])) if len(rows) > limit else None)


def moved_response(request: Request, root: UUID) -> Response:
    """308 to the same address of the customer who answers now, query and all."""
    path = request.url.path.replace(str(request.path_params["id"]), str(root), 1)
    query = f"?{request.url.query}" if request.url.query else ""
    return Response(status_code=308, headers=NO_STORE | {"Location": path + query})


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that nobody keeps without asking again: it may hold personal data. No body: 204."""
    return Response(body or None, status, NO_STORE | (headers or {}), "application/json" if body else None)
