"""Customers are found by what people remember: names with typos, numbers in any spelling, values, words of messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from gateway.filing_worker import FilingWorker
from model.customer import CustomerSummary
from profiles.search import Place, search
from profiles.search_sources import newest_blocks
from store.ids import new_id
from store.pool import Pool, open_pool

MANY = 30


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=3)
    yield opened
    await opened.close()


async def add(pool: Pool, name: str | None, handle: str = "", **values: object) -> UUID:
    """A customer, each a minute younger than the one before. `values` are columns."""
    id_ = new_id()
    count: int = await pool.fetchval("select count(*) from customer")
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=count)
    columns = {"id": id_, "root_id": id_, "name": name, "created_at": at} | values
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    await pool.execute(
        f"insert into customer ({', '.join(columns)}) values ({places})",
        *(json.dumps(value) if isinstance(value, dict) else value for value in columns.values()),
    )
    if handle:
        await add_handle(pool, handle, id_)
    return id_


async def add_handle(pool: Pool, value: str, customer: UUID | None, **values: object) -> UUID:
    kind = "email" if "@" in value else "phone" if value.startswith("+") else "social"
    columns = {"id": new_id(), "kind": kind, "value": value, "customer_id": customer} | values
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    await pool.execute(
        f"insert into handle ({', '.join(columns)}) values ({places})",
        *columns.values(),
    )
    return columns["id"]  # type: ignore[return-value]


async def say(pool: Pool, customer: UUID, body: str, kind: str = "message") -> None:
    await pool.execute(
        "insert into entry (id, customer_id, at, kind, body) values ($1, $2, clock_timestamp(), $3, $4)",
        *(new_id(), customer, kind, body),
    )


async def found(pool: Pool, q: str, limit: int = 50) -> tuple[CustomerSummary, ...]:
    async with pool.acquire() as connection:
        items, _ = await search(connection, q, limit)
    return items


async def names(pool: Pool, q: str) -> list[str | None]:
    return [item.name for item in await found(pool, q)]


async def file(pool: Pool) -> None:
    """As the background does within two seconds."""
    worker = FilingWorker(pool)
    for _ in range(50):
        await worker.step()
        if await pool.fetchval("select done >= (select last_value from entry_n_seq) from filing"):
            return
    raise AssertionError("the entries are not filed")


# -- names --------------------------------------------------------------------------------------------------------


async def test_a_name_is_found_by_any_of_its_words_in_any_order_case_and_accent(pool: Pool) -> None:
    await add(pool, "Ada Løvelace-Müller", company="Engines Ltd", tags=["VIP", "press"])
    await add(pool, "Bob")
    for q in ("løve", "LOVELACE", "muller ada", "Müller", " ada   løvelace ", "lovelace,ada", "elace", "ad"):
        assert await names(pool, q) == ["Ada Løvelace-Müller"], q
    assert await names(pool, "nobody") == []


async def test_two_letters_find_a_name_and_the_whole_word_comes_before_its_start(pool: Pool) -> None:
    await add(pool, "Bo Li")
    await add(pool, "Boris Lindt")
    assert await names(pool, "bo") == ["Bo Li", "Boris Lindt"]
    assert await names(pool, "li") == ["Bo Li", "Boris Lindt"]
    assert await names(pool, "bo lin") == []
    assert await names(pool, "王") == []
    await add(pool, "王小明")
    assert await names(pool, "王") == ["王小明"]


@pytest.mark.parametrize("q", ["garcja", "garca", "garciaa", "gracia", "maira garcia", "mari garcja", "garcía"])
async def test_a_letter_wrong_missing_too_many_or_swapped_still_finds(pool: Pool, q: str) -> None:
    await add(pool, "Maria Garcia")
    await add(pool, "Mario Gardner")
    await add(pool, "Gert Ciara")
    assert await names(pool, q) == ["Maria Garcia"]


async def test_the_nearest_typo_comes_first_and_the_right_name_before_all(pool: Pool) -> None:
    await add(pool, "Ana Schmidt")
    await add(pool, "Ana Schmid")
    await add(pool, "Ana Schmitt")
    assert (await names(pool, "schmidt"))[0] == "Ana Schmidt"
    assert (await names(pool, "schmid"))[0] == "Ana Schmid"


# -- handles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "q",
    [
        *("+12065550134", "+1 206-555-0134", "(206) 555-0134", "206.555.0134", "2065550134", "1 206 555 0134"),
        *("001 206 555 0134", "5550134", "+1206555", "206 555", "whatsapp:+12065550134", "tel:+1-206-555-0134", "0134"),
    ],
)
async def test_any_spelling_of_a_phone_number_finds_its_customer(pool: Pool, q: str) -> None:
    await account(pool, "US")
    await add(pool, "Ada", "+12065550134")
    await add(pool, "Bob", "+493012345678")
    [item] = await found(pool, q)
    assert (item.name, item.matched, item.handles) == ("Ada", "handle", ("+12065550134",))


async def test_a_national_number_is_read_in_the_regions_of_our_accounts(pool: Pool) -> None:
    await account(pool, "DE")
    await account(pool, "BR")
    await add(pool, "Eva", "+493012345678")
    await add(pool, "Zé", "+5511987654321")
    assert await names(pool, "030 12345678") == ["Eva"]
    for q in ("(11) 98765-4321", "11 8765 4321", "+55 11 8765-4321", "+5511987654321"):
        assert await names(pool, q) == ["Zé"], q


async def account(pool: Pool, region: str) -> None:
    await pool.execute("insert into queue (id, name) values ('q', 'Q') on conflict do nothing")
    await pool.execute(
        "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)"
        " values ($1, 'sms', 'twilio', $1, '{s}', $2, '', 'q')",
        *(region.lower(), region),
    )


async def test_the_start_of_a_handle_finds_and_its_middle_does_not(pool: Pool) -> None:
    await add(pool, "Ada", "ada.l@example.com")
    await add(pool, "Bob", "Ub7Kx0")
    assert await names(pool, "ADA.L@Ex") == ["Ada"]
    assert await names(pool, "ada.l@example.com") == ["Ada"]
    assert await names(pool, "example.com") == []
    assert await names(pool, "Ub7Kx0") == ["Bob"]


async def test_a_shared_handle_finds_whoever_was_linked_to_it_and_the_one_nobody_knows(pool: Pool) -> None:
    ada, bob = await add(pool, "Ada"), await add(pool, "Bob")
    nobody = await add(pool, None, placeholder=True)
    handle = await add_handle(pool, "+12065550134", None, shared=True, speaks_as=nobody)
    for customer in (ada, bob):
        await pool.execute(
            "insert into link (id, handle_id, customer_id, rule, evidence) values ($1, $2, $3, 'told', '{}')",
            *(new_id(), handle, customer),
        )
    assert {item.id for item in await found(pool, "+12065550134")} == {ada, bob, nobody}
    await say(pool, nobody, "my washing machine leaks")
    assert [item.id for item in await found(pool, "washing machine")] == [nobody]
    assert nobody not in {item.id for item in await found(pool, "")}


async def test_who_only_claims_a_handle_is_found_by_it_after_whose_it_is(pool: Pool) -> None:
    ada = await add(pool, "Ada", "ada.l@example.com")
    nobody = await add(pool, None, placeholder=True)
    await pool.execute(
        "insert into claim (id, customer_id, kind, value, proven) values ($1, $2, 'email', 'ada.l@example.com', false)",
        *(new_id(), nobody),
    )
    assert [item.id for item in await found(pool, "Ada.L@example.com")] == [ada, nobody]
    told = await add(pool, "Cy")
    await say(pool, told, "write to bob@example.com")
    await pool.execute("update claim set value = 'bob@example.com'")
    assert [item.id for item in await found(pool, "bob@example.com")] == [nobody, told], "a claim ends no search"


async def test_ids_find_the_companys_own_and_ours(pool: Pool) -> None:
    ada = await add(pool, "Ada", external_id="CRM-7")
    assert await names(pool, "CRM-7") == ["Ada"]
    assert await names(pool, str(ada)) == ["Ada"]


# -- values -------------------------------------------------------------------------------------------------------


async def test_company_tag_field_and_address_find_and_say_what_matched(pool: Pool) -> None:
    ada = await add(
        *(pool, "Ada"),
        company="Acme-Engines Ltd",
        tags=["VIP", "late payer"],
        fields={"contract": "KD-20418/7", "n": 5},
    )
    await pool.execute(
        "insert into address (id, customer_id, street, city, postal_code) values ($1, $2, $3, 'Lübeck', '23552')",
        *(new_id(), ada, "Königstraße 5"),
    )
    told = {
        "engines": ("company", None),
        "acme engines": ("company", None),
        "vip": ("tag", None),
        "late pay": ("tag", None),
        "KD-20418/7": ("field", "contract: KD-20418/7"),
        "20418": ("field", "contract: KD-20418/7"),
        "königstrasse": ("field", "Königstraße 5, 23552 Lübeck"),
        "23552 lubeck": ("field", "Königstraße 5, 23552 Lübeck"),
        "ada acme": ("company", None),
    }
    for q, (matched, excerpt) in told.items():
        [item] = await found(pool, q)
        assert (item.id, item.matched, item.excerpt) == (ada, matched, excerpt), q
    await pool.execute("update address set removed_at = now()")
    assert await names(pool, "lubeck") == []


# -- messages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filed", [False, True])
async def test_words_of_a_message_find_its_customer_with_the_text_around_them(pool: Pool, filed: bool) -> None:
    ada, bob = await add(pool, "Ada"), await add(pool, "Bob")
    await say(pool, ada, "Good morning. " * 8 + "The parcel ORD-4711 never arrived in Zürich!")
    await say(pool, bob, "the parcel is here")
    for number in range(3 * MANY):
        await say(pool, bob, f"filler {number}")
    if filed:
        await file(pool)
        assert await pool.fetchval("select count(*) from entry_words") == 2 + 3 * MANY - 1
    [item] = await found(pool, "parcel zurich")
    assert (item.id, item.matched) == (ada, "message")
    assert item.excerpt is not None
    assert item.excerpt.startswith("… ")
    assert item.excerpt.endswith("The parcel ORD-4711 never arrived in Zürich!")
    assert await names(pool, "ord-4711") == ["Ada"]
    assert await names(pool, "parcel") == ["Bob", "Ada"]
    assert await names(pool, "good here") == []


async def test_only_what_was_said_is_searched_not_what_the_product_notes(pool: Pool) -> None:
    ada = await add(pool, "Ada")
    await say(pool, ada, "closed by somebody", "status")
    await say(pool, ada, "prefers mornings", "note")
    assert await names(pool, "somebody") == []
    assert await names(pool, "mornings") == ["Ada"]


async def test_a_word_in_every_entry_gives_the_newest(pool: Pool) -> None:
    customers = [await add(pool, f"C{number}") for number in range(10)]
    await pool.execute(
        "insert into entry (id, customer_id, at, kind, body)"
        " select gen_random_uuid(), ($1::uuid[])[1 + n / 300], now() + n * interval '1 ms', 'message', 'hello ' || n"
        " from generate_series(0, 2999) n",
        customers,
    )
    await file(pool)
    # 200 messages are read, all of the last to write.
    assert await names(pool, "hello") == ["C9"]
    assert await names(pool, "hello 7") == ["C0"]


@pytest.mark.parametrize("counted", [False, True])
async def test_all_words_must_be_there_however_common_and_whichever_are_looked_up(pool: Pool, counted: bool) -> None:
    many, few = await add(pool, "Many"), await add(pool, "Few")
    await pool.execute(
        "insert into entry (id, customer_id, at, kind, body)"
        " select gen_random_uuid(), $1, clock_timestamp(), 'message', 'please call me back ' || n"
        " from generate_series(1, 2000) n",
        many,
    )
    await say(pool, few, "please call my brother's number, me is not there")
    await file(pool)
    if counted:
        await pool.execute("analyze entry_words")
    assert await names(pool, "please call me back") == ["Many"]
    assert await names(pool, "me brother call please") == ["Few"]
    assert await names(pool, "brother's me") == ["Few"]
    assert await names(pool, "call please me") == ["Few", "Many"]
    assert await names(pool, "brother back please") == []
    assert await names(pool, "please call me back 77") == ["Many"]


async def test_an_entry_that_commits_after_its_neighbours_were_filed_is_filed_then(pool: Pool) -> None:
    ada = await add(pool, "Ada")
    async with pool.acquire() as late, late.transaction():
        await late.execute(
            "insert into entry (id, customer_id, at, kind, body) values ($1, $2, now(), 'message', 'tardy words')",
            *(new_id(), ada),
        )
        for number in range(2 * MANY):
            await say(pool, ada, f"filler {number}")
        await file(pool)
        assert await pool.fetchval("select count(*) from entry_gap") == 1
        assert await names(pool, "tardy") == []
    await FilingWorker(pool).step()
    assert await names(pool, "tardy") == ["Ada"]
    assert await pool.fetchval("select count(*) from entry_gap") == 0


async def test_a_number_of_a_failed_transaction_is_forgotten_when_nobody_can_use_it(pool: Pool) -> None:
    ada = await add(pool, "Ada")
    async with pool.acquire() as failed:
        transaction = failed.transaction()
        await transaction.start()
        await failed.execute(
            "insert into entry (id, customer_id, at, kind, body) values ($1, $2, now(), 'message', 'never')",
            *(new_id(), ada),
        )
        for number in range(2 * MANY):
            await say(pool, ada, f"filler {number}")
        await file(pool)
        await pool.execute("update entry_gap set at = at - interval '1 hour'")
        await FilingWorker(pool).step()
        assert await pool.fetchval("select count(*) from entry_gap") == 1
        await transaction.rollback()
    await FilingWorker(pool).step()
    assert await pool.fetchval("select count(*) from entry_gap") == 0


async def test_what_cannot_be_a_word_is_filed_without_complaint(pool: Pool) -> None:
    ada = await add(pool, "Ada")
    for body in (
        "x" * 5000,
        "",
        " ",
        "\u0301" * 50,
        "<b>bold</b> 1e400 a.b@c.de http://x.y/z?q=1",
        "𝔘" * 5999,
        "é " * 6000,
    ):
        for _ in range(MANY):
            await say(pool, ada, body)
    await file(pool)
    assert await pool.fetchval("select done from filing") == 7 * MANY
    for q in ("bold", "a.b@c.de", "http://x.y/z?q=1", "1e400", "e"):
        assert await names(pool, q) == ["Ada"], q


# -- ranking and pages --------------------------------------------------------------------------------------------


async def test_the_best_kind_of_match_comes_first_and_each_customer_once(pool: Pool) -> None:
    wrote = await add(pool, "Writer")
    await say(pool, wrote, "is rosa there?")
    await add(pool, "Works", company="Rosa GmbH")
    await add(pool, "Ros Typo")
    await add(pool, "Mail", "rosa@example.com")
    await add(pool, "Rosalind Start")
    await add(pool, "Anna Rosa")
    await add(pool, "Rosa")
    both = await add(pool, "Rosa Both", company="Rosa GmbH", tags=["rosa"])
    await say(pool, both, "rosa here")
    kinds = [(item.name, item.matched) for item in await found(pool, "rosa")]
    assert kinds == [
        *(("Rosa", "name"), ("Rosa Both", "name"), ("Anna Rosa", "name"), ("Rosalind Start", "name")),
        *(("Mail", "handle"), ("Works", "company"), ("Writer", "message")),
    ]


async def test_a_merged_customer_is_found_once_as_the_profile_it_is_part_of(pool: Pool) -> None:
    root = await add(pool, "Ada", "+12065550134", shown_name="Countess Ada")
    leaf = await add(pool, "Ada Lovelace", "+493012345678", root_id=root, company="Engines")
    await say(pool, leaf, "sent from the old number")
    for q in ("lovelace", "+493012345678", "", "ada", "countess", "engines", "old number"):
        assert [(item.id, item.name) for item in await found(pool, q)] == [(root, "Countess Ada")], q


async def test_pages_show_everybody_once_and_in_one_order(pool: Pool) -> None:
    for number in range(7):
        await add(pool, f"Ada {number}")
    writer = await add(pool, "Writer", company="Ada Inc")
    await say(pool, writer, "ada ada")
    last = await add(pool, "Last")
    await say(pool, last, "ada?")
    expected = [f"Ada {number}" for number in reversed(range(7))] + ["Writer", "Last"]
    for q, whole in (("ada", expected), ("", ["Last", "Writer", *expected[:7]])):
        for limit in (1, 2, 3, 50):
            seen: list[str | None] = []
            cursor: Place | None = None
            for _ in range(20):
                async with pool.acquire() as connection:
                    items, cursor = await search(connection, q, limit, cursor)
                seen += [item.name for item in items]
                if cursor is None:
                    break
            assert seen == whole, (q, limit)


# -- bad input ----------------------------------------------------------------------------------------------------


async def test_signs_of_patterns_and_queries_mean_only_themselves(pool: Pool) -> None:
    await add(pool, "Ada", "ada@example.com")
    await add(pool, "100 % Bob_")
    for q in ("%", "_", "\\", "'", "&", "!", "ada | bob", "ada & !bob", "a:*b", "(", "<->", "~", "💥"):
        assert await names(pool, q) == [], q
    assert await names(pool, "100 %") == ["100 % Bob_"]
    assert await names(pool, "a\x00b'; --") == []
    assert await names(pool, "ada\x00") == ["Ada"]


@pytest.mark.parametrize(
    "q",
    [
        "ada " * 50,
        "a" * 200,
        "1" * 200,
        "ü" * 200,
        "+" * 200,
        "'" * 200,
        "a@" * 100,
        "王" * 200,
        "a b " * 50,
        "~" * 200,
    ],
)
async def test_two_hundred_characters_are_searched_like_few(pool: Pool, q: str) -> None:
    await add(pool, "Ada")
    assert await names(pool, q) == (["Ada"] if q.startswith("ada") else [])


@pytest.mark.parametrize("last", [0, 1, 63, 64, 511, 512, 5000, 262_143, 262_144, 10_000_000, 123_456_789])
async def test_blocks_cover_every_number_once_and_are_those_of_the_index(pool: Pool, last: int) -> None:
    blocks = newest_blocks(last)
    spans = [((block >> 3) << (6 + 3 * (block & 7)), ((block >> 3) + 1) << (6 + 3 * (block & 7))) for block in blocks]
    assert spans[0][0] <= last < spans[0][1]
    assert spans[-1][0] == 0
    assert all(older[1] == newer[0] for newer, older in pairwise(spans))
    assert len(blocks) <= 8 * 6 + (last >> 21)
    for block, (first, end) in zip(blocks, spans, strict=True):
        assert await pool.fetchval(
            "select $1 = any (blocks_of($2)) and $1 = any (blocks_of($3 - 1))", block, first, end
        )
