"""The life of a held contact: finish, wrap-up, parking, log-off, vanishing, closing, reopening."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from model.refusal import Refused
from router.closing import close_conversation
from router.finishing import finish, wrap_up
from router.handover import cancel_handover
from router.holding import seen
from router.presence import bury_dead_processes, disconnect_screen, mend_connected, renew_lease, set_presence
from store.feeds import transaction
from tests.store.company import Company, open_company
from tests.store.handover_interleavings import asked
from tests.store.interleaver import boss

ENDED = '"kind":"handover_ended"'


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company
        await company.check()


PHONE = "+14155550100"


async def test_finish_frees_the_slot_and_the_next_contact_is_offered(company: Company) -> None:
    ines = await company.hire(messaging=1)
    await company.seat(ines)
    await company.text(PHONE)
    await company.text("+14155550101")
    await company.drain()
    accepted = await company.take(ines)
    async with transaction(company.pool, company.announce) as tx:
        assert await finish(tx, accepted.contact.id, ines) is None
    await company.drain()
    assert await company.states() == ["closed", "offered"]


async def test_wrap_up_holds_the_slot_until_its_timer_and_a_message_brings_the_work_back(company: Company) -> None:
    ines = await company.hire()
    await company.value("update queue set wrap_up_seconds = 30 where id = 'general' returning id")
    await company.ring(ines, PHONE)
    contact = (await company.take(ines)).contact.id
    async with transaction(company.pool, company.announce) as tx:
        assert await finish(tx, contact, ines) is None
    assert await company.states() == ["wrapping"]
    assert await company.value("select used_messaging from agent_state") == 1
    await company.text(PHONE, "one more thing")
    assert await company.states() == ["assigned"]
    async with transaction(company.pool, company.announce) as tx:
        assert await finish(tx, contact, ines) is None
    await company.value("update contact set due_at = clock_timestamp() - interval '1 ms' returning id")
    await company.settle()
    assert await company.states() == ["closed"]
    assert await company.value("select used_messaging from agent_state") == 0


async def test_wrap_up_can_be_ended_by_hand_and_only_then(company: Company) -> None:
    ines = await company.hire()
    await company.value("update queue set wrap_up_seconds = 30 where id = 'general' returning id")
    await company.ring(ines, PHONE)
    contact = (await company.take(ines)).contact.id
    async with transaction(company.pool, company.announce) as tx:
        early = await wrap_up(tx, contact, ines)
    assert isinstance(early, Refused)
    assert early.code == "wrong_state"
    async with transaction(company.pool, company.announce) as tx:
        await finish(tx, contact, ines)
    async with transaction(company.pool, company.announce) as tx:
        assert await wrap_up(tx, contact, ines) is None
    assert await company.states() == ["closed"]


async def test_a_silent_customer_is_parked_and_the_next_message_takes_the_owners_slot(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    await company.take(ines)
    await company.seat(marek)
    await company.value("update contact set preview_direction = 'out', due_at = clock_timestamp() returning id")
    await company.settle()
    assert await company.states() == ["parked"]
    assert await company.value("select used_messaging from agent_state where agent_id = $1", ines.id) == 0
    await company.text(PHONE, "are you there?")
    await company.drain()
    assert await company.states() == ["assigned"]
    assert await company.value("select agent_id from contact") == ines.id


async def test_a_parked_contact_of_an_agent_who_logged_off_goes_by_rule(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    await company.take(ines)
    await company.value("update contact set preview_direction = 'out', due_at = clock_timestamp() returning id")
    await company.settle()
    async with transaction(company.pool, company.announce) as tx:
        await set_presence(tx, ines.id, "offline", None)
    await company.seat(marek)
    await company.text(PHONE, "are you there?")
    await company.drain()
    await company.drain()
    assert await company.offer_of(marek) is not None


async def test_logging_off_queues_unanswered_contacts_and_parks_answered_ones(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE)
    await company.text("+14155550101")
    await company.drain()
    await company.take(ines)
    answered = (await company.take(ines)).contact.id
    await company.value("update contact set preview_direction = 'out' where id = $1 returning id", answered)
    async with transaction(company.pool, company.announce) as tx:
        await set_presence(tx, ines.id, "offline", None)
    await company.settle()
    assert sorted(await company.states()) == ["parked", "queued"]
    assert await company.value("select used_messaging from agent_state") == 0


async def test_who_is_asked_for_what_its_holder_loses_is_told_by_the_same_sweep(company: Company) -> None:
    ines, omar, handover, _, _ = await asked(company)
    async with transaction(company.pool, company.announce) as tx:
        await set_presence(tx, ines.id, "offline", None)
    await company.worker.settle()
    assert await company.states() == ["queued"]
    ended = await company.rows(
        "select id, body::json ->> 'reason' as why from event where kind = 3 and body ~ $1", ENDED
    )
    assert {(row["id"], row["why"]) for row in ended} == {(ines.id, "moved"), (omar.id, "moved")}, handover


async def test_what_is_written_meanwhile_is_told_to_who_is_asked_and_to_nobody_later(company: Company) -> None:
    _, omar, handover, _, _ = await asked(company)
    await company.text(PHONE, "it is urgent")
    async with transaction(company.pool, company.announce) as tx:
        assert await cancel_handover(tx, handover, boss()) is None
    await company.text(PHONE, "never mind")
    told = await company.rows("select id, body::json ->> 'preview' as said from event where body ~ 'handover_updated'")
    assert [(row["id"], row["said"]) for row in told] == [(omar.id, "it is urgent")]


async def test_going_away_ends_what_rings_and_keeps_what_is_held(company: Company) -> None:
    ines = await company.hire()
    await company.ring(ines, PHONE)
    await company.take(ines)
    await company.text("+14155550101")
    await company.drain()
    async with transaction(company.pool, company.announce) as tx:
        await set_presence(tx, ines.id, "away", "lunch")
    await company.settle()
    assert await company.states() == ["assigned", "queued"]
    assert await company.value("select count(*) from offer where state = 'rescinded'") == 1


async def test_a_vanished_agent_loses_offers_after_ten_seconds_and_contacts_after_sixty(company: Company) -> None:
    ines = await company.hire()
    screen = await company.seat(ines)
    await company.text(PHONE)
    await company.drain()
    await company.take(ines)
    await company.text("+14155550101")
    await company.drain()
    async with transaction(company.pool, company.announce) as tx:
        await disconnect_screen(tx, ines.id, screen)
    await company.settle()
    assert await company.states() == ["assigned", "offered"], "a reconnect is waited for"
    await company.value("update agent_state set gone_at = gone_at - interval '10 s' returning agent_id")
    await company.settle()
    assert await company.states() == ["assigned", "queued"]
    await company.value("update agent_state set gone_at = gone_at - interval '50 s' returning agent_id")
    await company.settle()
    assert await company.states() == ["queued", "queued"]


async def test_the_screens_of_a_dead_process_count_no_more(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    async with transaction(company.pool, company.announce) as tx:
        assert await bury_dead_processes(tx) == 0
    await company.value("update gateway_process set expires_at = clock_timestamp() returning id")
    async with transaction(company.pool, company.announce) as tx:
        assert await bury_dead_processes(tx) == 1
    assert await company.value("select connected from agent_state") is False
    async with company.pool.acquire() as connection:
        assert await renew_lease(connection, company.process) is False


async def test_an_agent_counted_as_connected_without_a_screen_is_mended(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    async with transaction(company.pool, company.announce) as tx:
        assert await mend_connected(tx) == 0
    await company.value("delete from screen returning id")
    async with transaction(company.pool, company.announce) as tx:
        assert await mend_connected(tx) == 1
    assert await company.value("select connected from agent_state") is False


async def test_closing_a_conversation_is_refused_while_another_agent_holds_a_contact(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    conversation = (await company.take(ines)).contact.conversation
    async with transaction(company.pool, company.announce) as tx:
        refused = await close_conversation(tx, conversation, marek)
    assert isinstance(refused, Refused)
    assert refused.code == "contacts_live"
    async with transaction(company.pool, company.announce) as tx:
        assert await close_conversation(tx, conversation, ines) is None
    assert await company.states() == ["closed"]
    assert await company.value("select status from conversation") == "closed"


async def test_closing_takes_back_what_rings_elsewhere_for_a_supervisor(company: Company) -> None:
    ines, boss = await company.hire("Ines"), await company.hire("Ada", role="supervisor")
    await company.ring(ines, PHONE)
    conversation = await company.value("select id from conversation")
    async with transaction(company.pool, company.announce) as tx:
        assert await close_conversation(tx, conversation, boss) is None
    assert await company.states() == ["closed"]
    assert await company.value("select state from offer") == "rescinded"
    assert await company.value("select used_messaging from agent_state where agent_id = $1", ines.id) == 0


async def test_a_message_after_closing_reopens_the_same_conversation_with_a_new_contact(company: Company) -> None:
    ines = await company.hire()
    await company.ring(ines, PHONE)
    conversation = (await company.take(ines)).contact.conversation
    async with transaction(company.pool, company.announce) as tx:
        await close_conversation(tx, conversation, ines)
    await company.text(PHONE, "me again")
    assert await company.value("select count(*) from conversation") == 1
    assert await company.value("select status from conversation") == "open"
    assert await company.states() == ["closed", "new"]
    async with transaction(company.pool, company.announce) as tx:
        await close_conversation(tx, conversation, ines)
    await company.value("update conversation set closed_at = closed_at - interval '73 hours' returning id")
    await company.text(PHONE, "weeks later")
    assert await company.value("select count(*) from conversation") == 2


async def test_what_the_agent_has_seen_is_unread_no_more_and_only_the_holder_sees(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    contact = (await company.take(ines)).contact.id
    await company.text(PHONE, "and?")
    assert await company.value("select unread from contact") == 1
    async with transaction(company.pool, company.announce) as tx:
        foreign = await seen(tx, contact, marek)
        assert await seen(tx, contact, ines) is None
    assert isinstance(foreign, Refused)
    assert await company.value("select unread from contact") == 0
