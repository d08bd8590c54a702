"""REST of external data: which systems are asked, and asking them anew about a customer."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Meta, Struct

from gateway.problems import not_found
from gateway.rest_call import Call, Endpoint, Listing, ListQuery, NoQuery, PlainId, decode_cursor, page_of
from model.refusal import Refused
from profiles import cards
from profiles.audit import audit
from profiles.cards import Source

PLACEHOLDERS = ("customer", "external_id", "phone", "email")
Title = Annotated[str, Meta(min_length=1, max_length=80)]
Url = Annotated[str, Meta(min_length=8, max_length=1000)]
Secret = Annotated[str, Meta(min_length=16, max_length=200)]
Timeout = Annotated[int, Meta(ge=100, le=30_000)]
Cache = Annotated[int, Meta(ge=5, le=86_400)]
Position = Annotated[int, Meta(ge=0, le=1_000)]


class NewSource(Struct, frozen=True, forbid_unknown_fields=True):
    """A system to ask about customers. `url` may hold {customer}, {external_id}, {phone} and {email}."""

    id: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
    title: Title
    url: Url
    secret: Secret
    timeout_ms: Timeout = 2000
    cache_seconds: Cache = 300
    position: Position = 0
    active: bool = True


class SourceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays. The source is asked again at once."""

    title: Title | None = None
    url: Url | None = None
    secret: Secret | None = None
    timeout_ms: Timeout | None = None
    cache_seconds: Cache | None = None
    position: Position | None = None
    active: bool | None = None


async def list_sources(call: Call[ListQuery]) -> Listing[Source]:
    """Systems asked about customers, by id; without their secrets."""
    after = decode_cursor(call.query.cursor, PlainId)
    rows = await cards.fetch_sources(call.connection, call.query.limit + 1, after)
    return page_of(rows, call.query.limit, lambda row: row.id)


async def create_source(call: Call[NoQuery]) -> Source | Refused:
    """Ask another system about customers from now on."""
    body: NewSource = call.body
    refused = check_url(body.url)
    if refused is not None:
        return refused
    values = (body.title, body.url, body.secret, body.timeout_ms, body.cache_seconds, body.position, body.active)
    if not await cards.add_source(call.tx.connection, body.id, values):
        return Refused("taken", "There is a source of this id; change it, or take another id.", "id")
    await audit(call.tx.connection, call.actor.id, "source.create", None, {"source": body.id})
    return await _shown(call, body.id)


async def change_source(call: Call[NoQuery]) -> Source | Refused:
    """Change a system that is asked about customers."""
    body: SourceChange = call.body
    refused = None if body.url is None else check_url(body.url)
    if refused is not None:
        return refused
    values = (body.title, body.url, body.secret, body.timeout_ms, body.cache_seconds, body.position, body.active)
    if not await cards.change_source(call.tx.connection, call.path["key"], values):
        raise not_found("There is no such source.")
    changed = [name for name in body.__struct_fields__ if getattr(body, name) is not None]
    await audit(
        call.tx.connection, call.actor.id, "source.change", None, {"source": call.path["key"], "fields": changed}
    )
    return await _shown(call, call.path["key"])


async def remove_source(call: Call[NoQuery]) -> None:
    """Ask a system no longer, and forget its cards."""
    if not await cards.remove_source(call.tx.connection, call.path["key"]):
        raise not_found("There is no such source.")
    await audit(call.tx.connection, call.actor.id, "source.remove", None, {"source": call.path["key"]})


async def _shown(call: Call[NoQuery], source: str) -> Source:
    found = await cards.fetch_source(call.tx.connection, source)
    if found is None:
        raise not_found("There is no such source.")
    return found


def check_url(template: str) -> Refused | None:
    """Why this address cannot be asked: a web address with a fixed host, and no placeholder but the known ones."""
    bare = template
    for name in PLACEHOLDERS:
        bare = bare.replace(f"{{{name}}}", "")
    try:
        parts = urlsplit(template)
        port = parts.port
    except ValueError:
        return Refused("invalid", "This is not an address; begin with https:// and name a host.", "url")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.username is not None:
        return Refused("invalid", "Begin with https:// or http:// and name a host, without a user name.", "url")
    if "{" in parts.netloc or "{" in bare or "}" in bare:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        return Refused("invalid", f"Only {known} may stand in it, and none of them in the host.", "url")
    if any(character.isspace() or not character.isprintable() for character in template):
        return Refused("invalid", "Leave out spaces and control characters; write them percent-encoded.", "url")
    return None


async def refresh_cards(call: Call[NoQuery]) -> Asked:
    """Ask all sources about a customer now, because something has changed there. The answers come as events."""
    root = await call.tx.connection.fetchval(ROOT, call.id)
    if root is None:
        raise not_found("There is no such customer.")
    call.after.append(lambda: call.parts.want(root))
    return Asked(root)


ROOT = "select root_id from customer where id = $1"


class Asked(Struct, frozen=True):
    """About whom the sources are asked."""

    customer: UUID


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/sources", "sources.read", list_sources, ListQuery, Listing[Source]),
    Endpoint("POST", "/v1/sources", "sources.edit", create_source, NoQuery, Source, body=NewSource, status=201),
    Endpoint("PATCH", "/v1/sources/{key}", "sources.edit", change_source, NoQuery, Source, body=SourceChange),
    Endpoint("DELETE", "/v1/sources/{key}", "sources.edit", remove_source, NoQuery, None, status=204),
    Endpoint("POST", "/v1/customers/{id}/cards/refresh", "cards.refresh", refresh_cards, NoQuery, Asked, status=202),
)
