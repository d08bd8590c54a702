"""What a rule does, worked out once when its set is compiled: what is left for a contact is to look up its agent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct, structs

from router.rules.checking import span_of
from router.rules.fields import CUSTOM, Facts
from router.rules.language import FirstAgent, Rule, RuleStep, Skills
from router.skills import SkillLevel, levels
from router.steps import PlanStep, Preference


class TaskOrder(Struct, frozen=True, omit_defaults=True):
    """A task for a queue, due after so many seconds. `text` is a template, filled in when it is carried out."""

    text: str
    queue: str
    due: int | None = None


class Decision(Struct, frozen=True):
    """Where a contact goes and why: the rule's name, or None for the account's default queue.

    `skills` it requires and `prefers`, sorted; `steps`: its plan while it waits; `agent` who is asked first; `sla`: the
    policy that holds; `close`: nobody has to see it; `voicemail`: the caller may leave word. The rest are effects;
    `reply` is a template.
    """

    queue: str
    priority: int
    rule: str | None
    alert: str | None = None
    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    skills: tuple[SkillLevel, ...] = ()
    prefers: tuple[SkillLevel, ...] = ()
    steps: tuple[PlanStep, ...] = ()
    agent: Preference | None = None
    sla: str | None = None
    close: bool = False
    voicemail: bool = False
    reply: str | None = None
    task: TaskOrder | None = None


def outcome_of(rule: Rule) -> Decision:
    """What comes of a rule that holds. Its queue is empty where it names none; its agent is still to be looked up."""
    return Decision(
        queue=rule.queue or "",
        priority=rule.priority,
        rule=rule.name,
        tags=rule.tags,
        topics=rule.topics,
        skills=levels(rule.skills),
        prefers=levels(rule.prefers),
        steps=tuple(_step(each) for each in rule.steps),
        sla=rule.sla,
        close=rule.close,
        voicemail=rule.voicemail,
        reply=rule.reply.text if rule.reply else None,
        task=_task(rule),
    )


def seconds_of(span: str) -> int:
    """The seconds of a length of time that was checked."""
    length = span_of(span)
    return int(length.total_seconds()) if length else 0


def _step(step: RuleStep) -> PlanStep:
    return PlanStep(seconds_of(step.after), _levels(step.skills), _levels(step.prefers), step.queue, step.priority)


def _levels(skills: Skills | None) -> tuple[SkillLevel, ...] | None:
    return None if skills is None else levels(skills)


def _task(rule: Rule) -> TaskOrder | None:
    if rule.task is None:
        return None
    due = seconds_of(rule.task.due) if rule.task.due else None
    return TaskOrder(rule.task.text, rule.task.queue or rule.queue or "", due)


AS_AGENT: Final = " as agent"
"""The end of the fact that tells which agent a custom field names: their id, where it names one."""


def agent_in(field: str) -> str:
    """The fact that tells which agent a custom field names."""
    return f"{field}{AS_AGENT}"


def read_for(first: FirstAgent) -> tuple[str, ...]:
    """The facts that say who is asked first."""
    if first.is_ == "last":
        return ("last_agent", "last_agent_at", "now") if first.within else ("last_agent",)
    return (first.is_, agent_in(first.is_)) if first.is_.startswith(CUSTOM) else ()


def ask_first(decision: Decision, first: FirstAgent, facts: Facts) -> Decision:
    """The decision with the agent who is asked first; as it was where nobody is."""
    agent = _known(first, facts)
    return decision if agent is None else structs.replace(decision, agent=Preference(agent, seconds_of(first.wait)))


def _known(first: FirstAgent, facts: Facts) -> UUID | None:
    if first.is_ == "last":
        named = facts.get("last_agent") if _recent(first, facts) else None
    else:
        named = facts.get(agent_in(first.is_)) if first.is_.startswith(CUSTOM) else first.is_
    return agent_id(named)


def agent_id(text: object) -> UUID | None:
    """The id this text is; None where it is none."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _recent(first: FirstAgent, facts: Facts) -> bool:
    if first.within is None:
        return True
    at, now = facts.get("last_agent_at"), facts.get("now")
    if not isinstance(at, datetime) or not isinstance(now, datetime):
        return False
    return now - at <= (span_of(first.within) or timedelta())
