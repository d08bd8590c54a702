"""A task that its queue gives to the agent, and by when an answer was promised, beside the conversation."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")
FAST = {"name": "Fast", "first_response_seconds": 300, "resolution_seconds": 7200, "warn_before_seconds": 299}


async def test_a_due_task_opens_where_nobody_is_shown_and_what_was_promised_stands_until_the_answer(
    stage: Stage,
) -> None:
    handle, body = {"kind": "phone", "value": random_phone()}, random_text("Measure")
    customer = (await stage.ask("POST", "customers", {"name": "Odile Task", "handles": [handle]}))["id"]
    await stage.ask("PUT", "sla/policies/fast", FAST)
    await stage.ask("PUT", "queues/general/sla", {"policy": "fast"})
    desk = await stage.open_desk()
    task = {"customer": customer, "body": body, "queue": "general", "due_at": "2026-01-02T09:00:00Z"}
    made = (await stage.ask("POST", "tasks", task))["id"]
    try:
        await expect(desk.part("due-task").filter(has_text=body)).to_be_visible()
        await expect(desk.part("customer-name")).to_contain_text("Odile Task")
        await stage.text(random_phone(), random_text())
        await desk.part("accept").click()
        badge = desk.part("sla")
        await expect(badge).to_have_text(re.compile(r"^Answer due in [34] min$"))
        await expect(badge).to_have_attribute("data-tone", "warn")
        await desk.reply("On its way.")
        await expect(badge).to_have_count(0)
        assert not desk.faults
    finally:
        await stage.ask("PUT", "queues/general/sla", {})
        await stage.ask("DELETE", "sla/policies/fast")
        revision = (await stage.ask("GET", f"tasks/{made}"))["revision"]
        await stage.ask("PATCH", f"tasks/{made}", {"revision": revision, "state": "done"})
