"""The conformance matrix over real HTTP (C9, INV1–INV8, T1–T4): each provider against a running gateway."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conftest import database, execute, migrate_quietly
from tests.contract.channels.harness import harnesses
from tests.contract.channels.matrix import REASONS
from tests.contract.channels.runner import Cell, Company, company, without_secret

HARNESSES = harnesses()
MOST_NOT_APPLICABLE = 0.15


@pytest.fixture(scope="module")
def empty_company(admin_url: str) -> Iterator[str]:
    name = f"screenpop_matrix_{os.getpid()}"
    asyncio.run(execute(admin_url, f'drop database if exists "{name}" with (force)', f'create database "{name}"'))
    url = database(admin_url, name)
    asyncio.run(migrate_quietly(url))
    yield url
    asyncio.run(execute(admin_url, f'drop database "{name}" with (force)'))


@pytest.fixture(scope="module")
def nameless(empty_company: str) -> dict[str, Cell]:
    """What the providers' accounts without a secret are told."""
    return {cell.provider: cell for cell in asyncio.run(without_secret(empty_company, HARNESSES))}


@pytest.fixture
async def gateway(
    empty_company: str, nameless: dict[str, Cell], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Company]:
    log = tmp_path_factory.mktemp("matrix") / "gateway.log"
    async with company(empty_company, HARNESSES, log) as running:
        yield running


@pytest.mark.timeout(900)
async def test_every_cell_is_answered_as_it_must_be(gateway: Company, nameless: dict[str, Cell]) -> None:
    cells = list(nameless.values())
    for name, harness in HARNESSES.items():
        cells += await gateway.row(name, harness)
    wrong = [f"{cell.provider}, {cell.case}: {cell.wrong}; observed {cell.observed}" for cell in cells if cell.wrong]
    assert not wrong, "\n".join(wrong)
    left_out = [cell for cell in cells if cell.reason]
    assert {cell.reason for cell in left_out} <= set(REASONS)
    assert len(left_out) <= MOST_NOT_APPLICABLE * len(cells)
