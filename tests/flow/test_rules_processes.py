"""R15 over real processes: what is published by REST at one takes the next webhook at the other.

How soon: `run.py prove routing`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.gateway_process import SECONDS, Twilio, found_company, running, twilio_of

phones = (f"+1415555{number:04}" for number in itertools.count(100))
ROUTED = """
select d.queue_id, d.version
  from decision d join contact c on c.id = d.contact_id join handle h on h.id = c.handle_id where h.value = $1
"""


@pytest.fixture
async def twilio(database_url: str, tmp_path: Path) -> AsyncIterator[Twilio]:
    """Two processes without Redis, and Twilio over both."""
    await found_company(database_url)
    with running(database_url, tmp_path / "0.log") as one, running(database_url, tmp_path / "1.log") as two:
        await asyncio.gather(one.up(), two.up())
        async with twilio_of(database_url, one.url, two.url) as twilio:
            await twilio.pool.execute("insert into queue (id, name) values ('senior', 'Senior')")
            yield twilio


async def send(twilio: Twilio, token: str, method: str, path: str, body: Any = None) -> Any:
    """One request over REST at the first process, which must succeed."""
    url = f"{twilio.urls[0]}/v1/{path}"
    headers = {"Authorization": f"Bearer {token}"}
    answer = await twilio.client.request(method, url, json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer.json()


async def route(twilio: Twilio, process: int) -> tuple[str, int]:
    """Where a message goes that arrives at this process, and by which version."""
    phone = next(phones)
    assert (await twilio.post(twilio.form(phone, "a refund"), process=process)).status_code == 200
    async with asyncio.timeout(SECONDS):
        while (row := await twilio.pool.fetchrow(ROUTED, phone)) is None:  # noqa: ASYNC110  # the state of a server
            await asyncio.sleep(0.02)
    return row["queue_id"], row["version"]


async def test_a_version_is_in_force_in_every_process_with_the_next_contact(twilio: Twilio) -> None:
    _, token = await twilio.hire("admin")
    refund = {"name": "refund", "queue": "senior", "when": {"field": "text", "contains": "refund"}}
    for rules, queue, version in (([], "general", 1), ([refund], "senior", 2)):
        draft = await send(twilio, token, "PUT", "rules/draft", {"rules": rules})
        await send(twilio, token, "POST", "rules/draft/publish", {"revision": draft["revision"]})
        assert [await route(twilio, process) for process in (1, 0)] == [(queue, version)] * 2
    await send(twilio, token, "POST", "rules/versions/1/roll-back")
    assert [await route(twilio, process) for process in (1, 0)] == [("general", 3)] * 2
