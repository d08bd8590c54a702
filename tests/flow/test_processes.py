"""Real processes of one company, with Redis and without: webhook on one, agent on the other; and what they do when
their database is away or too slow (INV5, INV9, INV12, INV13, INV17, INV26, INV27).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from store.ids import new_id
from tests.flow.gateway_process import SECONDS, Cable, Twilio, found_company, made_up_signature, running, twilio_of
from tests.flow.screen_world import Screen

PHONE = "+14155550123"
LARGEST = 64 * 1024
Frame = dict[str, Any]


@pytest.fixture(params=["redis", "no redis"])
async def twilio(
    request: pytest.FixtureRequest, database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[Twilio]:
    """Two processes, and Twilio over both."""
    await found_company(database_url)
    environment = {"REDIS_URL": redis_url} if request.param == "redis" else {}
    with (
        running(database_url, tmp_path / "0.log", **environment) as one,
        running(database_url, tmp_path / "1.log", **environment) as two,
    ):
        await asyncio.gather(one.up(), two.up())
        async with twilio_of(database_url, one.url, two.url) as twilio:
            yield twilio


async def refusal(screen: Screen, ref: str) -> str:
    """The code of the error to this frame."""
    while (error := await screen.next("error"))["ref"] != ref:
        continue
    code: str = error["code"]
    return code


async def test_a_text_to_one_process_rings_on_the_other_and_only_its_agent_may_take_it_once(twilio: Twilio) -> None:
    agent, token = await twilio.hire()
    async with twilio.screen(token, 1) as screen, twilio.screen(token, 0) as tab:
        marek, other_token = await twilio.hire()
        async with twilio.screen(other_token, 0) as other:
            await other.send(type="presence", status="away", ref="p")
            await other.next("result")
            assert (await twilio.post(twilio.form(PHONE, "hello"), process=0)).status_code == 200
            offer = (await screen.offer())["offer"]
            assert (await tab.offer())["offer"] == offer
            await other.send(type="accept", offer=offer, ref="steal")
            assert await refusal(other, "steal") == "forbidden"
            assert await twilio.value("select state from offer") == "pending"
            # Both tabs at the same instant, each on a process of its own, and then again.
            for ref in ("first", "again"):
                await asyncio.gather(*(each.send(type="accept", offer=offer, ref=ref) for each in (screen, tab)))
                profiles = await asyncio.gather(*(each.next("profile") for each in (screen, tab)))
                assert {(p["ref"], p["reason"], p["offer"]) for p in profiles} == {(ref, "accepted", offer)}
                assert {p["contact"]["agent"]["id"] for p in profiles} == {str(agent)}
                assert "hello" in {entry["body"] for entry in profiles[0]["timeline"]}
            await other.send(type="accept", offer=offer, ref="steal again")
            assert await refusal(other, "steal again") == "forbidden"
    used = await twilio.pool.fetch("select agent_id, used_messaging from agent_state")
    assert {row["agent_id"]: row["used_messaging"] for row in used} == {agent: 1, marek: 0}
    assert await twilio.value("select count(*) from entry where kind = 'status' and body = 'accepted'") == 1


async def test_what_happens_on_one_process_is_seen_on_the_other_in_order(twilio: Twilio) -> None:
    _, token = await twilio.hire()
    async with twilio.screen(token, 1) as screen:
        await twilio.post(twilio.form(PHONE, "0"), process=0)
        await screen.send(type="accept", offer=(await screen.offer())["offer"], ref="a")
        profile = await screen.next("profile")
        for number in range(1, 6):
            await twilio.post(twilio.form(PHONE, str(number)), process=number % 2)
        head = await twilio.value("select seq from stream")
        assert await screen.events(profile["feed"], head - profile["seq"]) == list(range(profile["seq"] + 1, head + 1))
        entries = [f["event"]["entry"]["body"] for f in screen.frames if f["type"] == "event" and "entry" in f["event"]]
        assert [body for body in entries if body.isdigit()] == [str(number) for number in range(1, 6)]


async def test_a_late_accept_is_gone_and_changes_nothing(twilio: Twilio) -> None:
    agent, token = await twilio.hire()
    async with twilio.screen(token, 1) as screen:
        await twilio.post(twilio.form(PHONE, "hello"), process=0)
        offer = (await screen.offer())["offer"]
        await twilio.value("update offer set expires_at = clock_timestamp() returning id")
        await screen.send(type="accept", offer=offer, ref="late")
        assert await refusal(screen, "late") == "gone"
        ended = [frame for frame in screen.frames if frame["type"] == "offer_ended"]
        assert (ended or [await screen.next("offer_ended")])[0]["outcome"] == "timed_out"
        await screen.send(type="accept", offer=offer, ref="later")
        assert await refusal(screen, "later") == "gone"
        await screen.send(type="accept", offer=str(new_id()), ref="never")
        assert await refusal(screen, "never") == "gone"
    row = await twilio.pool.fetchrow("select state, agent_id from contact")
    assert row is not None
    assert (row["state"], row["agent_id"]) == ("queued", None)
    assert await twilio.value("select used_messaging from agent_state where agent_id = $1", agent) == 0


async def test_frames_that_are_unknown_or_too_long_are_answered_as_agreed(twilio: Twilio) -> None:
    _, token = await twilio.hire()
    async with twilio.screen(token) as screen:
        await screen.send(type="wave", ref="w")
        assert await refusal(screen, "w") == "unknown_frame"
        padding = LARGEST - len('{"type":"leave","customer":"","ref":"l"}') - 36
        frame = f'{{"type":"leave","customer":"{new_id()}","ref":"l"}}' + " " * padding
        assert len(frame) == LARGEST
        await screen.connection.send(frame)
        assert (await screen.next("result"))["ref"] == "l"
        await screen.connection.send(frame + " ")
        assert (await screen.closed())[0] == 1009
    async with twilio.screen(token, 1) as screen:
        assert screen.frames[0]["type"] == "welcome", "the process goes on serving"


async def test_a_screen_whose_process_is_killed_resumes_on_the_other_without_a_gap(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await found_company(database_url)
    with (
        running(database_url, tmp_path / "0.log", REDIS_URL=redis_url) as one,
        running(database_url, tmp_path / "1.log", REDIS_URL=redis_url) as two,
    ):
        await asyncio.gather(one.up(), two.up())
        async with twilio_of(database_url, one.url, two.url) as twilio:
            _, token = await twilio.hire()
            async with twilio.socket(token, 1) as connection:
                screen = Screen(connection)
                epoch = (await screen.hello())["epoch"]
                await twilio.post(twilio.form(PHONE, "hello"))
                await screen.send(type="accept", offer=(await screen.offer())["offer"], ref="a")
                profile = await screen.next("profile")
                two.process.kill()
                await screen.closed()
            seen = [f["seq"] for f in screen.frames if f["type"] == "event" and f["feed"] == profile["feed"]]
            position = max([profile["seq"], *seen])
            for number in range(3):
                await twilio.post(twilio.form(PHONE, str(number)))
            head = await twilio.value("select seq from stream")
            async with twilio.socket(token, 0) as connection:
                screen = Screen(connection)
                welcome = await screen.hello(epoch, {profile["feed"]: position})
                assert [contact["contact"] for contact in welcome["contacts"]] == [profile["contact"]["id"]]
                missed = await screen.events(profile["feed"], head - position)
                assert missed == list(range(position + 1, head + 1))


async def test_without_a_database_503_and_retry_after_and_all_is_well_again_without_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    await found_company(database_url)
    cable = Cable(database_url)
    await cable.mend()
    with running(cable.url, tmp_path / "log") as gateway:
        await gateway.up()
        async with twilio_of(database_url, gateway.url) as twilio:
            assert (await twilio.post(twilio.form(PHONE, "before"))).status_code == 200
            lost = twilio.form(PHONE, "meanwhile")
            await cable.cut()
            for _ in range(3):
                answer = await twilio.post(lost)
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
            assert (await twilio.client.get(f"{gateway.url}/ready")).status_code == 503
            assert (await twilio.client.get(f"{gateway.url}/health")).status_code == 200
            forged = await twilio.post(lost, signature=made_up_signature())
            assert forged.status_code == 403, "the accounts last known go on serving"
            await cable.mend()
            await gateway.up()
            assert (await twilio.post(lost)).status_code == 200
            bodies = await twilio.pool.fetch("select body from entry order by at")
            assert [row["body"] for row in bodies] == ["before", "meanwhile"]
        await cable.cut()


async def test_overload_is_503_and_retry_after_and_what_comes_again_is_recorded(
    database_url: str, tmp_path: Path
) -> None:
    await found_company(database_url)
    with running(database_url, tmp_path / "log", SCREENPOP_INTAKE_LIMIT="1") as gateway:
        await gateway.up()
        async with twilio_of(database_url, gateway.url) as twilio:
            forms = [twilio.form(f"+1415555{n:04d}", str(n)) for n in range(8)]
            async with twilio.pool.acquire() as connection:
                block = connection.transaction()
                await block.start()
                await connection.execute("lock table seen in access exclusive mode")
                first = asyncio.create_task(twilio.post(forms[0]))
                await twilio.blocked()
                rest = [asyncio.create_task(twilio.post(form)) for form in forms[1:]]
                refused = [await task for task in itertools.islice(asyncio.as_completed(rest), 6)]
                await block.rollback()
            assert {answer.status_code for answer in refused} == {503}, "one is being recorded, one may wait"
            assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
            assert await counted(twilio, "overload") >= 1
            await asyncio.gather(first, *rest)
            again = await asyncio.gather(*(again_until_taken(twilio, form) for form in forms))
            assert set(again) == {200}
            assert (await twilio.rows())["entry"] == 8


async def again_until_taken(twilio: Twilio, form: dict[str, str]) -> int:
    """As a provider: come again after 503. Anything else ends it."""
    async with asyncio.timeout(SECONDS):
        while (answer := await twilio.post(form)).status_code == 503:  # noqa: ASYNC110  # as a provider waits
            await asyncio.sleep(0.05)
    return answer.status_code


async def counted(twilio: Twilio, outcome: str) -> float:
    """How often this outcome was counted."""
    text = (await twilio.client.get(f"{twilio.urls[0]}/metrics")).text
    lines = [line for line in text.splitlines() if f'outcome="{outcome}"' in line and "_total" in line]
    return float(lines[0].split()[-1]) if lines else 0.0
