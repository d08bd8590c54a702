"""What is wrong with the configuration of an account at Meta, each naming the field and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from adapters.base import AccountConfig

API_BASE: Final = "https://graph.facebook.com"
API_VERSION: Final = "v23.0"
"""A version works two years from the next one's release: https://developers.facebook.com/docs/graph-api/guides/versioning."""
SHARED_SETTINGS: Final = frozenset(("access_token", "verify_token", "api_base", "api_version"))


def graph_base(account: AccountConfig) -> str:
    """The address all calls begin with, without a slash at its end."""
    base = account.settings.get("api_base") or API_BASE
    return f"{base.rstrip('/')}/{account.settings.get('api_version') or API_VERSION}"


def account_problems(account: AccountConfig, needed: dict[str, str], known: frozenset[str]) -> Iterator[str]:
    """`needed`: further settings that must be given, each with its remedy; `known`: those that may be."""
    if not account.secrets:
        yield "secrets is empty: give the app secret of Meta's App Dashboard, Settings > Basic"
    if any(not secret.strip() or secret != secret.strip() for secret in account.secrets):
        yield "secrets holds an empty one, or one with space around it: remove it"
    yield from _public_url_problems(account.public_url)
    settings = account.settings
    remedies = {
        "access_token": "give one of a system user, or replies cannot be sent",
        "verify_token": "make up a long random word, and give the same to Meta's webhook configuration",
    } | needed
    for name, remedy in remedies.items():
        value = settings.get(name, "")
        if not value.strip():
            yield f"settings.{name} is missing: {remedy}"
        elif value != value.strip():
            yield f"settings.{name} has space around it: remove it"
    if "api_base" in settings and not _is_address(settings["api_base"]):
        yield f"settings.api_base is no address: leave it out for {API_BASE}"
    for name in sorted(set(settings) - known - SHARED_SETTINGS - set(needed)):
        names = ", ".join(sorted(known | SHARED_SETTINGS | set(needed)))
        yield f"settings.{name} is not known: there are {names}"


def _public_url_problems(url: str) -> Iterator[str]:
    if not _is_address(url):
        yield "public_url is no address: give one like https://example.com/hooks/whatsapp-main"
        return
    parts = urlsplit(url)
    if parts.query or parts.fragment or url.endswith(("?", "#", "/")):
        yield "public_url ends with '/' or has a query or fragment: remove it"
    if parts.username is not None or parts.password is not None:
        yield "public_url has a user or password: remove it, requests are proved by their signature"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
