"""The environment, read once and only here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from store.files import Bucket


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
    bucket: Bucket | None = None
    """Where attachments lie; without one in `data_dir`."""
    private_media_hosts: tuple[str, ...] = ()
    """Hosts of one's own network that files may be fetched from, as `host:port`."""
    smtp_port: int | None = None
    lmtp_port: int | None = None
    """Where mail is taken by SMTP and LMTP; nowhere by default."""
    smtp_host: str = "127.0.0.1"
    mail_cpu_ms: int = 2000
    mail_memory_mib: int = 256
    """What reading one mail may take, besides the memory for its bytes; beyond, its source is all there is."""
    idle_away_seconds: int | None = None
    """After how long without activity an available agent who has nothing is away; never by default."""

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
        allowed_origins=_list(env, "SCREENPOP_ALLOWED_ORIGINS"),
        bucket=_bucket(env),
        private_media_hosts=_list(env, "SCREENPOP_PRIVATE_MEDIA_HOSTS"),
        smtp_port=_number(env, "SCREENPOP_SMTP_PORT", 0, 0, 65535) or None,
        lmtp_port=_number(env, "SCREENPOP_LMTP_PORT", 0, 0, 65535) or None,
        smtp_host=env.get("SCREENPOP_SMTP_HOST") or "127.0.0.1",
        mail_cpu_ms=_number(env, "SCREENPOP_MAIL_CPU_MS", 2000, 1, 60_000),
        mail_memory_mib=_number(env, "SCREENPOP_MAIL_MEMORY_MIB", 256, 1, 16_384),
        idle_away_seconds=_number(env, "SCREENPOP_IDLE_AWAY_SECONDS", 0, 60, 86_400) if _idle_is_set(env) else None,
    )


def _idle_is_set(env: Mapping[str, str]) -> bool:
    return (env.get("SCREENPOP_IDLE_AWAY_SECONDS") or "0") != "0"


def _list(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in env.get(name, "").split(",") if each.strip())


def _bucket(env: Mapping[str, str]) -> Bucket | None:
    names = ("BUCKET", "REGION", "ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    bucket, region, endpoint, key, secret = (env.get(f"SCREENPOP_S3_{name}") or None for name in names)
    if bucket is None:
        if region or endpoint or key or secret:
            raise SettingsError("SCREENPOP_S3_BUCKET is not set, other SCREENPOP_S3_* are. Set it, or unset them.")
        return None
    if (key is None) != (secret is None):
        raise SettingsError(
            "SCREENPOP_S3_ACCESS_KEY_ID and SCREENPOP_S3_SECRET_ACCESS_KEY belong together. Set both, or neither."
        )
    _url(env, "SCREENPOP_S3_ENDPOINT", ("https", "http"))
    return Bucket(bucket, region or "us-east-1", endpoint, key, secret)


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
