"""What each feature of the profile promises, done by one agent before the eyes of another."""

from __future__ import annotations

from uuid import uuid4

from tests.prove_customer.witness import Eyes, Later, Witness, messages


async def first_contact(eyes: Eyes) -> list[Later]:
    """P1: a first message makes the profile and keeps its handle."""
    phone = eyes.phone()
    ada = await eyes.writer(phone)
    await eyes.message(phone, "once more")
    entry = (await eyes.told("entry", ada))["entry"]
    return [
        Later("entry", f"customers/{ada}/handles", [phone], lambda a: [each["value"] for each in a["items"]]),
        Later(
            "entry", f"customers/{ada}/timeline", [entry], lambda a: [e for e in a["items"] if e["id"] == entry["id"]]
        ),
    ]


async def contact_details(eyes: Eyes) -> list[Later]:
    """P2: handles and addresses."""
    ada = await eyes.customer()
    for value, label in ((eyes.phone(), "office"), (eyes.phone(), "home")):
        await eyes.web.ask("POST", f"customers/{ada}/handles", {"kind": "phone", "value": value, "label": label})
    handles = (await eyes.told("customer", ada, lambda e: len(e["customer"]["handles"]) == 2))["customer"]["handles"]
    home = await eyes.web.ask("POST", f"customers/{ada}/addresses", {"street": "1 Row", "city": "London"})
    await eyes.told("customer", ada, lambda e: e["customer"]["addresses"] == [home])
    return [
        Later("customer", f"customers/{ada}/handles", handles, lambda a: a["items"]),
        Later("customer", f"customers/{ada}", [home], lambda a: a["addresses"]),
    ]


async def values(eyes: Eyes) -> list[Later]:
    """P3: values and own fields, edited on a screen."""
    key = f"seen{eyes.number()}"
    await eyes.web.ask("POST", "fields", {"key": key, "label": "Seen", "type": "choice", "choices": ["a", "b"]}, None)
    ada = await eyes.customer()
    for field, value in (("language", "pt-br"), ("time_zone", "Asia/Tokyo"), ("tags", ["vip"]), (f"fields.{key}", "b")):
        await eyes.write(type="edit", customer=ada, field=field, value=value, revision=0)
    shown = await eyes.told("customer", ada, lambda e: any(f["value"] == "b" for f in e["customer"]["fields"]))
    return [Later("customer", f"customers/{ada}", shown["customer"], lambda a: a)]


async def details(eyes: Eyes) -> list[Later]:
    """P4: a note on the person."""
    ada = await eyes.customer()
    await eyes.write(type="detail", customer=ada, body="Allergic to nuts", id=str(uuid4()))
    shown = (await eyes.told("details", ada))["details"]
    return [Later("details", f"customers/{ada}/details", shown, lambda a: a["items"])]


async def relationships(eyes: Eyes) -> list[Later]:
    """P5: a relationship, seen from both sides, and a pinned entry."""
    type_ = f"mother{eyes.number()}"
    await eyes.web.ask("POST", "relationship-types", {"id": type_, "label": "mother", "back": "child"}, None)
    ada, anne = await eyes.customer(), await eyes.writer(eyes.phone(), "to be pinned")
    await eyes.web.ask("POST", f"customers/{ada}/relationships", {"type": type_, "customer": anne})
    back = (await eyes.told("relationships", anne))["relationships"]
    entry = (await eyes.web.ask("GET", f"customers/{anne}/timeline"))["items"][-1]
    await eyes.web.ask("POST", f"customers/{ada}/pins", {"entry": entry["id"]})
    shown = await eyes.told("relationships", ada, lambda e: e["pins"])
    kept = {"relationships": shown["relationships"], "pins": shown["pins"]}
    return [
        Later("relationships", f"customers/{ada}/relationships", kept, lambda a: a),
        Later("relationships", f"customers/{anne}/relationships", back, lambda a: a["relationships"]),
    ]


async def topics(eyes: Eyes) -> list[Later]:
    """P6 and P7: a topic of the tree leads to where its conversation begins."""
    above = await eyes.web.ask("POST", "topics", {"name": f"Delivery {eyes.number()}"}, None)
    late = await eyes.web.ask("POST", "topics", {"name": f"Late {eyes.number()}", "parent": above["id"]}, None)
    phone = eyes.phone()
    ada = await eyes.writer(phone, "where is it")
    await eyes.message(phone, "still waiting")
    [talk] = (await eyes.web.ask("GET", f"customers/{ada}/conversations"))["items"]
    await eyes.write(type="topics", conversation=talk["id"], topics=[late["id"]])
    shown = (await eyes.told("topics", ada))["topics"]
    path = [above["name"], late["name"]]
    assert [topic["path"] for topic in shown] == [path], shown
    begins = f"customers/{ada}/timeline?conversation={talk['id']}&limit=1"
    return [
        Later("topics", f"customers/{ada}/conversations", shown, lambda a: a["items"][0]["topics"]),
        Later("topics", begins, ["where is it"], lambda a: [entry["body"] for entry in a["items"]]),
        Later("topics", "topics", [path], lambda a: [t["path"] for t in a["items"] if t["id"] == late["id"]]),
    ]


async def timeline(eyes: Eyes) -> list[Later]:
    """P8: one timeline, from the first word to the last."""
    phone = eyes.phone()
    ada = await eyes.writer(phone, "word 0")
    for number in range(1, 8):
        await eyes.message(phone, f"word {number}", number % 2)
    await eyes.told("entry", ada, lambda e: e["entry"]["body"] == "word 7")
    words = [entry["body"] for entry in eyes.colleague.told.views[ada].values()]
    newest = (await eyes.web.ask("GET", f"customers/{ada}/timeline?limit=3"))["items"]
    assert [entry["body"] for entry in newest] == words[-3:], newest
    before = f"customers/{ada}/timeline?limit=3&before={newest[0]['id']}"
    return [
        Later("entry", f"customers/{ada}/timeline", words, messages),
        Later("entry", before, words[-6:-3], messages),
    ]


async def counts(eyes: Eyes) -> list[Later]:
    """P9: contacts, open tasks, first and last contact."""
    ada = await eyes.writer(eyes.phone())
    await eyes.write(type="task", customer=ada, body="call back", id=str(uuid4()))
    shown = (await eyes.told("customer", ada, lambda e: e["customer"]["open_tasks"] == 1))["customer"]
    names = ("contacts_30_days", "open_tasks", "first_contact_at", "last_contact_at")
    wanted = [shown[name] for name in names]
    assert wanted[0] == 1, shown
    return [Later("customer", f"customers/{ada}", wanted, lambda a: [a[name] for name in names])]


async def cards(eyes: Eyes) -> list[Later]:
    """P10: what the company's own shop says, as an event."""
    ada = await eyes.writer(eyes.phone())
    await eyes.web.ask("POST", f"customers/{ada}/cards/refresh")
    card = (await eyes.told("card", ada, lambda e: e["card"]["state"] == "fresh"))["card"]
    return [Later("card", f"customers/{ada}/cards", card["source"], lambda a: a["items"][0]["source"])]


async def provenance(eyes: Eyes) -> list[Later]:
    """P11: who said it, and when."""
    ada = await eyes.customer()
    await eyes.write(type="edit", customer=ada, field="company", value="Engines", revision=0)
    event = await eyes.told("customer", ada, lambda e: e["customer"]["company"] == "Engines")
    fact = event["customer"]["provenance"]["company"]
    assert (fact["by"]["name"], fact["verified"]) == (eyes.mia.name, False), fact
    return [Later("customer", f"customers/{ada}", fact, lambda a: a["provenance"]["company"])]


async def my_customers(eyes: Eyes) -> list[Later]:
    """P12 and P16: what an agent holds is listed; what was on the screen at accept is kept."""
    body = f"hello {eyes.number()}"
    await eyes.message(eyes.phone(), body)
    profile = await eyes.accept(body)
    contact = profile["contact"]["id"]
    held = await eyes.told_agent(eyes.mia, "held", lambda e: e["held"]["contact"] == contact)
    seen = f"contacts/{contact}/seen-at-accept"
    kept = await eyes.web.until(seen, lambda a: a["items"])
    assert kept["items"][0]["profile"] == profile | {"ref": kept["items"][0]["profile"].get("ref")}, kept
    return [
        Later("held", "my-customers", [held["held"]["contact"]], lambda a: _of(a["contacts"], "contact", contact)),
        Later("held", seen, kept, lambda a: a),
    ]


def _of(lines: list[dict[str, object]], name: str, value: object) -> list[object]:
    return [line[name] for line in lines if line[name] == value]


async def tasks(eyes: Eyes) -> list[Later]:
    """P13: a task for a colleague is on their screen."""
    ada = await eyes.customer()
    body = {"customer": ada, "body": "call back", "agent": eyes.noah.id, "due_at": "2031-01-02T09:30:00Z"}
    made = await eyes.web.ask("POST", "tasks", body)
    task = (await eyes.told_agent(eyes.noah, "task", lambda e: e["task"]["id"] == made["id"]))["task"]
    return [
        Later("task", f"tasks/{task['id']}", task, lambda a: a),
        Later("task", "my-customers", [task["id"]], lambda a: _of(a["tasks"], "id", task["id"]), 1),
    ]


async def search(eyes: Eyes) -> list[Later]:
    """P14: found by a new name, by a word that was written, and among those looked at last."""
    phone, name, word = eyes.phone(), f"Quenby{eyes.number()}", f"zibeline{eyes.number()}"
    ada = await eyes.writer(phone, f"about the {word}")
    await eyes.write(type="edit", customer=ada, field="name", value=name, revision=0)
    await eyes.told("customer", ada, lambda e: e["customer"]["name"] == name)
    ways = (name, word, f"({phone[2:5]})%20{phone[5:8]}-{phone[8:]}")
    for way in ways:
        await eyes.web.until(f"customers?q={way}", lambda a: [each["id"] for each in a["items"]] == [ada])
    found = [Later("customer", f"customers?q={way}", [ada], lambda a: [e["id"] for e in a["items"]]) for way in ways]
    return [*found, Later("customer", "recent", [ada], lambda a: _of(a["items"], "id", ada), 1)]


PROFILE: dict[str, Witness] = {
    "P1": first_contact,
    "P2": contact_details,
    "P3": values,
    "P4": details,
    "P5": relationships,
    "P6": topics,
    "P7": topics,
    "P8": timeline,
    "P9": counts,
    "P10": cards,
    "P11": provenance,
    "P12": my_customers,
    "P13": tasks,
    "P14": search,
    "P16": my_customers,
}
