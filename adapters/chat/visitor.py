"""Who a visitor is, and how each of their requests is proved.

**Identity**: what the site signs for somebody who is logged in there: `payload.signature`. The payload is JSON in
base64url without padding; the signature is HMAC-SHA256 in hexadecimal, with the account's secret as key, over

    screenpop-identity\\n{account}\\n{payload}

The JSON holds `id` (the site's own, for ever the same person), `exp` (seconds since 1970, at most a week ahead) and, if
the site has proved them, `name`, `email` and `phone` (E.164). Nobody signed is an anonymous visitor with an id of ours.

**Token**: who it is, signed by us, with a time it ends; a parameter of the content type, `…; visitor=<token>`, which is
kept with the raw event, without our signature. **Proof**: with the token comes a key of its own, which no request
carries; each has `X-Screenpop-Signature: t=<seconds>,v1=<HMAC-SHA256 in hexadecimal>` over

    {t}\\n{public address of the account}/{step}?{query}\\n{body}

so that neither body nor address can be changed, and what was recorded elsewhere cannot be told again later.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, structs

from adapters.base import AccountConfig, Forged, WebhookRequest
from adapters.phones import normalise
from model.inbound import HandleRef

SIGNATURE: Final = "x-screenpop-signature"
TOLERANCE_SECONDS: Final = 300
ANONYMOUS_SECONDS: Final = 180 * 86_400
SIGNED_SECONDS: Final = 86_400
LONGEST_IDENTITY_SECONDS: Final = 7 * 86_400

_LONGEST = 4096
_PROOF = re.compile(r"t=([0-9]{10}),v1=([0-9a-f]{64})")
_TYPED = re.compile(r"[a-z/-]{1,40}; visitor=([A-Za-z0-9_.-]{1,4096})")
_MAC = re.compile(r"(; visitor=[A-Za-z0-9_-]+)\.[A-Za-z0-9_.-]*")
_PART = re.compile(r"[A-Za-z0-9_-]{1,4096}")
_EMAIL = re.compile(r"[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]{1,189}")

T = TypeVar("T")


class Visitor(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A visitor as their token names them."""

    id: str
    """`anon:` and an id of ours, or `id:` and the site's."""
    until: int
    """When the token ends, in seconds since 1970."""
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    was: str | None = None
    """The anonymous visitor of the same browser who logged in at the site."""

    def __repr__(self) -> str:
        return "Visitor(<hidden>)"

    def handle(self, account: AccountConfig) -> HandleRef:
        """Their handle; it means something only at this account."""
        return HandleRef("social", self.id, scope_of(account))

    def also(self, account: AccountConfig) -> tuple[HandleRef, ...]:
        """What else is proved to be theirs."""
        proved = [HandleRef("phone", self.phone)] if self.phone else []
        proved += [HandleRef("email", self.email)] if self.email else []
        proved += [HandleRef("social", self.was, scope_of(account))] if self.was else []
        return tuple(proved)


class _Identity(Struct, frozen=True):
    """What a site signs. Unknown fields are the site's own affair."""

    id: str
    exp: int
    name: str | None = None
    email: str | None = None
    phone: str | None = None


def scope_of(account: AccountConfig) -> str:
    """The scope of visitors' handles."""
    return f"chat:{account.id}"


def secrets_of(account: AccountConfig) -> list[str]:
    """The secrets that count; Forged where there is none."""
    secrets = [secret for secret in account.secrets if secret.strip()]
    if not secrets:
        raise Forged("the account has no secret: nothing can be verified")
    return secrets


def anonymous(chance: str, now: int) -> Visitor:
    """A new visitor. `chance`: 128 random bits in hexadecimal."""
    return Visitor(f"anon:{chance}", now + ANONYMOUS_SECONDS)


def renewed(visitor: Visitor, now: int) -> Visitor:
    """The same for as long again: only an anonymous visitor, for the site signs the others."""
    return structs.replace(visitor, until=now + ANONYMOUS_SECONDS)


def read_identity(identity: str, account: AccountConfig, now: int) -> Visitor:
    """Who the site says it is; Forged where its signature is not right, or over."""
    payload, _, signature = identity.partition(".")
    if len(identity) > _LONGEST or not _PART.fullmatch(payload):
        raise Forged("no identity")
    signed = f"screenpop-identity\n{account.id}\n{payload}".encode()
    given = signature.encode("utf-8", "replace")
    if not any(hmac.compare_digest(_hex(secret.encode(), signed), given) for secret in secrets_of(account)):
        raise Forged("the identity is not signed by the site")
    said = _decoded(payload, _Identity)
    if not now < said.exp <= now + LONGEST_IDENTITY_SECONDS:
        raise Forged("the identity is over, or good for longer than a week")
    return _checked(said, account, now)


def _checked(said: _Identity, account: AccountConfig, now: int) -> Visitor:
    phone = normalise(said.phone, account.region) if said.phone else None
    if (said.phone and phone is None) or (said.email and not _EMAIL.fullmatch(said.email)):
        raise Forged("the identity's phone or e-mail is none")
    if not said.id.strip() or len(said.id) > 128 or "\0" in said.id or "\0" in (said.name or ""):
        raise Forged("the identity's id is empty, or it or the name cannot be kept")
    name = " ".join((said.name or "").split())[:200] or None
    return Visitor(f"id:{said.id}", now + SIGNED_SECONDS, name, said.email or None, phone)


def issue_token(visitor: Visitor, account: AccountConfig) -> tuple[str, str]:
    """The visitor's token and the key that goes with it, by the account's first secret."""
    secret = secrets_of(account)[0]
    payload = base64.urlsafe_b64encode(msgspec.json.encode(visitor)).rstrip(b"=").decode()
    token = f"{payload}.{_mac_of(secret, account, payload)}"
    return token, _key_of(secret, token)


def read_token(token: str, account: AccountConfig, now: int) -> tuple[Visitor, str]:
    """Who a token names, and its key. Forged where it is none of ours, or over."""
    payload, _, mac = token.partition(".")
    if len(token) > _LONGEST or not _PART.fullmatch(payload):
        raise Forged("no token")
    given = mac.encode("utf-8", "replace")
    for secret in secrets_of(account):
        if hmac.compare_digest(_mac_of(secret, account, payload).encode(), given):
            visitor = _decoded(payload, Visitor)
            if visitor.until <= now:
                raise Forged("the visitor's token is over")
            return visitor, _key_of(secret, token)
    raise Forged("the visitor's token is none of ours")


class Claimed(Struct, frozen=True):
    """What the headers of a request say, and what its proof has to be."""

    visitor: Visitor
    key: str
    at: str
    proof: str

    def __repr__(self) -> str:
        return "Claimed(<hidden>)"


def verified_headers(request: WebhookRequest, account: AccountConfig) -> Claimed:
    """Whose token a request has; Forged where it cannot be right, whatever its body will be."""
    found = _PROOF.fullmatch(request.header(SIGNATURE) or "")
    if request.method != "POST" or not found:
        raise Forged(f"{SIGNATURE} is missing or none of the widget's, or no POST")
    if request.received_at is None:
        raise Forged("no time to judge the signature by")
    now = int(request.received_at.timestamp())
    visitor, key = read_token(token_in(request), account, now)
    if abs(now - int(found[1])) > TOLERANCE_SECONDS:
        raise Forged("signed too long ago, or in the future")
    return Claimed(visitor, key, found[1], found[2])


def verified(request: WebhookRequest, account: AccountConfig) -> Visitor:
    """Who sent this request; Forged where it is not proved that they sent exactly this, just now."""
    claimed = verified_headers(request, account)
    address = account.public_url + (f"/{request.step}" if request.step is not None else "")
    address += f"?{request.query}" if request.query else ""
    mac = hmac.new(claimed.key.encode(), f"{claimed.at}\n{address}\n".encode("utf-8", "surrogatepass"), "sha256")
    mac.update(request.body)  # of a large one no copy is made, and other threads run meanwhile
    if not hmac.compare_digest(mac.hexdigest(), claimed.proof):
        raise Forged("the signature does not match")
    return claimed.visitor


def token_in(request: WebhookRequest) -> str:
    """The visitor's token; Forged where there is none."""
    typed = _TYPED.fullmatch(request.header("content-type") or "")
    if typed is None:
        raise Forged("the content type names no visitor")
    return typed[1]


def visitor_of(request: WebhookRequest) -> Visitor | None:
    """Who a request that was verified once says it is from; None where it says nothing."""
    try:
        return _decoded(token_in(request).partition(".")[0], Visitor)
    except Forged:
        return None


def without_mac(content_type: str | None) -> str | None:
    """As it is kept: `visitor_of` reads who it was, and nobody begins a session with it."""
    return _MAC.sub(r"\1", content_type) if content_type else content_type


def _decoded(payload: str, kind: type[T]) -> T:
    try:
        raw = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, RecursionError):  # of base64, UTF-8 and msgspec alike
        raise Forged("no readable token or identity") from None


def _mac_of(secret: str, account: AccountConfig, payload: str) -> str:
    return _hex(secret.encode(), f"screenpop-visitor\n{account.id}\n{payload}".encode()).decode()


def _key_of(secret: str, token: str) -> str:
    return _hex(secret.encode(), f"screenpop-key\n{token}".encode()).decode()


def _hex(key: bytes, what: bytes) -> bytes:
    return hmac.digest(key, what, "sha256").hex().encode()
