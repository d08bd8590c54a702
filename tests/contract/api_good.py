"""For every operation a request that must succeed, and what it needs to be about."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.contract.api_world import Asker, Ids

RULES = {
    "rules": [{"name": "VIP", "queue": "support", "when": {"field": "tags", "has_any": ["vip"]}, "priority": 5}],
    "cases": [{"name": "a VIP", "given": {"tags": ["vip"], "contacts_30_days": 2}, "queue": "support"}],
}

VOICE = {
    **{"greeting": "Hello.", "hold_music": ["https://sounds.example.com/a.mp3"], "record": True},
    "hours": {"time_zone": "Europe/Berlin", "open": {"mon": [["09:00", "12:00"], ["13:00", "24:00"]]}},
    "menu": {"prompt": "Press 1.", "options": {"1": {"title": "Support", "queue": "support"}}},
}

SLA = {
    **{"name": "Gold", "first_response_seconds": 3600, "resolution_seconds": 86400, "warn_before_seconds": 600},
    "hours": VOICE["hours"],
    "by_priority": [{"priority": 5, "first_response_seconds": 900}],
}


HOURS = {"name": "Office", "hours": VOICE["hours"]}


class Maker:
    """Makes, as an administrator, what a request needs to be about."""

    def __init__(self, asker: Asker, ids: Ids) -> None:
        self.ids = ids
        self._asker = asker
        self._numbers = itertools.count(1)

    def post(self, path: str, body: object) -> Any:
        """What was made."""
        answer = self._asker.ask("admin", "POST", f"/v1/{path}", body)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer.json()

    def number(self) -> int:
        """One that was not used before."""
        return next(self._numbers)

    def customer(self) -> Any:
        """A new one with a handle."""
        phone = {"kind": "phone", "value": f"+1206555{self.number():04}"}
        return self.post("customers", {"name": f"Customer {self.number()}", "handles": [phone]})

    def of_customer(self, what: str, body: object) -> Any:
        """Something of a new customer."""
        return self.post(f"customers/{self.customer()['id']}/{what}", body)

    def key(self) -> str:
        """An id for something configured."""
        return f"made{self.number()}"

    def field(self) -> str:
        """A custom field's key."""
        made: str = self.post("fields", {"key": self.key(), "label": "Made", "type": "text"})["key"]
        return made

    def topic(self) -> str:
        """A topic's id."""
        made: str = self.post("topics", {"name": f"Topic {self.number()}"})["id"]
        return made

    def relationship_type(self) -> str:
        """A relationship type's id."""
        made: str = self.post("relationship-types", {"id": self.key(), "label": "mother", "back": "child"})["id"]
        return made

    def draft(self) -> int:
        """The revision of a draft of the rules."""
        answer = self._asker.ask("admin", "PUT", "/v1/rules/draft", RULES)
        assert answer.status_code == 200, answer.text
        revision: int = answer.json()["revision"]
        return revision

    def drafted(self) -> Good:
        """A request about the draft there is."""
        self.draft()
        return Good()

    def version(self) -> int:
        """A version of the rules that was published."""
        made: int = self.post("rules/draft/publish", {"revision": self.draft()})["version"]
        return made

    def segment(self) -> str:
        """A segment's id."""
        made: str = self.post(
            "segments", {"id": self.key(), "name": "Made", "condition": {"field": "plan", "is": "x"}}
        )["id"]
        return made

    def rung(self) -> UUID:
        """An agent whose telephone is set."""
        line = {"kind": "sip", "address": "sip:bo@sip.example.com"}
        assert self._asker.ask("admin", "PUT", f"/v1/agents/{self.ids.agent}/line", line).status_code == 200
        return self.ids.agent

    def hired(self) -> UUID:
        """An agent who does nothing."""
        return UUID(self.post("agents", {"name": "Made"})["id"])

    def token(self) -> Good:
        """A request about a token of theirs."""
        agent = self.hired()
        return Good({"id": str(agent), "key": self.post(f"agents/{agent}/tokens", {"label": "desk"})["id"]})

    def put(self, path: str, body: object) -> str:
        """The id of something defined by PUT."""
        key = self.key()
        assert self._asker.ask("admin", "PUT", f"/v1/{path}/{key}", body).status_code == 200
        return key

    def source(self) -> str:
        """A source's id."""
        made: str = self.post("sources", self.source_body())["id"]
        return made

    def source_body(self) -> Any:
        """A source nobody will reach."""
        return {"id": self.key(), "title": "Orders", "url": "http://127.0.0.1:1/x", "secret": "s" * 32, "active": False}

    def task(self) -> Any:
        """An open task."""
        return self.post("tasks", {"customer": self.customer()["id"], "body": "call back"})

    def unused(self, of: list[UUID]) -> str:
        """One that was not used before, while there are some."""
        return str(of.pop() if len(of) > 1 else of[0])

    def pair(self) -> tuple[str, str]:
        """Two new customers."""
        return self.customer()["id"], self.customer()["id"]

    def merged(self) -> str:
        """A merge's id."""
        survivor, loser = self.pair()
        made: str = self.post("merges", {"survivor": survivor, "loser": loser})["id"]
        return made

    def never(self) -> Mapping[str, str]:
        """Two who are kept apart."""
        low, high = sorted(self.pair())
        self.post("never-links", {"customers": [low, high]})
        return {"low": low, "high": high}

    def relationship(self) -> Any:
        """Between two new customers."""
        body = {"type": self.relationship_type(), "customer": self.customer()["id"]}
        return self.of_customer("relationships", body)


@dataclass(frozen=True)
class Good:
    """A request that must succeed."""

    path: Mapping[str, object] = field(default_factory=dict)
    body: object = None
    query: Mapping[str, str] = field(default_factory=dict)


def _of(id_: object, body: object = None, **query: str) -> Good:
    return Good({"id": id_}, body, query)


def _key(key: str, body: object = None) -> Good:
    return Good({"key": key}, body)


GOOD: dict[str, Callable[[Maker], Good]] = {
    "POST /v1/tickets": lambda m: Good(),
    "GET /v1/me": lambda m: Good(),
    "GET /v1/contacts": lambda m: Good(query={"state": "assigned", "queue": "support", "limit": "1"}),
    "GET /v1/contacts/{id}": lambda m: _of(m.ids.contact),
    "GET /v1/offers": lambda m: Good(query={"contact": str(m.ids.contact)}),
    "GET /v1/offers/{id}": lambda m: _of(m.ids.offer),
    "GET /v1/dead-letters": lambda m: Good(),
    "GET /v1/dead-letters/{id}": lambda m: _of(m.ids.letter),
    "POST /v1/dead-letters/{id}/replay": lambda m: _of(m.ids.letter),
    "POST /v1/dead-letters/replay": lambda m: Good(query={"account": "sms-main"}),
    "GET /v1/attachments/{id}": lambda m: _of(m.ids.attachment),
    "POST /v1/attachments": lambda m: Good(body=b"\x89PNG", query={"name": "a.png"}),
    "GET /v1/entries/{id}/html": lambda m: _of(m.ids.entry),
    "GET /v1/entries/{id}/raw": lambda m: _of(m.ids.entry),
    "GET /v1/accounts": lambda m: Good(),
    "GET /v1/queues": lambda m: Good(),
    "GET /v1/agents": lambda m: Good(),
    "GET /v1/customers": lambda m: Good(query={"q": "Customer"}),
    "GET /v1/customers/{id}": lambda m: _of(m.ids.customer),
    "GET /v1/customers/{id}/timeline": lambda m: _of(m.ids.customer, conversation=str(m.ids.conversation)),
    "GET /v1/customers/{id}/conversations": lambda m: _of(m.ids.customer),
    "POST /v1/customers": lambda m: Good(
        body={
            **{"name": "Ada", "handles": [{"kind": "email", "value": f"ada{m.number()}@lovelace.org"}]},
            **{"tags": ["a"], "addresses": [{"city": "Turin", "country": "IT"}], "fields": {m.field(): "x"}},
        }
    ),
    "PATCH /v1/customers/{id}": lambda m: _of(
        m.customer()["id"], {"name": "Ada L.", "birth_date": "1985-12-10", "revisions": {"name": 1}}
    ),
    "GET /v1/customers/{id}/handles": lambda m: _of(m.ids.customer),
    "POST /v1/customers/{id}/handles": lambda m: _of(
        m.customer()["id"], {"kind": "phone", "value": f"+1206556{m.number():04}", "label": "work"}
    ),
    "PATCH /v1/handles/{id}": lambda m: _of(m.customer()["handles"][0]["id"], {"label": "home"}),
    "DELETE /v1/handles/{id}": lambda m: _of(m.customer()["handles"][0]["id"]),
    "POST /v1/customers/{id}/addresses": lambda m: _of(m.customer()["id"], {"city": "Turin"}),
    "PATCH /v1/addresses/{id}": lambda m: _of(
        m.of_customer("addresses", {"city": "Turin"})["id"], {"revision": 1, "city": "Milan"}
    ),
    "DELETE /v1/addresses/{id}": lambda m: _of(m.of_customer("addresses", {"city": "Turin"})["id"]),
    "GET /v1/customers/{id}/details": lambda m: _of(m.ids.customer),
    "POST /v1/customers/{id}/details": lambda m: _of(m.customer()["id"], {"body": "likes tea"}),
    "PATCH /v1/details/{id}": lambda m: _of(
        m.of_customer("details", {"body": "likes tea"})["id"], {"body": "likes coffee", "revision": 1}
    ),
    "DELETE /v1/details/{id}": lambda m: _of(m.of_customer("details", {"body": "likes tea"})["id"]),
    "GET /v1/customers/{id}/relationships": lambda m: _of(m.ids.customer),
    "POST /v1/customers/{id}/relationships": lambda m: _of(
        m.customer()["id"], {"type": m.relationship_type(), "customer": str(m.ids.customer)}
    ),
    "DELETE /v1/relationships/{id}": lambda m: _of(m.relationship()["id"]),
    "POST /v1/customers/{id}/pins": lambda m: _of(m.customer()["id"], {"entry": str(m.ids.entry)}),
    "DELETE /v1/pins/{id}": lambda m: _of(m.of_customer("pins", {"entry": str(m.ids.entry)})["id"]),
    "GET /v1/recent": lambda m: Good(query={"limit": "5"}),
    "GET /v1/my-customers": lambda m: Good(),
    "GET /v1/tasks": lambda m: Good(query={"state": "open", "due_before": "2030-01-01T00:00:00Z"}),
    "POST /v1/tasks": lambda m: Good(
        body={
            **{"customer": str(m.ids.customer), "body": "call back", "due_at": "2030-01-01T00:00:00Z"},
            **{"queue": "support", "conversation": str(m.ids.conversation)},
        }
    ),
    "GET /v1/tasks/{id}": lambda m: _of(m.task()["id"]),
    "PATCH /v1/tasks/{id}": lambda m: _of(m.task()["id"], {"revision": 1, "state": "done"}),
    "GET /v1/customers/{id}/tasks": lambda m: _of(m.ids.customer, state="open"),
    "GET /v1/topics": lambda m: Good(),
    "POST /v1/topics": lambda m: Good(body={"name": f"Topic {m.number()}", "parent": m.topic()}),
    "PATCH /v1/topics/{id}": lambda m: _of(m.topic(), {"name": f"Topic {m.number()}"}),
    "DELETE /v1/topics/{id}": lambda m: _of(m.topic()),
    "PUT /v1/conversations/{id}/topics": lambda m: _of(m.ids.conversation, {"topics": [m.topic()]}),
    "GET /v1/fields": lambda m: Good(),
    "POST /v1/fields": lambda m: Good(body={"key": m.key(), "label": "Kind", "type": "choice", "choices": ["a", "b"]}),
    "PATCH /v1/fields/{key}": lambda m: _key(m.field(), {"label": "Other"}),
    "DELETE /v1/fields/{key}": lambda m: _key(m.field()),
    "GET /v1/relationship-types": lambda m: Good(),
    "POST /v1/relationship-types": lambda m: Good(body={"id": m.key(), "label": "mother", "back": "child"}),
    "PATCH /v1/relationship-types/{key}": lambda m: _key(m.relationship_type(), {"label": "father"}),
    "DELETE /v1/relationship-types/{key}": lambda m: _key(m.relationship_type()),
    "GET /v1/segments": lambda m: Good(),
    "POST /v1/segments": lambda m: Good(
        body={"id": m.key(), "name": "VIP", "condition": {"any": [{"field": "tags", "has": "vip"}]}}
    ),
    "PATCH /v1/segments/{key}": lambda m: _key(m.segment(), {"name": "Other"}),
    "DELETE /v1/segments/{key}": lambda m: _key(m.segment()),
    "GET /v1/sources": lambda m: Good(),
    "POST /v1/sources": lambda m: Good(body=m.source_body()),
    "PATCH /v1/sources/{key}": lambda m: _key(m.source(), {"title": "Shipping"}),
    "DELETE /v1/sources/{key}": lambda m: _key(m.source()),
    "GET /v1/accounts/{key}/voice": lambda m: _key("voice-main"),
    "PUT /v1/accounts/{key}/voice": lambda m: _key("voice-main", VOICE),
    "GET /v1/agents/{id}/task-work": lambda m: _of(m.ids.agent),
    "PUT /v1/agents/{id}/task-work": lambda m: _of(m.ids.agent, {"at_once": 2}),
    "GET /v1/sla/policies": lambda m: Good(),
    "GET /v1/sla/policies/{key}": lambda m: _key(m.put("sla/policies", SLA)),
    "PUT /v1/sla/policies/{key}": lambda m: _key(m.key(), SLA),
    "DELETE /v1/sla/policies/{key}": lambda m: _key(m.put("sla/policies", SLA)),
    "GET /v1/queues/{key}/sla": lambda m: _key("support"),
    "PUT /v1/queues/{key}/sla": lambda m: _key("support", {"policy": m.put("sla/policies", SLA), "order": "sla_due"}),
    "GET /v1/accounts/{key}/sla": lambda m: _key("voice-main"),
    "PUT /v1/accounts/{key}/sla": lambda m: _key("voice-main", {"policy": m.put("sla/policies", SLA)}),
    "GET /v1/agents/{id}/line": lambda m: _of(m.ids.agent),
    "PUT /v1/agents/{id}/line": lambda m: _of(m.ids.agent, {"kind": "phone", "address": "+14155550123"}),
    "DELETE /v1/agents/{id}/line": lambda m: _of(m.rung()),
    "GET /v1/presence/reasons": lambda m: Good(),
    "PUT /v1/presence/reasons/{key}": lambda m: _key(m.key(), {"label": "Paperwork", "works": True, "position": 3}),
    "DELETE /v1/presence/reasons/{key}": lambda m: _key(m.put("presence/reasons", {"label": "Break"})),
    "GET /v1/decline-reasons": lambda m: Good(),
    "PUT /v1/decline-reasons/{key}": lambda m: _key(m.key(), {"label": "Not my field", "position": 1}),
    "DELETE /v1/decline-reasons/{key}": lambda m: _key(m.put("decline-reasons", {"label": "Busy"})),
    "GET /v1/dispositions": lambda m: Good(query={"queue": "support"}),
    "PUT /v1/dispositions/{key}": lambda m: _key(
        m.key(), {"label": "Sold", "parent": m.put("dispositions", {"label": "Sales"}), "queues": ["support"]}
    ),
    "DELETE /v1/dispositions/{key}": lambda m: _key(m.put("dispositions", {"label": "Sales"})),
    "GET /v1/queues/{key}/after-work": lambda m: _key("support"),
    "PUT /v1/queues/{key}/after-work": lambda m: _key(
        "support", {"wrap_up_mode": "timed", "wrap_up_seconds": 0, "when_left": "queue"}
    ),
    "GET /v1/queues/{key}": lambda m: _key("support"),
    "PUT /v1/queues/{key}": lambda m: _key(m.key(), {"name": "Made", "selection": "round_robin", "offer_to": 2}),
    "DELETE /v1/queues/{key}": lambda m: _key(m.put("queues", {"name": "Made"})),
    "GET /v1/skills": lambda m: Good(),
    "PUT /v1/skills/{key}": lambda m: _key(m.key(), {"name": "Spanish"}),
    "DELETE /v1/skills/{key}": lambda m: _key(m.put("skills", {"name": "Spanish"})),
    "POST /v1/agents": lambda m: Good(body={"name": "Bo", "skills": {m.put("skills", {"name": "Spanish"}): 3}}),
    "GET /v1/agents/{id}": lambda m: _of(m.ids.agent),
    "PATCH /v1/agents/{id}": lambda m: _of(m.hired(), {"name": "Bob", "queues": [{"queue": "support", "most": 2}]}),
    "DELETE /v1/agents/{id}": lambda m: _of(m.hired()),
    "GET /v1/agents/{id}/tokens": lambda m: _of(m.hired()),
    "POST /v1/agents/{id}/tokens": lambda m: _of(m.hired(), {"label": "desk"}),
    "DELETE /v1/agents/{id}/tokens/{key}": lambda m: m.token(),
    "GET /v1/board": lambda m: Good(query={"time_zone": "Europe/Berlin", "within_seconds": "30"}),
    "POST /v1/contacts/{id}/take-back": lambda m: _of(m.unused(m.ids.held)),
    "POST /v1/contacts/{id}/reassign": lambda m: _of(m.unused(m.ids.waiting), {"agent": str(m.ids.free)}),
    "PUT /v1/agents/{id}/presence": lambda m: _of(m.hired(), {"status": "away", "reason": "break"}),
    "GET /v1/hours": lambda m: Good(),
    "GET /v1/hours/{key}": lambda m: _key(m.put("hours", HOURS)),
    "PUT /v1/hours/{key}": lambda m: _key(m.key(), HOURS | {"accounts": ["voice-main"]}),
    "DELETE /v1/hours/{key}": lambda m: _key(m.put("hours", HOURS)),
    "GET /v1/accounts/{key}": lambda m: _key("voice-main"),
    "GET /v1/accounts/{key}/queue": lambda m: _key("voice-main"),
    "PUT /v1/accounts/{key}/queue": lambda m: _key("voice-main", {"queue": "support"}),
    "GET /v1/rules/draft": lambda m: m.drafted(),
    "PUT /v1/rules/draft": lambda m: Good(body=RULES),
    "DELETE /v1/rules/draft": lambda m: m.drafted(),
    "POST /v1/rules/draft/publish": lambda m: Good(body={"revision": m.draft()}),
    "POST /v1/rules/check": lambda m: Good(body=RULES),
    "GET /v1/rules/words": lambda m: Good(),
    "GET /v1/rules/diff": lambda m: Good(query={"before": str(m.version()), "after": str(m.version())}),
    "GET /v1/rules/versions": lambda m: Good(query={"limit": "2"}),
    "GET /v1/rules/versions/{key}": lambda m: _key(str(m.version())),
    "POST /v1/rules/versions/{key}/roll-back": lambda m: _key(str(m.version())),
    "GET /v1/decisions": lambda m: Good(query={"contact": str(m.ids.contact)}),
    "GET /v1/decisions/{id}": lambda m: _of(m.ids.decision),
    "GET /v1/merges/preview": lambda m: Good(query=dict(zip(("survivor", "loser"), m.pair(), strict=True))),
    "POST /v1/merges": lambda m: Good(
        body={**dict(zip(("survivor", "loser"), m.pair(), strict=True)), "choices": {"name": "loser"}}
    ),
    "GET /v1/merges/{id}": lambda m: _of(m.merged()),
    "POST /v1/merges/{id}/undo": lambda m: _of(m.merged()),
    "POST /v1/never-links": lambda m: Good(body={"customers": m.pair()}),
    "GET /v1/never-links": lambda m: Good(query={"customer": str(m.ids.customer)}),
    "DELETE /v1/never-links/{low}/{high}": lambda m: Good(m.never()),
    "POST /v1/conversations/{id}/identify": lambda m: _of(m.unused(m.ids.strangers), {"customer": m.customer()["id"]}),
    "POST /v1/conversations/{id}/move": lambda m: _of(m.unused(m.ids.talks), {"customer": m.customer()["id"]}),
    "GET /v1/audit": lambda m: Good(query={"limit": "3"}),
    "GET /v1/customers/{id}/cards": lambda m: _of(m.ids.customer),
    "GET /v1/conversations/{id}": lambda m: _of(m.ids.conversation),
    "GET /v1/contacts/{id}/seen-at-accept": lambda m: _of(m.ids.contact),
    "POST /v1/identifications": lambda m: Good(
        body={
            "handles": [
                {"kind": "email", "value": f"grace{m.number()}@hopper.org"},
                {"kind": "phone", "value": f"+1206559{m.number():04}"},
            ],
            **{"claims": [{"kind": "phone", "value": "+12065590000"}], "name": "Grace", "external_id": m.key()},
        }
    ),
    "GET /v1/customers/{id}/identity": lambda m: _of(m.ids.customer),
    "GET /v1/customers/{id}/suggestions": lambda m: _of(m.ids.customer),
    "POST /v1/suggestions/{id}/dismiss": lambda m: _of(m.unused(m.ids.suggestions), {"never_link": True}),
    "POST /v1/customers/{id}/cards/refresh": lambda m: _of(m.ids.customer),
}
"""By method and path."""
