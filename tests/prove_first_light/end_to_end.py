"""A program that knows only `demo.json`: webhook, offer, accept, profile, reply; and the webhooks that are forged."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import asyncpg

from tests.outside.company import Company, new_sid
from tests.outside.screen import Screen
from tests.outside.told import Frame
from tests.outside.verdict import Verdict
from tests.outside.wire import post
from tests.prove_first_light.stage import Stage

TABLES = ("seen", "raw_event", "entry", "contact", "customer", "handle", "conversation", "event", "dead_letter")
COUNTS = "select " + ", ".join(f"(select count(*) from {table})" for table in TABLES)


async def show(stage: Stage) -> list[Verdict]:
    """The way of one message and its answer, then the forgeries."""
    company = await stage.demo().start()
    ana = stage.screen(Screen(company, company.agents[0]))
    await ana.connect(0)
    await ana.present()
    sender, nonce = f"+1415{stage.rng.randrange(220, 300)}{stage.rng.randrange(10**4):04d}", uuid4().hex
    answer = await company.inbound(sender, nonce, process=1)
    offer = await ana.ring()
    profile = await ana.accept(offer["offer"])
    return [
        Verdict(
            "a form signed by the twilio library answers 2xx",
            "1, to the other process",
            str(answer.status),
            answer.status // 100 == 2,
        ),
        _offered(offer, nonce, sender),
        _pushed(profile, nonce, sender, offer),
        await _on_rest(company, profile, nonce),
        await _answered(company, ana, profile, sender),
        await _live(company, ana, profile, sender),
        *await forged(company),
        Verdict(
            "the screen's feeds are in order", "3 feeds", "; ".join(ana.wrong) or "no gap, no repeat", not ana.wrong
        ),
    ]


def _offered(offer: Frame, nonce: str, sender: str) -> Verdict:
    fine = offer["preview"] == nonce and offer["handle"] == sender and offer["channel"] == "sms"
    return Verdict("the available agent gets the offer with its preview", "1", f"preview {offer['preview'][:8]}…", fine)


def _pushed(profile: Frame, nonce: str, sender: str, offer: Frame) -> Verdict:
    claim = "accept brings the profile with that message"
    if profile["type"] != "profile":
        return Verdict(claim, "1", str(profile), False)
    fine = profile["reason"] == "accepted" and profile["contact"]["id"] == offer["contact"]
    fine = fine and any(handle["value"] == sender for handle in profile["customer"]["handles"])
    fine = fine and [e["body"] for e in profile["timeline"] if e["kind"] == "message"][-1:] == [nonce]
    return Verdict(claim, "1", f"reason {profile['reason']}, {len(profile['timeline'])} entries", fine)


async def _on_rest(company: Company, profile: Frame, nonce: str) -> Verdict:
    items = await company.every(f"customers/{profile['customer']['id']}/timeline")
    found = sum(item["body"] == nonce for item in items)
    return Verdict("the message is on the timeline over REST", "1", f"{found} time", found == 1)


async def _answered(company: Company, ana: Screen, profile: Frame, sender: str) -> Verdict:
    text = f"answer {uuid4().hex}"
    conversation = profile["contact"]["conversation"]
    result = await ana.reply(conversation, text)
    sent = await company.sent_with(text)
    status = ""
    if result["type"] == "result":
        view = ana.told.views[profile["customer"]["id"]]
        await ana.until(lambda: view.get(result["entry"], {}).get("status") == "delivered")
        status = view.get(result["entry"], {}).get("status", "not on the screen")
    fine = len(sent) == 1 and sent[0]["to"] == sender and status == "delivered"
    return Verdict("a reply reaches the carrier and its receipt the screen", "1", f"{len(sent)} sent, {status}", fine)


async def _live(company: Company, ana: Screen, profile: Frame, sender: str) -> Verdict:
    text = uuid4().hex
    await company.inbound(sender, text, process=1)
    view = ana.told.views[profile["customer"]["id"]]
    came = await ana.until(lambda: any(entry["body"] == text for entry in view.values()))
    return Verdict("the next message comes live to the open profile", "1", "came" if came else "did not come", came)


async def forged(company: Company) -> list[Verdict]:
    """Requests that nobody at the carrier signed: 403, and no row anywhere."""
    connection = await asyncpg.connect(company.database_url)
    try:
        before = tuple(await _steady(connection))
        answers = {name: (await company.send(request)).status for name, request in _forgeries(company).items()}
        await asyncio.sleep(0.5)
        after = tuple(await connection.fetchrow(COUNTS) or ())
    finally:
        await connection.close()
    trap = {name: status for name, status in answers.items() if name.startswith("raw body")}
    rest = {name: status for name, status in answers.items() if name not in trap}
    wrong = [f"{name}: {status}" for name, status in rest.items() if status != 403]
    grown = [table for table, old, new in zip(TABLES, before, after, strict=True) if old != new]
    return [
        Verdict("forged: 403", ", ".join(rest), "; ".join(wrong) or "403 each", not wrong),
        Verdict(
            "RequestValidator's TypeError trap: 403",
            ", ".join(trap),
            str(set(trap.values())),
            set(trap.values()) == {403},
        ),
        Verdict("forged: no row", f"{len(answers)} requests", f"changed: {', '.join(grown) or 'nothing'}", not grown),
    ]


async def _steady(connection: asyncpg.Connection[asyncpg.Record]) -> Any:
    """The counts once what was under way has settled."""
    last = await connection.fetchrow(COUNTS)
    for _ in range(20):
        await asyncio.sleep(0.5)
        now = await connection.fetchrow(COUNTS)
        if now == last:
            break
        last = now
    return last


def _forgeries(company: Company) -> dict[str, bytes]:
    form = company.form("+14155550199", "forged", new_sid())
    good = company.signed(form)
    bare = {name: value for name, value in good.items() if name != "X-Twilio-Signature"}
    host = urlsplit(company.account.public_url).netloc
    path = f"/hooks/{company.account.id}"
    json_body = b'{"MessageSid": "SM1"}'
    raw = {"Content-Type": "application/json", "X-Twilio-Signature": good["X-Twilio-Signature"]}
    return {
        "unsigned": company.request(form, bare),
        "wrong signature": company.request(form, {**good, "X-Twilio-Signature": "aGVsbG8gd29ybGQgaGVsbG8gdw=="}),
        "empty signature": company.request(form, {**good, "X-Twilio-Signature": ""}),
        "changed text": company.request({**form, "Body": "other"}, good),
        "added field": company.request({**form, "Extra": "1"}, good),
        "other query": post(f"{path}?a=b", host, good, urlencode(form).encode()),
        "unknown algorithm": company.request(
            form, {**good, "X-Twilio-Webhooks-Signature-Settings": "key=x,algorithm=none"}
        ),
        "raw body without bodySHA256": post(path, host, raw, json_body),
        "raw body, text": post(path, host, {**raw, "Content-Type": "text/plain"}, b"hello"),
        "raw body, wrong bodySHA256": post(f"{path}?bodySHA256=00", host, raw, json_body),
    }
