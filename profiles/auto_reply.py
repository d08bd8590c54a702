"""What a rule answers, without anybody: it leaves by the outbox as every reply does, in nobody's name.

It takes nothing off anybody's hands: the conversation still wants an agent, no line of My Customers changes, and no
clock of a policy is met. It starts nothing: rules run for what customers send, and what is known to be sent by itself
opens no contact. A machine that answers like a person is answered once per contact and rule, and so often a day.
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import Struct, structs

from model.content import Content, Mail
from model.refusal import Refused
from model.timeline import Entry
from model.wire import Reply
from profiles.folded import own_conversation
from profiles.mail_reply import mail_of
from profiles.reply import ADD_TO_OUTBOX, LOCK_CONTACTS, UNPLACED, Talk, lock_conversation
from profiles.reply_limits import LimitsOf, check_limits
from profiles.route import Route, choose_route
from store.feeds import NewEntry, Transaction, append_to_customer
from store.ids import new_id
from store.pool import Connection

MOST_A_DAY = 5
"""Answers without anybody that one customer gets within 24 hours."""


class ByRule(Struct, frozen=True):
    """The rule that acts, in which decision, and for which contact."""

    rule: str
    decision: UUID
    contact: UUID
    conversation: UUID


ANSWERED_TODAY = """
select count(*) from customer m join contact c on c.customer_id = m.id join done_by_rule d on d.contact_id = c.id
 where m.root_id = $1 and d.what = 'reply' and d.at > clock_timestamp() - interval '24 hours'
"""
DONE = "select true from done_by_rule where contact_id = $1 and rule = $2 and what = $3"
KEEP_DONE = "insert into done_by_rule (contact_id, rule, what, decision_id, entry_id) values ($1, $2, $3, $4, $5)"
# Whoever has spoken to the customer since they wrote has said more than a sentence by rule.
SPOKEN = """
select exists (
    select from contact c join customer m on m.id = c.customer_id join customer l on l.root_id = m.root_id
           join entry e on e.customer_id = l.id
     where c.id = $1 and e.at >= c.arrived_at and e.kind = 'message' and e.direction = 'out'
       and e.author_id is not null)
"""


async def answer_by_rule(tx: Transaction, by: ByRule, text: str, limits_of: LimitsOf) -> Refused | None:
    """Send this to the contact's customer, by the way they came. Refused: it is not sent, and why."""
    talk = await lock_conversation(tx, by.conversation)
    if isinstance(talk, Refused):
        return talk
    refused = await _too_much(tx.connection, talk, by)
    if refused is not None:
        return refused
    contacts = await tx.connection.fetch(LOCK_CONTACTS, talk.id)
    contact = next((each for each in contacts if each["id"] == by.contact), None)
    frame = Reply(talk.id, text, new_id())
    route = await choose_route(tx.connection, talk.root, frame, contact)
    if isinstance(route, Refused):
        return route
    leaf = route.leaf or talk.leaf
    content = await _content(tx.connection, frame, structs.replace(route, leaf=leaf), limits_of)
    if isinstance(content, Refused):
        return content
    await keep_done(tx.connection, by, "reply", frame.id)
    await _send(tx, talk, frame, structs.replace(route, leaf=leaf), content)
    return None


async def done_before(connection: Connection, by: ByRule, what: str) -> bool:
    """Whether this rule has done so for this contact already. Under the customer's lock."""
    return await connection.fetchval(DONE, by.contact, by.rule, what) is not None


async def keep_done(connection: Connection, by: ByRule, what: str, entry: UUID) -> None:
    """This rule has done so for this contact."""
    await connection.execute(KEEP_DONE, by.contact, by.rule, what, by.decision, entry)


async def _too_much(connection: Connection, talk: Talk, by: ByRule) -> Refused | None:
    if talk.status == "closed":
        return Refused("wrong_state", "The conversation was closed meanwhile.")
    if await done_before(connection, by, "reply"):
        return Refused("wrong_state", "This rule has answered this contact already.")
    if await connection.fetchval(SPOKEN, by.contact):
        return Refused("wrong_state", "An agent has answered meanwhile.")
    if await connection.fetchval(ANSWERED_TODAY, talk.root) >= MOST_A_DAY:
        return Refused("rate_limited", f"The customer has had {MOST_A_DAY} answers by rule within a day.")
    return None


async def _content(
    connection: Connection, frame: Reply, route: Route, limits_of: LimitsOf
) -> tuple[Content, ...] | Refused:
    limits = await limits_of(connection, route.account)
    if limits is None:
        return Refused("unavailable", f"Nothing serves the account {route.account}.")
    refused = await check_limits(connection, frame, (route.handle_id, route.account), (), limits)
    if refused is not None:
        return refused
    if route.channel != "email" or route.leaf is None:
        return ()
    mail = await mail_of(connection, route.leaf, frame, route)
    return mail if isinstance(mail, Refused) else (structs.replace(mail, automatic="auto_reply"),)


async def _send(tx: Transaction, talk: Talk, frame: Reply, route: Route, content: tuple[Content, ...]) -> None:
    leaf = route.leaf or talk.leaf
    own = talk.id if leaf == talk.leaf else await own_conversation(tx.connection, leaf, talk.id)
    entry = Entry(
        id=frame.id,
        kind="message",
        channel=route.channel,
        direction="out",
        body=frame.body,
        at=UNPLACED,
        status="queued",
        conversation=talk.id,
        handle=route.to,
        account=route.account,
        content=content,
        leaf=leaf if leaf != talk.root else None,
    )
    answers = next((each.in_reply_to for each in content if isinstance(each, Mail)), None)
    new = NewEntry(entry, leaf, route.handle_id, own, answers=answers)
    at = await append_to_customer(tx, talk.root, [new])
    kept = msgspec.json.encode(content).decode() if content else None
    row = (entry.id, leaf, own, route.account, route.address, frame.body, at)
    await tx.connection.execute(ADD_TO_OUTBOX, *row, kept, answers, [])
