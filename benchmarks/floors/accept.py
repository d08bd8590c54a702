"""`python -m benchmarks.floors.accept PORT DATABASE_URL FILE`: bare websocket, one prepared statement, one send.

A text frame `accept <offer>` runs the statement with all the durable writes of an accept and sends the bytes of FILE;
`update <offer>` changes one row and sends the same.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

AGENT = UUID("00000000-0000-4000-8000-0000000000a1")
ACCEPT = """
with t as (select o.id, o.contact_id, c.customer_id from offer o join contact c on c.id = o.contact_id
            where o.id = $1 and o.agent_id = $2 and o.state = 'pending'),
l as materialized (select t.* from stream s join t on s.id = t.customer_id for no key update of s),
k as materialized (select l.*, c.fence from contact c join l on c.id = l.contact_id where c.state = 'offered'
                      for no key update of c),
o as (update offer o set state = 'accepted', ended_at = clock_timestamp() from k
       where o.id = k.id and o.state = 'pending' and o.fence = k.fence and o.expires_at > clock_timestamp()
      returning o.id, o.contact_id, k.customer_id),
c as (update contact c set state = 'assigned', agent_id = $2, state_at = clock_timestamp() from o
       where c.id = o.contact_id returning c.id, c.conversation_id, o.customer_id, o.id as offer_id),
s as (update stream s set seq = s.seq + 2, last_at = greatest(clock_timestamp(), s.last_at + interval '1 microsecond')
        from c where s.id = c.customer_id returning s.id, s.seq, s.last_at),
a as (update agent_state a set seq = a.seq + 2 from c where a.id = $2 returning a.id, a.seq),
e as (insert into entry select $3, s.id, c.conversation_id, s.last_at, 'status', 'accepted', $2 from s, c),
w as (insert into event (kind, id, seq, body)
      select 1, s.id, s.seq - 1, '{"kind":"entry","entry":{"id":"' || $3::uuid || '","at":"' || s.last_at
             || '","conversation":"' || c.conversation_id || repeat('.', 240) || '"}}' from s, c
      union all
      select 1, s.id, s.seq, '{"kind":"contact","contact":{"id":"' || c.id || repeat('.', 240) || '"}}' from s, c
      union all
      select 3, a.id, a.seq - 1, '{"kind":"offer_ended","offer":"' || c.offer_id || repeat('.', 60) || '"}' from a, c
      union all
      select 3, a.id, a.seq, '{"kind":"held","held":{"contact":"' || c.id || repeat('.', 400) || '"}}' from a, c)
select c.id, s.seq, a.seq as agent_seq from c, s, a
"""
UPDATE = "update one_row set state = 'accepted' where id = $1 and state = 'pending' returning id"


def app(url: str, profile: str) -> Starlette:
    """The whole application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.connection = connection = await asyncpg.connect(url)
        app.state.ways = {"accept": await connection.prepare(ACCEPT), "update": await connection.prepare(UPDATE)}
        yield
        await connection.close()

    async def screen(websocket: WebSocket) -> None:
        await websocket.accept(subprotocol="screen.v1+json")
        ways: dict[str, Any] = websocket.app.state.ways
        try:
            while True:
                way, offer = (await websocket.receive_text()).split()
                arguments = (UUID(offer), AGENT, uuid4())
                if await ways[way].fetchrow(*arguments[: 3 if way == "accept" else 1]) is None:
                    raise LookupError(f"no offer {offer} to {way}")
                await websocket.send_text(profile)
        except WebSocketDisconnect:
            return

    return Starlette(routes=[WebSocketRoute("/v1/screen", screen)], lifespan=lifespan)


if __name__ == "__main__":
    port, url, file = sys.argv[1:]
    uvicorn.run(
        app(url, Path(file).read_text()),
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="error",
    )
