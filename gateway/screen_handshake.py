"""Who is at the door: subprotocol, origin, token or ticket. A refusal is an HTTP answer, never a silent close."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.datastructures import Headers

from gateway.auth import actor_of_token, hash_of, spend_ticket
from model.agent import Actor
from pushers.hub import OUTAGE
from store.pool import Connection, Pool

SUBPROTOCOL = "screen.v1+json"
TICKET = "ticket."
DEFAULT_PORTS = {"http": 80, "https": 443}


class Denied(Struct, frozen=True):
    """The handshake is refused: an HTTP status, and a sentence with the remedy."""

    status: int
    title: str
    detail: str


class Admitted(Struct, frozen=True):
    """The handshake is granted. `token_hash`: the token it rests on, shown itself or behind a ticket."""

    actor: Actor
    token_hash: bytes


NOT_ALLOWED = Denied(403, "Forbidden", "This agent may not open a screen.")
NO_CREDENTIAL = Denied(
    401, "Unauthorized", "Send `Authorization: Bearer`, or a fresh ticket as the second subprotocol."
)
NO_SUBPROTOCOL = Denied(400, "Bad Request", f"Offer the subprotocol {SUBPROTOCOL}.")
FOREIGN_ORIGIN = Denied(403, "Forbidden", "This origin may not open screens; add it to the allowed origins.")
UNAVAILABLE = Denied(503, "Service Unavailable", "Screens cannot be opened at the moment; try again.")


def own_origin(origin: str, host: str, allowed: Sequence[str]) -> bool:
    """Whether a page of this origin may open a screen: an allowed one, or one of the host it speaks to.

    Exact, with scheme and port. The scheme of the own host may differ: a proxy before us ends TLS.
    """
    if origin in allowed:
        return True
    try:
        page = urlsplit(origin)
        port = page.port or DEFAULT_PORTS.get(page.scheme)
    except ValueError:
        return False
    if page.scheme not in DEFAULT_PORTS or not page.hostname or page.username or page.path or page.query:
        return False
    named = page.hostname if ":" not in page.hostname else f"[{page.hostname}]"
    hosts = {f"{named}:{port}"} | ({named} if port == DEFAULT_PORTS[page.scheme] else set())
    return host.lower() in hosts


async def admit(
    headers: Headers, offered: Sequence[str], allowed_origins: Sequence[str], pool: Pool
) -> Admitted | Denied:
    """Look at everything a handshake brings; the ticket is spent last, when nothing else is wrong."""
    if SUBPROTOCOL not in offered:
        return NO_SUBPROTOCOL
    origin = headers.get("origin")
    if origin is not None and not own_origin(origin, headers.get("host", ""), allowed_origins):
        return FOREIGN_ORIGIN
    scheme, _, token = headers.get("authorization", "").partition(" ")
    ticket = next((name.removeprefix(TICKET) for name in offered if name.startswith(TICKET)), None)
    try:
        async with pool.acquire() as connection:
            if scheme.lower() == "bearer" and token:
                actor = await actor_of_token(connection, token.strip())
                return Admitted(actor, hash_of(token.strip())) if actor else NO_CREDENTIAL
            return await _admit_ticket(connection, ticket) if ticket else NO_CREDENTIAL
    except OUTAGE:
        return UNAVAILABLE


TOKEN_BEHIND = "select token_hash from ticket where hash = $1"  # noqa: S105  # SQL


async def _admit_ticket(connection: Connection, ticket: str) -> Admitted | Denied:
    # Read before it is spent, which deletes it: the screen rests on this token from now on.
    token_hash = await connection.fetchval(TOKEN_BEHIND, hash_of(ticket))
    actor = await spend_ticket(connection, ticket)
    return Admitted(actor, token_hash) if actor else NO_CREDENTIAL


STILL_GOOD = """
select t.hash, a.id, a.name, a.role from token t join agent a on a.id = t.agent_id
 where t.hash = any ($1::bytea[]) and a.active
   and t.revoked_at is null and (t.expires_at is null or t.expires_at > clock_timestamp())
"""


async def fetch_still_good(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, Actor]:
    """Of these tokens' hashes those that are still good, each with its agent as of now."""
    return {
        row["hash"]: Actor(row["id"], row["name"], row["role"]) for row in await connection.fetch(STILL_GOOD, hashes)
    }
