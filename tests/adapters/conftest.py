"""Providers of several channels, running outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.meta_world import MetaWorld


@pytest.fixture
async def meta(tmp_path: Path) -> AsyncIterator[MetaWorld]:
    running = MetaWorld(tmp_path)
    await running.start()
    yield running
    await running.stop()
