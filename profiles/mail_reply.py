"""What a mail of ours says around its text: its subject, whom it answers, and its thread."""

from __future__ import annotations

import re
from uuid import UUID

import msgspec

from model.content import Content, Mail, Mailbox
from model.refusal import Refused
from model.wire import Reply
from profiles.route import Route
from store.pool import Connection

MOST_REFERENCES = 20
_RE = re.compile(r"^\s*(re|aw|sv|antw)\s*:\s*", re.IGNORECASE)

# The mail that is named, else the last that came from there; within one customer's timeline.
ANSWERED = """
select e.provider_id, e.content::text as content
  from entry e
 where e.customer_id = $1 and e.channel = 'email' and e.content is not null
   and case when $2::uuid is null then e.direction = 'in' and e.handle_id = $3 else e.id = $2 end
 order by e.at desc limit 1
"""
_decode = msgspec.json.Decoder(tuple[Content, ...]).decode


async def mail_of(connection: Connection, leaf: UUID, frame: Reply, route: Route) -> Mail | Refused:
    """The mail a reply is, in the thread of the one it answers."""
    row = await connection.fetchrow(ANSWERED, leaf, frame.in_reply_to, route.handle_id)
    answered = next((each for each in _decode(row["content"]) if isinstance(each, Mail)), None) if row else None
    subject = frame.subject or (f"Re: {_RE.sub('', answered.subject)}" if answered and answered.subject else None)
    if not subject:
        return Refused("invalid", "A mail that answers none needs a subject.", "subject")
    if any(ord(each) < 32 or ord(each) == 127 for each in subject):
        return Refused("invalid", "A subject is one line without control characters.", "subject")
    name = (row["provider_id"] or answered.message_id) if row and answered else None
    older = answered.references if answered else ()
    return Mail(
        subject=subject,
        sender=None,
        to=(Mailbox(route.address),),
        in_reply_to=name,
        references=(*older, name)[-MOST_REFERENCES:] if name else (),
    )
