"""Which conversation a mail belongs to, by what it answers."""

from __future__ import annotations

from uuid import UUID

from model.content import Mail
from model.inbound import InboundMessage
from store.pool import Connection

MOST_REFERENCES = 100

# The nearest it answers that is known. Names are looked up under any account of the same channel: an answer may come in
# by another mailbox than the one that wrote.
CONVERSATION = """
select coalesce(v.folded_into, v.id)
  from unnest($1::text[]) with ordinality u(name, o)
  cross join lateral (
       select e.conversation_id from account a join entry e on e.account_id = a.id and e.provider_id = u.name
        where a.channel = 'email' and e.conversation_id is not null
        union all
       select x.conversation_id from account a join outbox x on x.account_id = a.id and x.provider_id = u.name
        where a.channel = 'email' and x.conversation_id is not null
        order by 1 desc limit 1) f
  join conversation v on v.id = f.conversation_id
 order by u.o limit 1
"""


async def thread_of(connection: Connection, message: InboundMessage) -> UUID | None:
    """The conversation of the mail that this one answers; None where it begins a thread."""
    mail = next((content for content in message.content if isinstance(content, Mail)), None)
    named = [message.in_reply_to, mail.in_reply_to if mail else None, *reversed(mail.references if mail else ())]
    names = list(dict.fromkeys(name for name in named if name))[:MOST_REFERENCES]
    if not names:
        return None
    found: UUID | None = await connection.fetchval(CONVERSATION, names)
    return found
