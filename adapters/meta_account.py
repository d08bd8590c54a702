"""What is wrong with the configuration of an account at Meta, each naming the field and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from adapters.account_check import secret_problems, setting_problems, url_problems
from adapters.base import AccountConfig

API_BASE: Final = "https://graph.facebook.com"
API_VERSION: Final = "v23.0"
"""A version works two years from the next one's release: https://developers.facebook.com/docs/graph-api/guides/versioning."""
SHARED_SETTINGS: Final = frozenset(("access_token", "verify_token", "api_version"))


def graph_base(account: AccountConfig) -> str:
    """The address all calls begin with, without a slash at its end."""
    base = account.settings.get("api_base") or API_BASE
    return f"{base.rstrip('/')}/{account.settings.get('api_version') or API_VERSION}"


def account_problems(account: AccountConfig, needed: dict[str, str], known: frozenset[str]) -> Iterator[str]:
    """`needed`: further settings that must be given, each with its remedy; `known`: those that may be."""
    yield from secret_problems(account, "give the app secret of Meta's App Dashboard, Settings > Basic")
    yield from url_problems(account.public_url)
    remedies = {
        "access_token": "give one of a system user, or replies cannot be sent",
        "verify_token": "make up a long random word, and give the same to Meta's webhook configuration",
    } | needed
    yield from setting_problems(account, remedies, known | SHARED_SETTINGS)
