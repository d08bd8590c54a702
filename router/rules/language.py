"""The Structs of a rule set, and reading one.

{"rules": [{"name": "VIP first", "when": {"field": "tags", "has_any": ["vip"]}, "queue": "senior", "priority": 5}]}
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from model.voice_line import Hours

MAX_RULES: Final = 500
MAX_CASES: Final = 500
MAX_DEPTH: Final = 16
MAX_PARTS: Final = 100
"""Of one condition: tests and groups."""
MAX_STEPS: Final = 20
LONGEST_REPLY: Final = 1600

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Texts = Annotated[tuple[Text, ...], Meta(max_length=100)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Limit = float | Text
Tag = Annotated[str, Meta(min_length=1, max_length=64)]
Group = Annotated[tuple["Test", ...], Meta(max_length=MAX_PARTS)]


class Test(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"is_": "is", "in_": "in", "not_": "not"},
):
    """A condition: one field with one operator, or one of `all`, `any`, `not`.

    A value that is not known meets nothing but `"exists": false`.
    """

    field: Annotated[str, Meta(min_length=1, max_length=80)] | None = None
    is_: Annotated[str, Meta(max_length=256)] | float | bool | None = None
    in_: Texts | None = None
    contains: Text | None = None
    starts: Text | None = None
    matches: Text | None = None
    has_any: Texts | None = None
    has_all: Texts | None = None
    gt: Limit | None = None
    ge: Limit | None = None
    lt: Limit | None = None
    le: Limit | None = None
    between: tuple[Limit, Limit] | None = None
    before: Text | None = None
    after: Text | None = None
    within: Text | None = None
    longer_ago: Text | None = None
    hours: Hours | None = None
    exists: bool | None = None
    all: Group | None = None
    any: Group | None = None
    not_: Test | None = None

    @property
    def operators(self) -> list[str]:
        """The operators that are given, as they are written."""
        return [name for name, attribute in _OPERATORS if getattr(self, attribute) is not None]

    def value(self, operator: str) -> object:
        """What an operator compares with."""
        return getattr(self, _ATTRIBUTES[operator])


_ATTRIBUTES: Final = dict(zip(Test.__struct_encode_fields__, Test.__struct_fields__, strict=True))
_OPERATORS: Final = tuple(each for each in _ATTRIBUTES.items() if each[0] not in ("field", "all", "any", "not"))


Queue = Annotated[str, Meta(min_length=1, max_length=63)]
Priority = Annotated[int, Meta(ge=-100, le=100)]
Span = Annotated[str, Meta(min_length=2, max_length=7, examples=["90s", "30m", "72h", "7d"])]
Level = Annotated[int, Meta(ge=1, le=10)]
Skills = Annotated[dict[Annotated[str, Meta(min_length=1, max_length=63)], Level], Meta(max_length=10)]


class RuleStep(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a contact asks for when it has waited so long since its arrival; each part replaces what was there."""

    after: Span
    skills: Skills | None = None
    prefers: Skills | None = None
    queue: Queue | None = None
    priority: Priority | None = None


class FirstAgent(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"is_": "is"}):
    """The agent who is asked first, alone, for as long as `wait` says.

    `is`: `last` who wrote to the customer or spoke with them, the custom field that holds an agent's id or name as
    `fields.<key>`, or an agent's id. `within`: the last agent only if that is no longer ago.
    """

    is_: Text
    within: Span | None = None
    wait: Span = "60s"


class AutoReply(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An answer that nobody writes: `Hello {name|there}` holds the value, or what stands after the bar."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_REPLY)]


class FollowUp(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A task for a queue, the rule's own unless another is named; due after so long, else whenever."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_REPLY)]
    due: Span | None = None
    queue: Queue | None = None


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule; without `when` it always holds. Only one that closes or leads to the voicemail may have no queue."""

    name: Name
    queue: Queue | None = None
    when: Test | None = None
    priority: Priority = 0
    tags: Annotated[tuple[Tag, ...], Meta(max_length=10)] = ()
    """Added to the customer."""
    topics: Annotated[tuple[Text, ...], Meta(max_length=10)] = ()
    """Added to the conversation, by their path as `Billing/Refund`."""
    skills: Skills = {}
    """An agent must have them, at these levels at least."""
    prefers: Skills = {}
    """Who has more of them goes first."""
    steps: Annotated[tuple[RuleStep, ...], Meta(max_length=MAX_STEPS)] = ()
    """While it waits: later ones after longer."""
    agent: FirstAgent | None = None
    sla: Annotated[str, Meta(min_length=1, max_length=63)] | None = None
    """The policy that says by when it has to be answered."""
    reply: AutoReply | None = None
    task: FollowUp | None = None
    close: bool = False
    """Nobody has to see it."""
    voicemail: bool = False
    """A caller may leave word; no agent is asked."""


class Case(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A contact as it might come, and where it has to go; null means the account's default queue, no rule, no answer.

    `given`: values by field. What is left out of it is not known; what is left out below it is not compared. `reply`:
    the answer as it would be sent, with the queue's id for its name.
    """

    name: Name
    given: Annotated[dict[str, bool | float | str | tuple[str, ...]], Meta(max_length=50)]
    queue: str | UnsetType | None = UNSET
    rule: str | UnsetType | None = UNSET
    priority: int | UnsetType = UNSET
    skills: Skills | UnsetType = UNSET
    close: bool | UnsetType = UNSET
    reply: Annotated[str, Meta(max_length=LONGEST_REPLY)] | UnsetType | None = UNSET


class RuleSet(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rules in order: the first that holds decides. `cases` must come out as they say before it is published."""

    rules: Annotated[tuple[Rule, ...], Meta(max_length=MAX_RULES)]
    cases: Annotated[tuple[Case, ...], Meta(max_length=MAX_CASES)] = ()


class RuleError(ValueError):
    """A rule set that cannot be used; the message says where and what to do."""


_decode = msgspec.json.Decoder(RuleSet).decode


def parse_rule_set(body: bytes | str) -> RuleSet:
    """Read a rule set. Raises RuleError."""
    try:
        return in_todays_words(_decode(body))
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RuleError(f"not a rule set: {error}") from error


def in_todays_words(rule_set: RuleSet) -> RuleSet:
    """The same rules: the first release called the field of tags `tag` and compared it with `is` and `in`."""
    return msgspec.structs.replace(rule_set, rules=tuple(_modern_rule(rule) for rule in rule_set.rules))


def _modern_rule(rule: Rule) -> Rule:
    return rule if rule.when is None else msgspec.structs.replace(rule, when=_modern(rule.when))


def _modern(test: Test) -> Test:
    """The same condition in today's words."""
    groups = {name: tuple(map(_modern, group)) for name, group in (("all", test.all), ("any", test.any)) if group}
    changed = msgspec.structs.replace(test, not_=_modern(test.not_) if test.not_ else None, **groups)
    if test.field != "tag":
        return changed
    tags = (test.is_,) if isinstance(test.is_, str) else test.in_
    return msgspec.structs.replace(changed, field="tags", has_any=tags, is_=None, in_=None)
