"""The environment, read once and only here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and the remedy."""


class Settings(Struct, frozen=True):
    """What one process runs with. Without `database_url` an embedded PostgreSQL keeps its data in `data_dir`."""

    database_url: str | None
    redis_url: str | None
    data_dir: Path
    pg_bindir: Path | None
    pool_size: int
    intake_limit: int
    """Webhooks waiting to be recorded, beyond which the answer is 503."""
    screen_frames_per_minute: int
    screen_burst: int
    """What one screen may send, sustained and at once."""
    allowed_origins: tuple[str, ...]
    """Pages besides our own that may open a screen, as `https://desk.example.com`."""

    def __repr__(self) -> str:
        return f"Settings(data_dir={self.data_dir}, pool_size={self.pool_size}, intake_limit={self.intake_limit})"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read `DATABASE_URL`, `REDIS_URL` and `SCREENPOP_*`; empty counts as not set. Raises SettingsError."""
    env = os.environ if environment is None else environment
    bindir = env.get("SCREENPOP_PG_BINDIR") or None
    return Settings(
        database_url=_url(env, "DATABASE_URL", ("postgresql", "postgres")),
        redis_url=_url(env, "REDIS_URL", ("redis", "rediss", "unix")),
        data_dir=Path(env.get("SCREENPOP_DATA_DIR") or ".screenpop"),
        pg_bindir=Path(bindir) if bindir else None,
        pool_size=_number(env, "SCREENPOP_POOL_SIZE", 10, 2, 200),
        intake_limit=_number(env, "SCREENPOP_INTAKE_LIMIT", 4000, 1, 1_000_000),
        screen_frames_per_minute=_number(env, "SCREENPOP_SCREEN_FRAMES_PER_MINUTE", 100, 1, 1_000_000),
        screen_burst=_number(env, "SCREENPOP_SCREEN_BURST", 40, 1, 100_000),
        allowed_origins=tuple(o.strip() for o in env.get("SCREENPOP_ALLOWED_ORIGINS", "").split(",") if o.strip()),
    )


def _url(env: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    value = env.get(name) or None
    if value is not None and urlsplit(value).scheme not in schemes:
        raise SettingsError(f"{name} does not begin with {schemes[0]}://. Correct it, or unset it.")
    return value


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        raise SettingsError(f"{name} is not a whole number. Give one from {least} to {most}, or unset it.") from None
    if not least <= value <= most:
        raise SettingsError(f"{name} is {value}. Give a number from {least} to {most}, or unset it.")
    return value
