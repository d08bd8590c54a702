"""What is wrong with what a rule does: names of what is not there, steps in no order, templates nobody can fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from router.rules.acting import agent_id
from router.rules.checking import span_of
from router.rules.fields import CUSTOM
from router.rules.language import FirstAgent, Rule, RuleStep, Skills
from router.rules.naming import Names, Problem
from router.rules.templates import BadTemplate, sayable, slots


def faults_of_actions(rule: Rule, place: str, known: Names) -> Iterator[Problem]:
    """What keeps a rule's actions from being carried out."""
    yield from _faults_of_queue(rule, place, known)
    yield from _faults_of_marks(rule, place, known)
    for name, skills in (("skills", rule.skills), ("prefers", rule.prefers)):
        yield from _unknown_skills(skills, f"{place}.{name}", known)
    yield from _faults_of_steps(rule, place, known)
    if rule.agent is not None:
        yield from _faults_of_agent(rule.agent, f"{place}.agent", known)
    if rule.sla is not None and rule.sla not in known.catalog.policies:
        message = f"There is no policy {rule.sla!r}{known.choice(rule.sla, known.catalog.policies)}"
        yield Problem(f"{place}.sla", "unknown_policy", message)
    if rule.reply is not None:
        yield from _faults_of_text(rule.reply.text, f"{place}.reply.text", known)
    yield from _faults_of_task(rule, f"{place}.task", known)


def _faults_of_queue(rule: Rule, place: str, known: Names) -> Iterator[Problem]:
    if rule.close and rule.voicemail:
        yield Problem(f"{place}.voicemail", "not_one_thing", "It is closed; leave out one of close, voicemail.")
    if rule.queue is not None:
        yield from _unknown_queue(rule.queue, f"{place}.queue", known)
    elif not (rule.close or rule.voicemail):
        yield Problem(f"{place}.queue", "no_queue", "Say to which queue it goes, or close it.")
    if rule.close or rule.voicemail:
        asked = ("skills", "prefers", "steps", "agent", "sla")
        for name in (name for name in asked if getattr(rule, name)):
            message = f"No agent is asked where it is closed or left to the voicemail; leave out {name}."
            yield Problem(f"{place}.{name}", "not_one_thing", message)


def _unknown_queue(queue: str, place: str, known: Names) -> Iterator[Problem]:
    if queue not in known.catalog.queues:
        message = f"There is no queue {queue!r}{known.choice(queue, known.catalog.queues)}"
        yield Problem(place, "unknown_queue", message)


def _faults_of_marks(rule: Rule, place: str, known: Names) -> Iterator[Problem]:
    for position, tag in enumerate(rule.tags):
        if tag != tag.strip() or not tag.isprintable():
            message = f"{tag!r} is no tag; write one line without spaces around it."
            yield Problem(f"{place}.tags[{position}]", "wrong_type", message)
    for position, topic in enumerate(rule.topics):
        if topic.casefold() not in known.topics:
            message = f"There is no topic {topic!r}{known.choice(topic, known.catalog.topics)}"
            yield Problem(f"{place}.topics[{position}]", "unknown_topic", message)


def _unknown_skills(skills: Skills | None, place: str, known: Names) -> Iterator[Problem]:
    for skill in skills or ():
        if skill not in known.catalog.skills:
            message = f"There is no skill {skill!r}{known.choice(skill, known.catalog.skills)}"
            yield Problem(f"{place}.{skill}", "unknown_skill", message)


def _faults_of_steps(rule: Rule, place: str, known: Names) -> Iterator[Problem]:
    last = -1
    for number, step in enumerate(rule.steps):
        where = f"{place}.steps[{number}]"
        length = span_of(step.after)
        if length is None:
            yield _no_length(step.after, f"{where}.after")
            continue
        seconds = int(length.total_seconds())
        if seconds <= last:
            message = f"{step.after} is not later than the step before, and they are taken in order; sort them."
            yield Problem(f"{where}.after", "steps_out_of_order", message)
        last = seconds
        yield from _faults_of_step(step, where, known)
    yield from _loops(rule, place)


def _faults_of_step(step: RuleStep, place: str, known: Names) -> Iterator[Problem]:
    if (step.skills, step.prefers, step.queue, step.priority) == (None, None, None, None):
        message = "The step changes nothing; name skills, prefers, queue or priority, or leave it out."
        yield Problem(place, "not_one_thing", message)
    for name, skills in (("skills", step.skills), ("prefers", step.prefers)):
        yield from _unknown_skills(skills, f"{place}.{name}", known)
    if step.queue is not None:
        yield from _unknown_queue(step.queue, f"{place}.queue", known)


def _loops(rule: Rule, place: str) -> Iterator[Problem]:
    """A contact overflows onward: it never comes back to where it has waited in vain."""
    been = [rule.queue]
    for number, step in enumerate(rule.steps):
        if step.queue is None:
            continue
        where = f"{place}.steps[{number}].queue"
        if step.queue == been[-1]:
            yield Problem(where, "loop", f"It waits in {step.queue!r} already; leave the queue out.")
        elif step.queue in been:
            way = " → ".join(str(queue) for queue in (*been[been.index(step.queue) :], step.queue))
            message = f"It comes back to a queue where it has waited in vain: {way}. Let it overflow onward."
            yield Problem(where, "loop", message)
        been.append(step.queue)


def _faults_of_agent(first: FirstAgent, place: str, known: Names) -> Iterator[Problem]:
    kind = known.catalog.kinds.get(first.is_)
    if first.is_.startswith(CUSTOM):
        if kind is None:
            fields = [field for field in known.catalog.custom if field.startswith(CUSTOM)]
            message = f"There is no field {first.is_!r}{known.choice(first.is_, fields)}"
            yield Problem(f"{place}.is", "unknown_field", message)
        elif kind != "text":
            message = f"{first.is_!r} is of kind {kind}; name a text field that holds an agent's id or name."
            yield Problem(f"{place}.is", "wrong_type", message)
    elif first.is_ != "last" and str(agent_id(first.is_)) not in known.catalog.agents:
        message = f"{first.is_!r} is no agent's id; write one, or `last`, or `fields.<key>`."
        yield Problem(f"{place}.is", "unknown_agent", message)
    for name, span in (("wait", first.wait), ("within", first.within)):
        if span is not None and span_of(span) is None:
            yield _no_length(span, f"{place}.{name}")
    if first.within is not None and first.is_ != "last":
        message = "Only the last agent is one within some time; leave it out."
        yield Problem(f"{place}.within", "wrong_type", message)


def _no_length(span: str, place: str) -> Problem:
    return Problem(place, "wrong_type", f"{span!r} is no length of time; write 90s, 30m, 72h or 7d.")


def _faults_of_text(text: str, place: str, known: Names) -> Iterator[Problem]:
    try:
        wanted = slots(text)
    except BadTemplate as error:
        yield Problem(place, "bad_template", f"This cannot be filled in: {error}.")
        return
    if any(not sign.isprintable() and sign not in "\n\u200c\u200d" for sign in text):
        yield Problem(place, "wrong_type", "It holds a control character; leave it out.")
    if not text.strip():
        yield Problem(place, "wrong_type", "There is nothing in the text; write a sentence.")
    possible = sayable(known.catalog.kinds)
    for field in dict.fromkeys(slot.field for slot in wanted if slot.field not in possible):
        message = f"{{{field}}} is no value a sentence can take{known.choice(field, possible)}"
        yield Problem(place, "unknown_value", message)


def _faults_of_task(rule: Rule, place: str, known: Names) -> Iterator[Problem]:
    task = rule.task
    if task is None:
        return
    yield from _faults_of_text(task.text, f"{place}.text", known)
    if task.due is not None and span_of(task.due) is None:
        yield _no_length(task.due, f"{place}.due")
    if task.queue is not None:
        yield from _unknown_queue(task.queue, f"{place}.queue", known)
    elif rule.queue is None:
        yield Problem(f"{place}.queue", "no_queue", "Say for which queue the task is; the rule has none.")


def queues_asked(rule: Rule, place: str) -> Iterable[tuple[str, str]]:
    """The queues whose agents are asked, with their places."""
    own = () if rule.queue is None or rule.close or rule.voicemail else ((f"{place}.queue", rule.queue),)
    steps = ((f"{place}.steps[{number}].queue", step.queue) for number, step in enumerate(rule.steps))
    return chain(own, ((where, queue) for where, queue in steps if queue is not None))
