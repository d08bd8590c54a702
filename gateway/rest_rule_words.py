"""REST of what routing rules may name: what an editor offers while they are written."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from gateway.rest_call import Call, Endpoint, NoQuery
from gateway.rule_catalog import rule_catalog
from router.rules.fields import FIELDS, MEANINGS, OPERATORS, Kind


class RuleField(Struct, frozen=True):
    """Something a condition may look at. `choices`: its only values, where they are known."""

    name: str
    kind: Kind
    meaning: str | None
    choices: tuple[str, ...]


class RuleWords(Struct, frozen=True):
    """What rules may name now, by id. `operators`: by kind of field; `meanings`: what each operator asks."""

    fields: tuple[RuleField, ...]
    operators: dict[Kind, tuple[str, ...]]
    meanings: dict[str, str]
    queues: tuple[str, ...]
    skills: tuple[str, ...]
    topics: tuple[str, ...]
    policies: tuple[str, ...]
    agents: tuple[str, ...]


_OPERATORS: Final[dict[Kind, tuple[str, ...]]] = {kind: (*some, "exists") for kind, some in OPERATORS.items()}


async def show_rule_words(call: Call[NoQuery]) -> RuleWords:
    """Fields with their operators, queues, skills, topics, policies and agents that rules may name."""
    found = await rule_catalog(call.connection)
    fields = []
    for name, kind in found.kinds.items():
        built_in = FIELDS.get(name)
        choices = built_in.choices if built_in and built_in.choices else tuple(sorted(found.values.get(name, ())))
        fields.append(RuleField(name, kind, built_in.meaning if built_in else None, choices))
    return RuleWords(
        fields=tuple(fields),
        operators=_OPERATORS,
        meanings=MEANINGS,
        queues=tuple(sorted(found.queues)),
        skills=tuple(sorted(found.skills)),
        topics=tuple(sorted(found.topics)),
        policies=tuple(sorted(found.policies)),
        agents=tuple(sorted(found.agents)),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/rules/words", "rules.read", show_rule_words, NoQuery, RuleWords),
)
