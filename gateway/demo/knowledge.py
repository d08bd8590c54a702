"""What the demo company knows of its customers besides what they wrote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from store.ids import new_id
from store.pool import Connection


class Colleague(Protocol):
    """Whoever wrote it down."""

    @property
    def id(self) -> UUID: ...


TOPICS = {
    "Delivery": ("Late parcel", "Damage", "Pick-up"),
    "Billing": ("Invoice", "Refund"),
    "Product": ("Colours", "Samples"),
}
NEW_TOPIC = "insert into topic (id, parent_id, name) values ($1, $2, $3)"
FIELD_DEFINITIONS = """
insert into field (key, label, type, choices, currency, position) values
    ('trade_discount', 'Trade discount', 'number', '{}', null, 1),
    ('lifetime_value', 'Lifetime value', 'money', '{}', 'USD', 2),
    ('customer_since', 'Customer since', 'date', '{}', null, 3),
    ('photo_consent', 'Photo consent', 'yes_no', '{}', null, 4),
    ('showroom', 'Showroom', 'choice', '{Mile End,Mission,SoHo}', null, 5),
    ('contract', 'Contract', 'link', '{}', null, 6)
"""
SEGMENTS = """
insert into segment (id, name, condition) values
    ('trade', 'Trade customers', '{"field": "tags", "has": "trade"}'),
    ('regulars', 'Regulars', '{"field": "contacts_30_days", "at_least": 2}')
"""
RELATIONSHIP_TYPES = """
insert into relationship_type (id, label, back) values
    ('sister', 'sister', 'sibling'), ('employer', 'employer', 'employee'),
    ('receives-for', 'receives for', 'orders received by')
"""
FIELDS = """
update customer
   set external_id = 'NH-1007', preferred_channels = '{sms}', refused_channels = '{voice}', birth_date = '1984-03-14',
       fields = '{"trade_discount": 12, "lifetime_value": "18420.00", "customer_since": "2021-03-14",
                  "photo_consent": true, "showroom": "Mile End", "contract": "https://shop.example/contracts/1007"}'
 where id = $1
"""
EMAIL = """
insert into handle (id, kind, value, customer_id, label, main) values ($1, 'email', $2, $3, $4, true)
"""
ADDRESS = """
insert into address (id, customer_id, label, street, city, postal_code, country, main, by_agent)
values ($1, $2, 'delivery', '5420 rue Clark', 'Montréal', 'H2T 2V2', 'CA', true, $3)
"""
DETAIL = "insert into detail (id, customer_id, body, at, by_agent) values ($1, $2, $3, $4, $5)"
TASK = "insert into task (id, customer_id, body, due_at, agent_id, by_agent) values ($1, $2, $3, $4, $5, $5)"
RELATIONSHIP = """
insert into relationship (id, customer_id, other_id, type_id, by_agent) values ($1, $2, $3, $4, $5)
"""
TALK_ABOUT = """
insert into conversation_topic (conversation_id, topic_id, by_agent)
select v.id, t.id, $3
  from (select id, row_number() over (order by opened_at) as n from conversation where customer_id = $1) v
       join unnest($2::uuid[]) with ordinality t(id, n) on t.n = v.n
"""


async def know(connection: Connection, customers: Sequence[UUID], agents: Sequence[Colleague]) -> None:
    """Write it down, by the order of `people.PEOPLE`."""
    for definitions in (FIELD_DEFINITIONS, SEGMENTS, RELATIONSHIP_TYPES):
        await connection.execute(definitions)
    topics = await _topics(connection)
    layla, tomas, adaeze = customers[:3]
    ines, marek = agents[0].id, agents[1].id
    now = datetime.now(UTC)
    await connection.execute(FIELDS, layla)
    await connection.execute(EMAIL, new_id(), "layla@studiohaddad.example", layla, "office")
    await connection.execute(EMAIL, new_id(), "tomas@benes.example", tomas, "office")
    await connection.execute(ADDRESS, new_id(), layla, ines)
    latex = "Latex allergy: no latex foam in samples."
    await connection.execute(DETAIL, new_id(), layla, latex, now - timedelta(days=200), marek)
    lift = "Third floor, goods lift fits 200 cm. Ring reception, not the studio."
    await connection.execute(DETAIL, new_id(), layla, lift, now - timedelta(days=7), ines)
    await connection.execute(
        *(TASK, new_id(), layla, "Call back with the new delivery slot", now + timedelta(hours=5), ines)
    )
    await connection.execute(RELATIONSHIP, new_id(), layla, adaeze, "receives-for", ines)
    await connection.execute(TALK_ABOUT, layla, [topics["Pick-up"], topics["Damage"], topics["Late parcel"]], ines)
    await connection.execute(TALK_ABOUT, tomas, [topics["Invoice"], topics["Invoice"]], marek)


async def _topics(connection: Connection) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for name, below in TOPICS.items():
        found[name] = new_id()
        await connection.execute(NEW_TOPIC, found[name], None, name)
        for each in below:
            found[each] = new_id()
            await connection.execute(NEW_TOPIC, found[each], found[name], each)
    return found
