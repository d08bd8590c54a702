"""The checker itself: green on a small run as it was recorded, red on the same run with one thing wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import msgspec
import pytest

from tests.faults.check import check
from tests.outside.history import Fact, read
from tests.outside.verdict import Verdict

FIXTURES = Path(__file__).parent / "fixtures"
ID = "00000000-0000-4000-8000-0000000000"


async def run_sql(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture
async def recorded(database_url: str) -> str:
    await run_sql(database_url, (FIXTURES / "small.sql").read_text())
    return database_url


def failed(verdicts: list[Verdict]) -> set[str]:
    return {verdict.claim for verdict in verdicts if verdict.ok is not True}


async def test_a_run_in_which_all_went_well_is_green(recorded: str) -> None:
    verdicts = await check(FIXTURES / "small.jsonl", recorded)
    assert failed(verdicts) == set()
    assert len(verdicts) == 15


PLANTED_ROWS = {
    "a message that was answered 2xx is missing": (f"delete from entry where id = '{ID}03'", "every message answered"),
    "its key is missing": ("delete from seen where key = 'SM2'", "every message answered"),
    "it is there twice": (
        f"""insert into entry select gen_random_uuid(), customer_id, conversation_id, at, kind, channel, direction,
            body, handle_id, account_id, author_id, occurred_at, media from entry where id = '{ID}02'""",
        "none twice",
    ),
    "an entry that nobody sent": (
        f"""insert into entry select gen_random_uuid(), customer_id, conversation_id, at, kind, channel, direction,
            'phantom', handle_id, account_id, author_id, occurred_at, media from entry where id = '{ID}02'""",
        "no entry that was never sent",
    ),
    "a sender who became two customers": (
        f"""insert into link values (gen_random_uuid(), '{ID}d1', '{ID}c2', 'first_contact', '{{}}')""",
        "one customer per sender",
    ),
    "two open conversations of one customer": (
        f"""drop index one_open_conversation, one_open_per_leaf;
            update conversation set customer_id = '{ID}c1', profile_id = '{ID}c1'""",
        "one open conversation",
    ),
    "two agents who hold one contact": (
        f"""drop index one_holder;
            update offer set state = 'accepted' where id = '{ID}b2'""",
        "at most one agent (database)",
    ),
    "a hold that its contact knows nothing of": (
        f"update contact set state = 'closed', agent_id = null where id = '{ID}f2'",
        "at most one agent (database)",
    ),
    "two live offers of one contact": (
        f"update offer set created_at = created_at - interval '4 seconds' where id = '{ID}b3'",
        "at most one live offer",
    ),
    "a slot that was never given back": ("update agent_state set used_messaging = used_messaging + 1", "capacity"),
    "more offers at once than slots": ("update agent_state set cap_messaging = 1", "capacity"),
    "a reply that vanished": ("delete from entry where body = 'answer'", "every reply accepted"),
    "a hole in the log": (f"delete from event where id = '{ID}c2' and seq = 2", "dense"),
    "a log that does not reach its head": (f"delete from event where id = '{ID}c1' and seq = 5", "dense"),
    "a contact nobody served": (
        f"""update offer set released_at = now() where id = '{ID}b3';
            update agent_state set used_messaging = 0;
            update contact set state = 'queued', agent_id = null where id = '{ID}f2'""",
        "served in the end",
    ),
}


@pytest.mark.parametrize("planted", PLANTED_ROWS)
async def test_the_checker_turns_red_with_one_row_wrong(recorded: str, planted: str) -> None:
    sql, claim = PLANTED_ROWS[planted]
    await run_sql(recorded, sql)
    assert any(claim in red for red in failed(await check(FIXTURES / "small.jsonl", recorded)))


def without(which: Callable[[Fact], bool]) -> Callable[[list[Fact]], list[Fact]]:
    return lambda facts: [fact for fact in facts if not which(fact)]


def changed(which: Callable[[Fact], bool], **values: object) -> Callable[[list[Fact]], list[Fact]]:
    return lambda facts: [msgspec.structs.replace(fact, **values) if which(fact) else fact for fact in facts]


forgotten = changed(lambda f: f.op == "welcome" and len(f.feeds or {}) == 2, feeds={f"agent:{ID}a1": 3})


def twice(which: Callable[[Fact], bool]) -> Callable[[list[Fact]], list[Fact]]:
    return lambda facts: [copy for fact in facts for copy in ([fact, fact] if which(fact) else [fact])]


def given_to_ben_too(facts: list[Fact]) -> list[Fact]:
    at = next(i for i, fact in enumerate(facts) if fact.op == "finish")
    won = next(fact for fact in facts if fact.op == "profile" and fact.contact == f"{ID}f2")
    return [*facts[:at], msgspec.structs.replace(won, who="Ben", feed=won.feed, at=facts[at].at), *facts[at:]]


PLANTED_FACTS = {
    "a sequence missing": (without(lambda f: (f.op, f.feed, f.seq) == ("event", f"agent:{ID}a1", 3)), "complete"),
    "an event told twice": (twice(lambda f: (f.op, f.feed, f.seq) == ("event", f"customer:{ID}c1", 4)), "complete"),
    "a resume that skips what was missed": (
        changed(lambda f: f.op == "welcome" and f.who == "Ana" and len(f.feeds or {}) == 2, feeds={f"agent:{ID}a1": 4}),
        "complete",
    ),
    "a resync without a snapshot": (without(lambda f: f.op == "profile" and f.reason == "resync"), "complete"),
    "a feed that a resume forgot": (
        lambda facts: forgotten([fact for fact in facts if fact.feed != f"customer:{ID}c1" or fact.offer]),
        "complete",
    ),
    "a screen that stopped before the head": (
        without(lambda f: (f.op, f.feed, f.seq) == ("event", f"agent:{ID}a2", 2)),
        "is its head",
    ),
    "a timeline without an entry": (changed(lambda f: f.op == "view", lines=["1 one", "4 answer sent"]), "REST"),
    "a contact shown as accepted to two": (given_to_ben_too, "at most one agent (screens)"),
    "an accept that the database does not know": (
        changed(lambda f: f.op == "profile" and f.contact == f"{ID}f1" and f.reason == "accepted", offer=f"{ID}b2"),
        "at most one agent (screens)",
    ),
    "a contact that waited beside a free agent": (
        changed(lambda f: f.op == "stuck", count=1, lines=["contact x beside Ana"]),
        "10 s after quiet",
    ),
    "a kill with too little going on": (changed(lambda f: f.op == "kill", count=7), "kill -9"),
    "a 2xx for a message that left no row": (
        changed(lambda f: f.sid == "SM4" and f.kind == "unknown", kind="ok"),
        "every message answered",
    ),
}


@pytest.mark.parametrize("planted", PLANTED_FACTS)
async def test_the_checker_turns_red_with_one_fact_wrong(recorded: str, tmp_path: Path, planted: str) -> None:
    change, claim = PLANTED_FACTS[planted]
    facts = change(read(FIXTURES / "small.jsonl"))
    history = tmp_path / "history.jsonl"
    history.write_bytes(b"".join(msgspec.json.encode(fact) + b"\n" for fact in facts))
    assert any(claim in red for red in failed(await check(history, recorded)))


async def test_an_answer_that_never_came_is_legal_either_way(recorded: str) -> None:
    await run_sql(
        recorded,
        f"""insert into seen values ('sms-main', 'SM4');
            insert into entry (id, customer_id, conversation_id, at, kind, channel, direction, body, handle_id)
            values ('{ID}05', '{ID}c2', '{ID}e2', now(), 'message', 'sms', 'in', 'four', '{ID}d2')""",
    )
    assert failed(await check(FIXTURES / "small.jsonl", recorded)) == set()


async def test_as_a_program_it_prints_a_table_and_says_by_its_exit_code(recorded: str) -> None:
    command = [sys.executable, "-m", "tests.faults.check", str(FIXTURES / "small.jsonl"), recorded]
    green = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221  # nothing else runs
    await run_sql(recorded, f"delete from entry where id = '{ID}01'")
    red = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert (green.returncode, red.returncode) == (0, 1)
    assert "FAILED" in red.stdout
    assert "FAILED" not in green.stdout
