"""What conditions may look at: fields, the kind of each one's value, and the operators of each kind.

`docs/reference/rules.md` is made from these tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal, get_args

from msgspec import Struct

from model.agent import WorkClass
from model.customer import FieldType
from model.timeline import Channel

Kind = Literal["text", "set", "number", "money", "date", "moment", "yes_no"]
Fact = str | float | bool | datetime | tuple[str, ...] | None
"""A value: money as a decimal text, a date as 2026-11-26, a moment as an aware instant. None: not known."""
Facts = Mapping[str, Fact]
"""What rules look at, by field; what is missing is not known."""
Kinds = Mapping[str, Kind]


class Field(Struct, frozen=True):
    """A field and what it tells. `choices`: its only values, where they are few and fixed."""

    kind: Kind
    meaning: str
    choices: tuple[str, ...] = ()


FIELDS: Final[dict[str, Field]] = {
    "account": Field("text", "id of the account the contact came in by"),
    "channel": Field("text", "channel of the contact", get_args(Channel)),
    "class": Field("text", "class of the work", get_args(WorkClass)),
    "text": Field(
        "text", "what the customer wrote since the contact arrived, a line each; of a call what is shown of it"
    ),
    "preview": Field("text", "the line that an offer shows"),
    "menu": Field("set", "titles of what the caller chose in the menu"),
    "known": Field("yes_no", "the customer has a name"),
    "name": Field("text", "name of the customer"),
    "company": Field("text", "company of the customer"),
    "location": Field("text", "where the customer is"),
    "language": Field("text", "language tag of the customer, such as pt-BR"),
    "time_zone": Field("text", "time zone of the customer, such as Europe/Berlin"),
    "plan": Field("text", "plan of the customer"),
    "tags": Field("set", "tags of the customer"),
    "segments": Field("set", "names of the segments the customer is in"),
    "contacts_30_days": Field("number", "contacts of the last 30 days, this one counted"),
    "open_tasks": Field("number", "open tasks of the customer"),
    "first_contact_at": Field("moment", "when the customer's first contact arrived"),
    "previous_contact_at": Field("moment", "when the contact before this one arrived"),
    "last_agent": Field("text", "id of the agent who wrote to the customer or spoke with them last"),
    "last_agent_at": Field("moment", "when that was"),
    "now": Field("moment", "when the rules run"),
}
CUSTOM: Final = "fields."
"""What names of custom fields begin with: `fields.<key>`."""
CUSTOM_KINDS: Final[dict[FieldType, Kind]] = {
    **{"text": "text", "choice": "text", "link": "text", "number": "number"},
    **{"money": "money", "date": "date", "yes_no": "yes_no"},
}
BUILT_IN: Final[Kinds] = {name: field.kind for name, field in FIELDS.items()}

OPERATORS: Final[dict[Kind, tuple[str, ...]]] = {
    "text": ("is", "in", "contains", "starts", "matches"),
    "set": ("has_any", "has_all", "contains"),
    "number": ("is", "gt", "ge", "lt", "le", "between"),
    "money": ("is", "gt", "ge", "lt", "le", "between"),
    "date": ("is", "before", "after", "between", "within", "longer_ago"),
    "moment": ("before", "after", "within", "longer_ago", "hours"),
    "yes_no": ("is",),
}
"""By kind, beside `exists`, which every field has."""
MEANINGS: Final[dict[str, str]] = {
    "is": "the same; texts without regard to case",
    "in": "one of these texts, without regard to case",
    "contains": "the text, or one text of the set, contains this, without regard to case",
    "starts": "begins with this, without regard to case",
    "matches": "holds this pattern of RE2 somewhere, without regard to case unless it says `(?-i)`",
    "has_any": "holds at least one of these, without regard to case",
    "has_all": "holds all of these, without regard to case",
    "gt": "greater than",
    "ge": "greater than or equal to",
    "lt": "less than",
    "le": "less than or equal to",
    "between": "from the first to the second, both included",
    "before": "earlier than this day (2026-11-26) or instant (2026-11-26T09:30:00Z)",
    "after": "later than this day or instant",
    "within": "at most so long ago, as 90s, 30m, 72h or 7d",
    "longer_ago": "more than so long ago",
    "hours": "within these opening hours of a time zone, and on no holiday",
    "exists": "true: there is a value; false: there is none",
}


EXTERNAL: Final = "external."
"""What names of facts from other systems begin with: `external.<source>`."""
POOL: Final = "pool."
"""What names of facts about queues begin with: `pool.<queue>.waiting`, `pool.<queue>.available`."""
POOL_FACTS: Final[dict[str, str]] = {
    "waiting": "contacts that wait in this queue, this one not counted",
    "available": "agents of this queue who are available on a screen",
}


def pool_kinds(queues: Iterable[str]) -> Kinds:
    """The kinds of the facts about these queues."""
    return {f"{POOL}{queue}.{name}": "number" for queue in queues for name in POOL_FACTS}


def queue_of(field: str) -> tuple[str, str] | None:
    """The queue a fact is about, and what of it; None where it is about none."""
    if not field.startswith(POOL):
        return None
    queue, _, name = field.removeprefix(POOL).rpartition(".")
    return (queue, name) if queue and name in POOL_FACTS else None


class Able(Struct, frozen=True):
    """Agents who serve the same queues with the same skills, at their levels."""

    queues: frozenset[str]
    skills: dict[str, int]


class Catalog(Struct, frozen=True):
    """What there is in the company for rules to name. `served`: queues of agents; `topics`: their paths.

    `custom`: kinds of the fields that are not built in; `values`: by field, its only ones. `able`: what agents can do,
    each way once; `agents`: their ids.
    """

    queues: frozenset[str]
    served: frozenset[str]
    topics: frozenset[str]
    custom: Kinds
    values: dict[str, frozenset[str]]
    skills: frozenset[str] = frozenset()
    able: tuple[Able, ...] = ()
    policies: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()

    @property
    def kinds(self) -> Kinds:
        """The kind of every field."""
        return {**BUILT_IN, **self.custom}
