"""Who is who by REST as the product decides it: identifications, reasons, suggestions and their dismissal."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.likeness_worker import LikenessWorker
from gateway.rest_call import RateLimit
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.flow.rest_client import Api, client_of, sign_in
from tests.store.profile_seed import add_account, say_nothing

PHONE = {"kind": "phone", "value": "(206) 555-0134"}
MAIL = {"kind": "email", "value": "Ada@Example.com"}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=4)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(pool, RateLimit()) as opened:
        yield opened


@pytest.fixture
async def shop(pool: Pool, client: httpx2.AsyncClient) -> Api:
    return await sign_in(pool, client, "service")


@pytest.fixture
async def mia(pool: Pool, client: httpx2.AsyncClient) -> Api:
    return await sign_in(pool, client, "agent")


async def test_another_system_identifies_and_every_decision_is_explained(shop: Api, mia: Api) -> None:
    """I3, I4, I8."""
    first = await shop.post("identifications", {"handles": [PHONE], "name": "Ada Lovelace"}, 200)
    second = await shop.post("identifications", {"handles": [MAIL], "external_id": "C1"}, 200)
    assert (first["decision"], second["decision"]) == ("new", "new")
    both = await shop.post("identifications", {"handles": [PHONE, MAIL]}, 200)
    assert both["decision"] == "merged"
    assert both["customer"] == second["customer"], "who has the external id survives"
    why = await mia.get(f"customers/{both['customer']}/identity")
    assert [merge["id"] for merge in why["merges"]] == both["merges"]
    assert {decision["rule"] for decision in why["decisions"]} == {"first_contact"}
    assert all(decision["evidence"]["proven_by"] == "service" for decision in why["decisions"])
    other = await shop.post("identifications", {"handles": [PHONE], "external_id": "C2"}, 200)
    assert other["decision"] == "new"
    assert [(each["why"], each["customer"]) for each in other["refused"]] == [
        ("conflicting_external_ids", both["customer"])
    ]


async def test_a_claim_becomes_a_suggestion_that_is_dismissed_for_good(pool: Pool, shop: Api, mia: Api) -> None:
    """I9."""
    owner = await shop.post("identifications", {"handles": [MAIL]}, 200)
    claimant = await shop.post("identifications", {"handles": [PHONE], "claims": [MAIL]}, 200)
    await LikenessWorker(pool, say_nothing).drain()
    [suggestion] = (await mia.get(f"customers/{claimant['customer']}/suggestions"))["items"]
    assert suggestion["customer"] == owner["customer"]
    await mia.post(f"suggestions/{suggestion['id']}/dismiss", {"never_link": True}, 204)
    assert (await mia.get(f"customers/{owner['customer']}/suggestions"))["items"] == []
    assert len((await mia.get("never-links"))["items"]) == 1
    together = await shop.post("identifications", {"handles": [PHONE, MAIL]}, 200)
    assert [each["why"] for each in together["refused"]] == ["never_link"]
    await mia.problem(f"suggestions/{suggestion['id']}/dismiss", 409, method="POST", body={})


async def test_bad_input_is_a_problem_that_names_the_field(shop: Api, mia: Api) -> None:
    for body, field in (
        ({"handles": []}, "handles"),
        ({"handles": [PHONE, {"kind": "phone", "value": "CALL ME"}]}, "handles[1].value"),
        ({"handles": [PHONE], "claims": [{"kind": "email", "value": "ada@"}]}, "claims[0].value"),
        ({"handles": [PHONE], "replaces": {"kind": "phone", "value": "+1"}}, "replaces.value"),
    ):
        problem = await shop.problem("identifications", 422, method="POST", body=body)
        assert problem["field"] == field
    await mia.problem("identifications", 403, method="POST", body={"handles": [PHONE]})
    await mia.problem(f"suggestions/{new_id()}/dismiss", 404, method="POST", body={})
    await mia.problem(f"customers/{new_id()}/identity", 404)
