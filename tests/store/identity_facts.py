"""What the random identity work counts, and what it asks the database."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tests.store.identity_rows import Rows
from tests.store.merge_storm import LINKS, ROOTS
from tests.store.merged import FLAT

WRITTEN_BY_OTHERS = ("messages", "unread", "unrouted", "preview_at")
"""Of a contact: what another's word that joined it has changed for good."""
SHOWN_TWICE = """
select m.root_id from customer m join conversation v on v.customer_id = m.id
 where v.status <> 'closed' and v.folded_into is null group by m.root_id having count(*) > 1
"""
JOINED = ("preview", "preview_direction", "handle_id")
"""Of a contact that took the last word, which came since: another's of its own group, who has none."""
STRAY_HANDLES = "select value from handle where customer_id is null or shared"
NEVER_MERGED = """
select n.low_id from never_link n join customer a on a.id = n.low_id join customer b on b.id = n.high_id
 where a.root_id = b.root_id
"""
NAMED = "select id, coalesce(shown_name, name) as name from customer where root_id = id"
# What must hold after every step, in one look: all entries, what is found that must never be, and the names in lists.
ALL_OF_IT = "\nunion all\n".join(
    [
        "select 'entry' as what, body as text, customer_id as id from entry where kind = 'message'",
        f"select 'name', x.name, x.id from ({NAMED}) x",
        *(
            f"select '{what}', to_jsonb(x)::text, null from ({sql}) x"
            for what, sql in (
                ("a handle of nobody", STRAY_HANDLES),
                ("several open conversations shown", SHOWN_TWICE),
                ("a root under a root", ROOTS),
                ("not the root its links lead to", LINKS),
                ("merged though it must never be", NEVER_MERGED),
                ("folded wrongly", FLAT),
            )
        ),
    ]
)
OWNERS = "select value, customer_id from handle"
OWNER = "select customer_id from handle where value = $1"
MEMBERS = "select m.id from customer c join customer m on m.root_id = c.root_id where c.id = any ($1) order by m.id"


class Counts(Struct):
    """How often what happened. `rules`: by name; `returned`: merge, then a message, then its undoing."""

    rules: Counter[str] = msgspec.field(default_factory=Counter)
    sequences: int = 0
    returned: int = 0
    restored: int = 0
    """Undone merges after which every row was compared."""
    refused: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def steps(self) -> int:
        """All of them."""
        return self.rules.total()

    @property
    def rarest(self) -> tuple[str, float]:
        """The rule that ran least, and its share of the steps."""
        name, times = min(self.rules.items(), key=lambda item: item[1])
        return name, times / max(self.steps, 1)


def same_rows(before: Rows, after: Rows, since: list[tuple[UUID, str]]) -> None:
    """Every row of both is what it was; what came since is beside it, with the customer of its handle."""
    spoke = {str(leaf) for leaf, _ in since}
    for table, rows in before.items():
        was, now = ([msgspec.json.decode(row) for row in each] for each in (rows, after[table]))
        if not since:
            assert now == was, table
        elif table == "entry":
            new = {(row["customer_id"], row["body"]) for row in now if row not in was}
            assert [row for row in now if row in was] == was
            assert new == {(str(leaf), body) for leaf, body in since}
        elif table in ("conversation", "contact"):
            besides = _moved_by_a_word(now, since)
            quiet = [
                [_lasting(row, besides.get(row["id"], ())) for row in each if row["customer_id"] not in spoke]
                for each in (was, now)
            ]
            assert quiet[0] == quiet[1], (table, since, _changes(*quiet))
            assert {row["id"] for row in was} <= {row["id"] for row in now}, table
        else:
            assert now == was, table


def _moved_by_a_word(now: list[dict[str, Any]], since: list[tuple[UUID, str]]) -> dict[str, tuple[str, ...]]:
    """What a word of another of the same group changes of a contact it joined."""
    bodies = {body for _, body in since}
    return {row["id"]: JOINED for row in now if row.get("preview") in bodies}


def _changes(was: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By row, what each changed column was and is."""
    after = {row["id"]: row for row in now}
    pairs = [(row, after.get(row["id"], {})) for row in was]
    return [{name: (row[name], new.get(name)) for name in row if row[name] != new.get(name)} for row, new in pairs]


def _lasting(row: dict[str, Any], besides: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (*WRITTEN_BY_OTHERS, *besides)}
