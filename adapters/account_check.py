"""What is wrong with the configuration of an account, each naming the field and the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from adapters.base import AccountConfig


def secret_problems(account: AccountConfig, remedy: str) -> Iterator[str]:
    """`remedy`: what a secret is and where it is found."""
    if not account.secrets:
        yield f"secrets is empty: {remedy}"
    if any(not secret.strip() or secret != secret.strip() for secret in account.secrets):
        yield "secrets holds an empty one, or one with space around it: remove it"


def setting_problems(account: AccountConfig, needed: Mapping[str, str], known: frozenset[str]) -> Iterator[str]:
    """`needed`: settings that must be given, each with its remedy; `known`: those that may be, beside `api_base`."""
    settings = account.settings
    for name, remedy in needed.items():
        value = settings.get(name, "")
        if not value.strip():
            yield f"settings.{name} is missing: {remedy}"
        elif value != value.strip():
            yield f"settings.{name} has space around it: remove it"
    if "api_base" in settings and not is_address(settings["api_base"]):
        yield "settings.api_base is no address: leave it out for the provider's own"
    allowed = known | needed.keys() | {"api_base"}
    for name in sorted(settings.keys() - allowed):
        yield f"settings.{name} is not known: there are {', '.join(sorted(allowed))}"


def url_problems(url: str) -> Iterator[str]:
    """What is wrong with the address that the provider is given for webhooks."""
    if not is_address(url):
        yield "public_url is no address: give one like https://example.com/hooks/whatsapp-main"
        return
    parts = urlsplit(url)
    if parts.query or parts.fragment or url.endswith(("?", "#", "/")):
        yield "public_url ends with '/' or has a query or fragment: remove it"
    if parts.username is not None or parts.password is not None:
        yield "public_url has a user or password: remove it, requests are proved by other means"


def is_address(url: str) -> bool:
    """Whether this is the address of something on the web."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
