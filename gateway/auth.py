"""Who asks: opaque tokens, and one-use tickets by which a browser's websocket shows its token without naming it."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from model.agent import Actor
from store.pool import Connection

TOKEN: Final = re.compile(r"sp_[A-Za-z0-9_-]{43}", re.ASCII)
TICKET: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
TICKET_LIFE = timedelta(seconds=30)
_BYTES: Final = 32


class TokenView(Struct, frozen=True):
    """A token as it may be listed: not itself. `id`: the begin of its hash."""

    id: str
    label: str
    created_at: datetime
    expires_at: datetime | None


class Ticket(Struct, frozen=True):
    """Good for one websocket within 30 s: its second subprotocol is `ticket.<ticket>`."""

    ticket: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Ticket(expires_at={self.expires_at!r})"


def hash_of(secret: str) -> bytes:
    """What is stored of a token or ticket. 256 random bits need neither salt nor a slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


ADD_TOKEN = "insert into token (hash, agent_id, label, expires_at) values ($1, $2, $3, $4)"  # noqa: S105  # SQL


async def issue_token(connection: Connection, agent: UUID, label: str = "", expires: datetime | None = None) -> str:
    """A new token of an agent, shown this once. Raises `asyncpg.ForeignKeyViolationError` for an unknown agent."""
    token = f"sp_{secrets.token_urlsafe(_BYTES)}"
    await connection.execute(ADD_TOKEN, hash_of(token), agent, label, expires)
    return token


_ID_BYTES: Final = 12


def id_of(token: str) -> str:
    """By what a token is named where it is listed."""
    return hash_of(token)[:_ID_BYTES].hex()


TOKENS = f"""
select encode(substr(hash, 1, {_ID_BYTES}), 'hex'), label, created_at, expires_at from token
 where agent_id = $1 and revoked_at is null order by created_at desc, hash limit 200
"""  # noqa: S608  # a constant of ours


async def fetch_tokens(connection: Connection, agent: UUID) -> tuple[TokenView, ...]:
    """An agent's tokens that were not withdrawn, the newest first."""
    return tuple(TokenView(*row) for row in await connection.fetch(TOKENS, agent))


REVOKE = f"""
update token set revoked_at = clock_timestamp()
 where agent_id = $1 and encode(substr(hash, 1, {_ID_BYTES}), 'hex') = $2 and revoked_at is null
returning true
"""  # noqa: S608  # a constant of ours


async def revoke_token(connection: Connection, agent: UUID, id_: str) -> bool:
    """Withdraw it; False when the agent has no such token."""
    return await connection.fetchval(REVOKE, agent, id_) is not None


ACTOR_OF = """
select a.id, a.name, a.role from token t join agent a on a.id = t.agent_id
 where t.hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > clock_timestamp()) and a.active
"""


async def actor_of_token(connection: Connection, token: str) -> Actor | None:
    """Whose token this is; None when it is malformed, unknown, revoked or expired, or the agent is not active."""
    if not TOKEN.fullmatch(token):
        return None
    row = await connection.fetchrow(ACTOR_OF, hash_of(token))
    return None if row is None else Actor(*row)


# Tickets nobody spent are swept by those who ask for new ones.
ISSUE_TICKET = """
with swept as (
    delete from ticket where hash in (
        select hash from ticket where expires_at < clock_timestamp() order by expires_at limit 20
           for no key update skip locked))
insert into ticket (hash, agent_id, token_hash, expires_at)
select $2, a.id, t.hash, clock_timestamp() + $3
  from token t join agent a on a.id = t.agent_id
 where t.hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > clock_timestamp()) and a.active
returning expires_at
"""


async def issue_ticket(connection: Connection, token: str) -> Ticket | None:
    """A ticket for the holder of a valid token; None for any other."""
    if not TOKEN.fullmatch(token):
        return None
    ticket = secrets.token_urlsafe(_BYTES)
    expires_at = await connection.fetchval(ISSUE_TICKET, hash_of(token), hash_of(ticket), TICKET_LIFE)
    return None if expires_at is None else Ticket(ticket, expires_at)


# The row's deletion is the spending: of two who show a ticket, one gets it back. A ticket whose token is no longer good
# stays until it is swept, and is never accepted.
SPEND_TICKET = """
delete from ticket k using token t, agent a
 where k.hash = $1 and k.expires_at > clock_timestamp()
   and t.hash = k.token_hash and t.revoked_at is null and (t.expires_at is null or t.expires_at > clock_timestamp())
   and a.id = k.agent_id and a.id = t.agent_id and a.active
returning a.id, a.name, a.role
"""


async def spend_ticket(connection: Connection, ticket: str) -> Actor | None:
    """Whose ticket this is; None when it was spent before, is older than 30 s, or its token is no longer good."""
    if not TICKET.fullmatch(ticket):
        return None
    row = await connection.fetchrow(SPEND_TICKET, hash_of(ticket))
    return None if row is None else Actor(*row)
