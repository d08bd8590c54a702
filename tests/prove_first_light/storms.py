"""The storm, its checker, and the checker on the same run with one row deleted."""

from __future__ import annotations

import asyncpg

from tests.faults.check import check
from tests.faults.storm import Storm, blow
from tests.outside.history import History, read
from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage

CLAIM = "every message answered 2xx"
DELETE = "delete from entry where id = (select id from entry where body = $1)"


async def show(stage: Stage) -> list[Verdict]:
    """One storm with this seed, then the planted loss."""
    company = await stage.demo().start()
    history = History(stage.folder / "history.jsonl")
    try:
        verdicts = await blow(company, history, Storm(stage.seed))
    finally:
        history.close()
    facts = read(history.path)
    answered = {fact.sid for fact in facts if fact.op == "inbound" and fact.kind == "ok"}
    body = stage.rng.choice([fact.body for fact in facts if fact.sid in answered and fact.body])
    connection = await asyncpg.connect(company.database_url)
    try:
        await connection.execute(DELETE, body)
    finally:
        await connection.close()
    red = [one.claim for one in await check(history.path, company.database_url) if one.ok is False]
    turned = any(CLAIM in claim for claim in red)
    return [
        *verdicts,
        Verdict("the checker turns red with one row deleted", "1 entry", "; ".join(red) or "green", turned),
    ]
