"""Every SQL constant is understood by PostgreSQL on a freshly migrated database: names, types, parameters."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import asyncpg
import pytest

PACKAGES = ("gateway", "profiles", "pushers", "router", "store")
SQL = re.compile(r"\s*(select|insert\s+into|update|delete\s+from|with|values|truncate|create|alter|drop|lock)\b", re.I)
# What PREPARE does not take: it belongs to the start of a server, before there is a schema.
NOT_PREPARED = re.compile(r"\s*(create|alter|drop|lock|truncate)\b", re.I)
FEWEST = 90
"""Fewer found means that the search has gone blind, not that so many were removed."""


def modules() -> Iterator[str]:
    """Every module of the packages that speak SQL."""
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        yield package
        yield from (
            found.name for found in pkgutil.walk_packages(folder, f"{package}.") if "__main__" not in found.name
        )


def statements() -> dict[str, str]:
    """`module.NAME` of every module-level constant that is SQL, and its text; once where several import it."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for name in modules():
        for constant, value in vars(importlib.import_module(name)).items():
            if isinstance(value, str) and constant.lstrip("_").isupper() and SQL.match(value) and value not in seen:
                seen.add(value)
                found[f"{name}.{constant}"] = value
    return found


def whole(found: dict[str, str]) -> dict[str, str]:
    """Without the pieces of others: those are prepared as part of them."""
    return {
        name: sql
        for name, sql in found.items()
        if not NOT_PREPARED.match(sql) and not any(sql in other and sql != other for other in found.values())
    }


STATEMENTS = whole(statements())


async def test_every_sql_constant_is_prepared_by_postgresql(database_url: str) -> None:
    assert len(STATEMENTS) >= FEWEST, f"only {len(STATEMENTS)} statements found"
    connection = await asyncpg.connect(database_url)
    refused = {}
    try:
        for name, sql in STATEMENTS.items():
            try:
                await connection.prepare(sql)
            except asyncpg.PostgresError as error:
                refused[name] = f"{type(error).__name__}: {error}"
    finally:
        await connection.close()
    assert refused == {}


@pytest.mark.parametrize("words", [r"for\s+update", r"advisory_(?!xact)", r"^\s*set\s", r"\blisten\b"])
def test_no_statement_locks_or_sets_what_outlives_its_transaction_or_blocks_foreign_keys(words: str) -> None:
    pattern = re.compile(words, re.I)
    assert [name for name, sql in STATEMENTS.items() if pattern.search(sql)] == []
