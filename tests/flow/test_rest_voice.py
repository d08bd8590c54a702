"""What callers hear and where agents are rung, set by administrators over REST; every mistake is named by its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.cli import _account_problems
from gateway.rest_call import RateLimit
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.flow.rest_client import Api, check_problem, client_of, sign_in

VOICE = "accounts/voice-main/voice"
ADD = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ('voice-main', 'voice', 'twilio', '+14155550100', array['0123456789abcdef0123456789abcdef'], 'US',
        'https://example.com/hooks/voice-main', '{"account_sid": "AC00000000000000000000000000000000"}', 'general'),
       ('sms-main', 'sms', 'twilio', '+14155550101', array['0123456789abcdef0123456789abcdef'], 'US',
        'https://example.com/hooks/sms-main', '{"account_sid": "AC00000000000000000000000000000000"}', 'general')
"""
MON = {"time_zone": "Europe/Berlin", "open": {"mon": [["09:00", "12:00"], ["13:00", "18:00"]]}}
MENU = {"prompt": "Press 1.", "options": {"1": {"title": "Billing", "queue": "billing"}}}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    await pool.execute("insert into queue (id, name) values ('general', 'General'), ('billing', 'Billing')")
    await pool.execute(ADD)
    yield pool
    await pool.close()


@pytest.fixture
async def admin(pool: Pool) -> AsyncIterator[Api]:
    async with client_of(pool, RateLimit()) as client:
        yield await sign_in(pool, client, "admin")


def nested(depth: int) -> Any:
    option = {"title": "On", "menu": nested(depth - 1)} if depth > 1 else {"title": "End", "voicemail": True}
    return {"prompt": "Press 1.", "options": {"1": option}}


async def test_what_callers_hear_is_read_set_as_a_whole_and_audited(admin: Api, pool: Pool) -> None:
    first = await admin.ask(VOICE)
    assert (first.status_code, first.json()["overflow_seconds"], first.json()["menu"]) == (200, 300, None)
    given = {"greeting": "Hello.", "hours": MON, "menu": MENU, "hold_music": ["https://example.com/a.mp3"]}
    done = await admin.ask(VOICE, method="PUT", body=given, if_match=first.headers["etag"])
    assert done.status_code == 200, done.text
    shown = await admin.ask(VOICE)
    assert (shown.json(), shown.headers["etag"]) == (done.json(), done.headers["etag"])
    assert shown.json()["menu"]["options"]["1"]["queue"] == "billing"
    stale = await admin.ask(VOICE, method="PUT", body={}, if_match=first.headers["etag"])
    assert check_problem(stale, 412)["field"] == "If-Match"
    assert (await admin.put(VOICE, {"ring_seconds": 30}))["greeting"] is None  # what is left out has its default
    subjects = await pool.fetch("select subject ->> 'fields' as f from audit where action = 'voice.change' order by id")
    assert subjects[0]["f"] == '["greeting", "hours", "menu", "hold_music"]'


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"menu": {"prompt": "?", "options": {"2": {"title": "x", "queue": "gone"}}}}, "menu.options.2.queue"),
        ({"menu": {"prompt": "?", "options": {}}}, "menu.options"),
        (
            {"menu": {"prompt": "?", "options": {"1": {"title": "x", "queue": "billing", "voicemail": True}}}},
            "menu.options.1",
        ),
        ({"menu": nested(6)}, "menu.options.1.menu.options.1.menu.options.1.menu.options.1.menu.options.1.menu"),
        ({"hours": MON | {"time_zone": "Europe/Bonn"}}, "hours.time_zone"),
        ({"hours": MON | {"time_zone": "../../etc/passwd"}}, "hours.time_zone"),
        ({"hours": MON | {"open": {"tue": [["18:00", "09:00"]]}}}, "hours.open.tue[0]"),
        ({"hours": MON | {"open": {"tue": [["12:00", "18:00"], ["09:00", "12:30"]]}}}, "hours.open.tue"),
        ({"hours": MON | {"holidays": ["2026-02-30"]}}, "hours.holidays[0]"),
        ({"hold_music": ["https://example.com/a.mp3", "http://example.com/b.mp3"]}, "hold_music[1]"),
        ({"hold_music": ["https://"]}, "hold_music[0]"),
        ({"language": "en US"}, "language"),
        ({"greeting": "Good\u0007 day"}, "greeting"),
    ],
)
async def test_what_nobody_should_hear_is_refused_by_its_place(
    admin: Api, pool: Pool, settings: Any, field: str
) -> None:
    answer = await admin.problem(VOICE, 422, method="PUT", body=settings)
    assert answer["field"] == field
    assert answer["detail"].endswith(".")
    assert await pool.fetchval("select count(*) from voice_line") == 0


async def test_what_cannot_be_understood_is_refused_by_its_place(admin: Api, pool: Pool) -> None:
    assert (await admin.problem(VOICE, 400, method="PUT", body={"gruss": "x"}))["field"] == "gruss"
    assert (await admin.problem(VOICE, 400, method="PUT", body={"ring_seconds": 600}))["field"] == "ring_seconds"
    twice = b'{"menu": {"prompt": "?", "options": {"1": {"title": "a"}, "1": {"title": "b"}}}}'
    answer = check_problem(await admin.ask(VOICE, method="PUT", content=twice), 400)
    assert (answer["field"], answer["detail"]) == ("1", "It is given twice; give it once.")
    assert await pool.fetchval("select count(*) from voice_line") == 0


async def test_five_menus_deep_are_taken(admin: Api) -> None:
    await admin.put(VOICE, {"menu": nested(5)})


async def test_only_accounts_of_calls_have_a_voice_and_only_administrators_set_it(admin: Api, pool: Pool) -> None:
    for account in ("sms-main", "nobody"):
        await admin.problem(f"accounts/{account}/voice", 404)
        await admin.problem(f"accounts/{account}/voice", 404, method="PUT", body={})
    for role in ("agent", "supervisor", "service"):
        other = await sign_in(pool, admin.client, role)
        for path in (VOICE, f"agents/{admin.actor.id}/line"):
            await other.problem(path, 403)
            await other.problem(path, 403, method="PUT", body={})


async def test_what_cannot_be_read_is_named_by_the_check_and_mended_by_a_put(
    admin: Api, pool: Pool, database_url: str
) -> None:
    assert await _account_problems(database_url) == []
    await pool.execute("insert into voice_line values ('voice-main', '{\"ring_second\": 5}')")
    problems = await _account_problems(database_url)
    assert len(problems) == 1
    assert "unknown field `ring_second`" in problems[0]
    assert "PUT /v1/accounts/voice-main/voice" in problems[0]
    assert "ring_second" in (await admin.problem(VOICE, 409))["detail"]
    assert (await admin.problem(VOICE, 412, method="PUT", body={}, if_match='"x.y"'))["field"] == "If-Match"
    await admin.put(VOICE, {"greeting": "Hello."})
    assert await _account_problems(database_url) == []
    await pool.execute("""update voice_line set settings = '{"hold_music": ["http://example.com/a.mp3"]}'""")
    assert "hold_music[0]" in (await _account_problems(database_url))[0]


async def test_where_an_agent_is_rung_is_read_set_and_taken_back(admin: Api, pool: Pool) -> None:
    path = f"agents/{admin.actor.id}/line"
    first = await admin.ask(path)
    assert first.json() == {"kind": "client", "address": f"client:{admin.actor.id.hex}"}
    phone = {"kind": "phone", "address": "+14155550123"}
    done = await admin.ask(path, method="PUT", body=phone, if_match=first.headers["etag"])
    assert (done.status_code, done.json()) == (200, phone)
    assert (await admin.problem(path, 412, method="PUT", body=phone, if_match=first.headers["etag"]))["field"]
    await admin.put(path, {"kind": "sip", "address": "sip:bo@sip.example.com:5060;transport=tls"})
    await admin.problem(path, 412, method="DELETE", if_match=done.headers["etag"])
    await admin.delete(path, if_match=(await admin.ask(path)).headers["etag"])
    assert await admin.get(path) == first.json()
    await admin.problem(path, 404, method="DELETE")
    actions = [row["action"] for row in await pool.fetch("select action from audit order by at, id")]
    assert actions == ["agent_line.change", "agent_line.change", "agent_line.remove"]
    for method, body in (("GET", None), ("PUT", phone), ("DELETE", None)):
        await admin.problem(f"agents/{new_id()}/line", 404, method=method, body=body)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        *(("phone", "4155550123"), ("phone", "+1 415 555 0123"), ("phone", "+14155550123\n"), ("phone", "client:bo")),
        *(("sip", "bo@example.com"), ("sip", "sip:bo"), ("sip", "sip:bo@exa mple.com"), ("client", "bo")),
        *(("client", "client:"), ("client", "client:b o"), ("client", "+14155550123")),
    ],
)
async def test_an_address_nobody_can_be_rung_at_is_refused(admin: Api, pool: Pool, kind: str, address: str) -> None:
    body = {"kind": kind, "address": address}
    answer = await admin.problem(f"agents/{admin.actor.id}/line", 422, method="PUT", body=body)
    assert answer["field"] == "address"
    assert await pool.fetchval("select count(*) from agent_line") == 0
