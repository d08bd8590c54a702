"""R15: rules in YAML by REST: kept as they were written, checked by line, refused with place and line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.rest_call import RateLimit
from tests.flow.rest_client import Api, client_of, sign_in
from tests.store.company import Company, open_company

TEXT = """\
# Everybody waits in one queue.
rules:
  - name: all   # for now
    queue: general
"""


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


@pytest.fixture
async def admin(company: Company) -> AsyncIterator[Api]:
    async with client_of(company.pool, RateLimit()) as client:
        yield await sign_in(company.pool, client, "admin")


async def test_a_draft_in_yaml_is_given_back_with_its_comments_from_draft_to_version_and_back_again(
    company: Company, admin: Api
) -> None:
    kept = await admin.ask("rules/draft", method="PUT", content=TEXT.encode(), content_type="application/yaml")
    assert kept.status_code == 200, kept.text
    draft = await admin.get("rules/draft")
    assert (draft["source"], draft["format"], draft["rules"][0]["name"]) == (TEXT, "yaml", "all")
    first = await admin.post("rules/draft/publish", {"revision": draft["revision"]})
    assert (await admin.get(f"rules/versions/{first['version']}"))["source"] == TEXT
    draft = await admin.put("rules/draft", {"rules": [{"name": "all", "queue": "auto"}]})
    assert draft["format"] == "json"
    assert '"queue"' in draft["source"]
    await admin.post("rules/draft/publish", {"revision": draft["revision"]})
    back = await admin.post(f"rules/versions/{first['version']}/roll-back")
    whole = await admin.get(f"rules/versions/{back['version']}")
    assert (whole["source"], whole["format"]) == (TEXT, "yaml")
    await company.text("+14155550100")
    await company.drain()
    assert await company.value("select queue_id from contact") == "general"


async def test_what_is_wrong_with_yaml_is_told_by_place_and_line(admin: Api) -> None:
    wrong = TEXT.replace("general", "nowhere").encode()
    checked = await admin.ask("rules/check", method="POST", content=wrong, content_type="application/yaml")
    (finding,) = checked.json()["findings"]
    assert (finding["place"], finding["line"], finding["severity"]) == ("rules[0].queue", 4, "error")
    kept = await admin.ask("rules/draft", method="PUT", content=wrong, content_type="application/yaml")
    body = {"revision": kept.json()["revision"]}
    problem = await admin.problem("rules/draft/publish", 422, method="POST", body=body)
    assert problem["detail"].endswith("(line 4)")
    cases = [
        (TEXT.replace("queue:", "quue:"), 400, "rules[0].quue", "leave it out. (line 4, column 5)"),
        ("rules: [&a {}]", 400, "body", "anchors and aliases"),
        ("rules: " + "[" * 10_000, 400, "body", "nesting"),
        ("x" * 300_000, 413, "body", "KiB"),
    ]
    for text, status, field, told in cases:
        answer = await admin.ask("rules/check", method="POST", content=text.encode(), content_type="application/yaml")
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
        assert told in answer.json()["detail"]
    answer = await admin.ask("rules/check", method="POST", content=b"rules", content_type="text/plain")
    assert (answer.status_code, "application/yaml" in answer.json()["detail"]) == (415, True)


async def test_ten_thousand_rules_are_refused_by_name_while_others_are_answered(admin: Api) -> None:
    many = "rules:\n" + "".join(f"- {{name: r{number}, queue: a}}\n" for number in range(9_000))
    reading = asyncio.create_task(
        admin.ask("rules/check", method="POST", content=many.encode(), content_type="application/yaml")
    )
    answered = 0
    while not reading.done():
        await admin.get("rules/versions")
        answered += 1
    answer = reading.result()
    assert (answer.status_code, answer.json()["field"]) == (400, "rules")
    assert "500" in answer.json()["detail"]
    assert answered > 1
