"""Mail as the tests make it: the account, fixtures, forms."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from adapters.base import AccountConfig, WebhookRequest

SECRET = "0123456789abcdef0123456789abcdef"
SUPPORT = "support@desk.example"
BOUNDARY = "xYzZY"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FIXTURES = Path(__file__).parent / "fixtures"


def account(provider: str, **settings: str) -> AccountConfig:
    """The account of a provider."""
    id_ = f"email-{provider}"
    url = f"https://desk.example/hooks/{id_}"
    return AccountConfig(id_, "email", provider, SUPPORT, (SECRET,), "US", url, settings)


def fixture(name: str) -> bytes:
    """A file of the fixtures."""
    return (FIXTURES / name).read_bytes()


def basic(secret: str) -> tuple[str, str]:
    """As a client sends the password of an address."""
    return "authorization", "Basic " + b64encode(f"hook:{secret}".encode()).decode()


def request(provider: str, body: bytes, *headers: tuple[str, str]) -> WebhookRequest:
    """A request as the gateway hands it over."""
    return WebhookRequest("POST", f"/hooks/email-{provider}", "", (("host", "internal:8080"), *headers), body)


def form(fields: dict[str, str | bytes], files: dict[str, tuple[str, str, bytes]] | None = None) -> bytes:
    """A form with files, as clients write it. `files`: name of the field → file name, type, bytes."""
    lines = b""
    for name, value in fields.items():
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        lines += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + data + b"\r\n"
    for name, (file, kind, data) in (files or {}).items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        lines += head.encode() + f"Content-Type: {kind}\r\n\r\n".encode() + data + b"\r\n"
    return lines + f"--{BOUNDARY}--\r\n".encode()
