"""What each feature of identity promises, done by one agent or another system before the eyes of a colleague."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.prove_customer.witness import Eyes, Later, Witness, messages


def _ids(answer: Any) -> list[str]:
    return [each["id"] for each in answer["items"]]


async def _identify(eyes: Eyes, **body: object) -> Any:
    """What another system proves, or hands on."""
    return await eyes.web.ask("POST", "identifications", body, None)


def _phone(value: str) -> dict[str, str]:
    return {"kind": "phone", "value": value}


def _mail(eyes: Eyes) -> dict[str, str]:
    return {"kind": "email", "value": f"person{eyes.number()}@lovelace.example"}


async def written_forms(eyes: Eyes) -> list[Later]:
    """I1: any written form of a number is the same customer."""
    phone = eyes.phone()
    ada = await eyes.customer(handles=[_phone(f"tel:({phone[2:5]}) {phone[5:8]}-{phone[8:]}")])
    await eyes.message(phone, "it is me")
    await eyes.told("entry", ada)
    forms = (f"%2B{phone[1:]}", f"{phone[2:5]}-{phone[5:8]}-{phone[8:]}", f"00{phone[1:]}")
    return [Later("entry", f"customers?q={form}", [ada], _ids) for form in forms]


async def shared_handle(eyes: Eyes) -> list[Later]:
    """I2: a number of several people: who writes is asked, and said."""
    phone = eyes.phone()
    ada = await eyes.customer(handles=[_phone(phone)])
    [handle] = (await eyes.web.ask("GET", f"customers/{ada}/handles"))["items"]
    await eyes.web.ask("PATCH", f"handles/{handle['id']}", {"shared": True})
    await eyes.told("customer", ada, lambda e: not e["customer"]["handles"])
    body = f"who am I {eyes.number()}"
    await eyes.message(phone, body)
    profile = await eyes.accept(body)
    assert (profile["customer"], [each["customer"] for each in profile["candidates"]]) == (None, [ada]), profile
    talk = profile["contact"]["conversation"]
    await eyes.web.ask("POST", f"conversations/{talk}/identify", {"customer": ada})
    await eyes.told("merged", ada)
    return [
        Later("customer, merged", f"customers/{ada}/timeline", [body], messages),
        Later("customer, merged", f"customers/{ada}/handles", [], lambda a: a["items"]),
    ]


async def claim(eyes: Eyes) -> list[Later]:
    """I3 and I9: what is only claimed is suggested, and links nothing; a no stays a no."""
    mail, other = _mail(eyes), eyes.phone()
    ada = await eyes.customer(handles=[mail])
    said = await _identify(eyes, handles=[_phone(other)], claims=[mail])
    assert (said["decision"], said["merges"]) == ("new", []), said
    event = await eyes.told("suggestions", ada, lambda e: e["suggestions"])
    [shown] = event["suggestions"]
    assert (shown["customer"], shown["matched"][0]["field"]) == (said["customer"], "claimed email"), shown
    return [
        Later("suggestions", f"customers/{ada}/suggestions", [shown], lambda a: a["items"]),
        Later("suggestions", f"customers/{said['customer']}", said["customer"], lambda a: a["id"]),
        Later("suggestions", f"customers/{ada}/identity", [], lambda a: a["merges"]),
    ]


async def dismissed(eyes: Eyes) -> list[Later]:
    """I9: likely duplicates side by side, and the no of a colleague."""
    name = eyes.name()
    ada = await eyes.customer(name=name)
    twin = await eyes.customer(name=name)
    [shown] = (await eyes.told("suggestions", ada, lambda e: e["suggestions"]))["suggestions"]
    assert (shown["customer"], shown["matched"][0]["ours"], shown["matched"][0]["theirs"]) == (twin, name, name), shown
    await eyes.web.ask("POST", f"suggestions/{shown['id']}/dismiss", {"never_link": True})
    await eyes.told("suggestions", twin, lambda e: not e["suggestions"])
    never = f"never-links?customer={ada}"
    return [
        Later("suggestions", f"customers/{ada}/suggestions", [], lambda a: a["items"]),
        Later("suggestions", never, [sorted((ada, twin))], lambda a: [each["customers"] for each in a["items"]]),
    ]


async def proven_together(eyes: Eyes) -> list[Later]:
    """I4 and I8: what is proven together is one customer, unless external ids differ, with the reasons."""
    mail, phone = _mail(eyes), eyes.phone()
    ada, bea = await eyes.customer(handles=[mail]), await eyes.customer(handles=[_phone(phone)], name=None, tags=["a"])
    said = await _identify(eyes, handles=[_phone(phone), mail])
    assert (said["decision"], said["customer"]) == ("merged", ada), said
    merge = (await eyes.told("merged", bea))["merge"]
    other = await eyes.customer(external_id=f"E{eyes.number()}", handles=[_phone(eyes.phone())])
    third = await eyes.customer(external_id=f"E{eyes.number()}", handles=[_mail(eyes)])
    refs = [
        {"kind": handle["kind"], "value": handle["value"]}
        for each in (other, third)
        for handle in (await eyes.web.ask("GET", f"customers/{each}/handles"))["items"]
    ]
    refused = await _identify(eyes, handles=refs)
    assert [each["why"] for each in refused["refused"]] == ["conflicting_external_ids"], refused
    return [
        Later("merged", f"customers/{bea}", ada, lambda a: a["moved"]),
        Later("merged", f"merges/{merge['id']}", "proven_together", lambda a: a["rule"]),
        Later("merged", f"customers/{ada}/identity", [merge["id"]], lambda a: [each["id"] for each in a["merges"]]),
        Later("merged", f"customers/{third}", third, lambda a: a["id"]),
    ]


async def explained(eyes: Eyes) -> list[Later]:
    """I8: every decision with handle, rule, rivals and evidence."""
    mail, phone = _mail(eyes), eyes.phone()
    ada = await eyes.customer(handles=[mail])
    await _identify(eyes, handles=[mail, _phone(phone)])
    await eyes.told("customer", ada, lambda e: len(e["customer"]["handles"]) == 2)
    path = f"customers/{ada}/identity"
    why = await eyes.web.ask("GET", path)
    rules = {decision["rule"]: decision for decision in why["decisions"]}
    assert rules["proven_together"]["evidence"]["proven_by"] == "service", why
    return [Later("customer", path, why, lambda a: a)]


async def merged(eyes: Eyes) -> list[Later]:
    """I5: a merge by hand is as the preview said."""
    ada, bea = await eyes.customer(name="Ada", tags=["vip"]), await eyes.customer(name="A. Byron", plan="gold")
    preview = await eyes.web.ask("GET", f"merges/preview?survivor={ada}&loser={bea}")
    said = {row["field"]: row["value"] for row in preview["fields"]}
    made = await eyes.web.ask("POST", "merges", {"survivor": ada, "loser": bea})
    shown = (await eyes.told("merged", bea))["merge"]
    assert (preview["refused"], shown["id"]) == (None, made["id"]), (preview, shown)
    assert set(said) >= {"name", "plan", "tags"}, said
    return [
        Later("merged", f"merges/{made['id']}", made, lambda a: a),
        Later("merged", f"customers/{ada}", said, lambda a: {field: a[field] for field in said}),
        Later("merged", f"customers/{bea}", ada, lambda a: a["moved"]),
    ]


async def unmerged(eyes: Eyes) -> list[Later]:
    """I6: both are what they were, with what arrived since by their own handles."""
    phones = eyes.phone(), eyes.phone()
    ada, bea = [await eyes.writer(phone, f"first of {phone}") for phone in phones]
    before = [await eyes.web.ask("GET", f"customers/{each}") for each in (ada, bea)]
    made = await eyes.web.ask("POST", "merges", {"survivor": ada, "loser": bea})
    await eyes.told("merged", ada)
    for phone in phones:
        await eyes.message(phone, f"then of {phone}")
    await eyes.told("entry", ada, lambda e: e["entry"]["body"] == f"then of {phones[1]}")
    await eyes.web.ask("POST", f"merges/{made['id']}/undo")
    await eyes.told("unmerged", ada)
    later = []
    for customer, phone, was in zip((ada, bea), phones, before, strict=True):
        words = [f"first of {phone}", f"then of {phone}"]
        later += [
            Later("merged, unmerged", f"customers/{customer}/timeline", words, messages),
            Later("merged, unmerged", f"customers/{customer}/handles", was["handles"], lambda a: a["items"]),
        ]
    return later


async def moved(eyes: Eyes) -> list[Later]:
    """I7: a conversation goes to whom it belongs."""
    ada, bea = await eyes.writer(eyes.phone(), "of Ada"), await eyes.writer(eyes.phone(), "of Ada too")
    [talk] = (await eyes.web.ask("GET", f"customers/{bea}/conversations"))["items"]
    await eyes.web.ask("POST", f"conversations/{talk['id']}/move", {"customer": ada, "with_handle": True})
    await eyes.told("merged", ada)
    return [
        Later("merged", f"customers/{ada}/timeline", ["of Ada", "of Ada too"], messages),
        Later("merged", f"customers/{bea}/timeline", [], messages),
    ]


async def changed_id(eyes: Eyes) -> list[Later]:
    """I10: an id that took the place of another is the same person's; without a phone too."""
    old, new = ({"kind": "social", "scope": "whatsapp:main", "value": f"US.{eyes.number()}"} for _ in range(2))
    ada = await eyes.customer(handles=[old])
    await _identify(eyes, handles=[new], replaces=old)
    event = await eyes.told("customer", ada, lambda e: len(e["customer"]["handles"]) == 2)
    values = [handle["value"] for handle in event["customer"]["handles"]]
    assert set(values) == {old["value"], new["value"]}, values
    return [Later("customer", f"customers/{ada}/handles", values, lambda a: [each["value"] for each in a["items"]])]


async def at_once(eyes: Eyes) -> list[Later]:
    """I11: two first messages of one person at once, to two processes: one customer, one conversation."""
    phone = eyes.phone()
    await asyncio.gather(*(eyes.message(phone, f"word {number}", number) for number in range(2)))
    ada = await eyes.writer(phone, "word 2")
    await eyes.message(phone, "word 3")
    await eyes.told("entry", ada, lambda e: e["entry"]["body"] == "word 3")
    return [
        Later("entry", f"customers?q=%2B{phone[1:]}", [ada], _ids),
        Later("entry", f"customers/{ada}/conversations", 1, lambda a: len(a["items"])),
        Later("entry", f"customers/{ada}/timeline", [f"word {n}" for n in range(4)], lambda a: sorted(messages(a))),
    ]


IDENTITY: dict[str, Witness] = {
    "I1": written_forms,
    "I2": shared_handle,
    "I3": claim,
    "I4": proven_together,
    "I5": merged,
    "I6": unmerged,
    "I7": moved,
    "I8": explained,
    "I9": dismissed,
    "I10": changed_id,
    "I11": at_once,
}
