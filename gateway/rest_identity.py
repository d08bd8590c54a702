"""REST of who is who, as the product decides it: identifications by other systems, the reasons, likely duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from gateway.rest_call import Call, Endpoint, Listing, NoQuery
from gateway.rest_profile import root_of
from gateway.rest_write import Write
from model.customer import Suggestion
from model.inbound import HandleKind, HandleRef
from model.refusal import Refused
from profiles.decisions import Identity, fetch_identity
from profiles.handle_claims import FIRST_REGION
from profiles.handles import parse_handle
from profiles.identity import Ambiguous, Evidence, Kept, Matched, New, Reason
from profiles.never_link import never_link
from profiles.people import resolve
from profiles.sections import fetch_suggestions
from profiles.suggestions import dismiss
from profiles.values import check_line
from store.pool import Connection


class WrittenHandle(Struct, frozen=True, forbid_unknown_fields=True):
    """A handle in any written form. `scope`: of a social id, the page or app it means something in."""

    kind: HandleKind
    value: Annotated[str, Meta(max_length=254)]
    scope: Annotated[str, Meta(max_length=254)] = ""


Written = Annotated[tuple[WrittenHandle, ...], Meta(max_length=20)]


class NewIdentification(Struct, frozen=True, forbid_unknown_fields=True):
    """What another system knows of a person: handles it has proven to be theirs, and what they only claim.

    `replaces`: the handle that the first one took the place of. `external_id`: the company's own id of the person.
    """

    handles: Written
    claims: Written = ()
    replaces: WrittenHandle | None = None
    name: Annotated[str, Meta(max_length=200)] | None = None
    external_id: Annotated[str, Meta(max_length=200)] | None = None


class Identification(Struct, frozen=True):
    """Who it is, and why. `customer` is null where it is ambiguous: the handle is shared, or means nobody.

    `refused`: what was proven together with it and stays apart; colleagues are asked by a suggestion.
    """

    customer: UUID | None
    decision: Literal["new", "matched", "merged", "ambiguous"]
    merges: tuple[UUID, ...]
    refused: tuple[Kept, ...]
    candidates: tuple[UUID, ...]
    evidence: tuple[Reason, ...]


class Dismissal(Struct, frozen=True, forbid_unknown_fields=True):
    """`never_link`: the two are not one person, whatever a channel may prove."""

    never_link: bool = False


async def identify_person(call: Write[NewIdentification]) -> Identification | Refused:
    """Find out who has these handles, or make a new customer of them. What is proven together becomes one profile."""
    evidence = await _read_evidence(call.connection, call.body)
    if isinstance(evidence, Refused):
        return evidence
    found = await resolve(call.tx, evidence)
    decision = found.decision
    customer, want = found.customer, call.parts.want
    if customer is not None:
        call.after.append(call.parts.wake)
        call.after.append(lambda: want(customer))
    return Identification(
        customer,
        "merged" if found.merges else _DECISIONS[type(decision)],
        found.merges,
        () if isinstance(decision, Ambiguous) else decision.kept,
        decision.candidates if isinstance(decision, Ambiguous) else (),
        decision.reasons,
    )


_DECISIONS: dict[type, Literal["new", "matched", "ambiguous"]] = {
    New: "new",
    Matched: "matched",
    Ambiguous: "ambiguous",
}


async def _read_evidence(connection: Connection, body: NewIdentification) -> Evidence | Refused:
    if not body.handles and body.external_id is None:
        return Refused("invalid", "Name at least one handle, or the external id, by which to find them.", "handles")
    region: str | None = await connection.fetchval(FIRST_REGION)
    proven = _read_handles(body.handles, region, "handles")
    claims = _read_handles(body.claims, region, "claims")
    replaces = _read_handles([body.replaces] if body.replaces else [], region, "replaces")
    name, external_id = check_line(body.name, "name"), check_line(body.external_id, "external_id")
    if isinstance(proven, Refused):
        return proven
    if isinstance(claims, Refused):
        return claims
    if isinstance(replaces, Refused):
        return replaces
    if isinstance(name, Refused):
        return name
    if isinstance(external_id, Refused):
        return external_id
    replaced = replaces[0] if replaces else None
    return Evidence(proven, claims, replaced, name, external_id, source="service")


def _read_handles(written: Sequence[WrittenHandle], region: str | None, field: str) -> tuple[HandleRef, ...] | Refused:
    refs = []
    for place, each in enumerate(written):
        ref = parse_handle(each.kind, each.value, region, each.scope)
        if isinstance(ref, Refused):
            at = field if field == "replaces" else f"{field}[{place}]"
            return Refused(ref.code, ref.message, f"{at}.{ref.field}")
        refs.append(ref)
    return tuple(refs)


async def show_identity(call: Call[NoQuery]) -> Identity:
    """Why a profile is who it is: every decision with its handle, rule, rivals and evidence; merges; claims."""
    return await fetch_identity(call.connection, await root_of(call))


async def list_suggestions(call: Call[NoQuery]) -> Listing[Suggestion]:
    """Who else may be this person, the likeliest first, with what matches side by side."""
    return Listing(await fetch_suggestions(call.connection, await root_of(call)), None)


async def dismiss_suggestion(call: Write[Dismissal]) -> Refused | None:
    """Say that two profiles are not one person: the suggestion goes from both and does not come again."""
    done = await dismiss(call.tx, call.actor, call.id)
    if isinstance(done, Refused):
        return done
    if call.body.never_link:
        said = await never_link(call.tx, call.actor, *done)
        return said if isinstance(said, Refused) else None
    return None


_CUSTOMER = "/v1/customers/{id}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST",
        "/v1/identifications",
        "identifications.create",
        identify_person,
        NoQuery,
        Identification,
        NewIdentification,
    ),
    Endpoint("GET", f"{_CUSTOMER}/identity", "identity.read", show_identity, NoQuery, Identity),
    Endpoint("GET", f"{_CUSTOMER}/suggestions", "identity.read", list_suggestions, NoQuery, Listing[Suggestion]),
    Endpoint(
        "POST", "/v1/suggestions/{id}/dismiss", "suggestion.dismiss", dismiss_suggestion, NoQuery, None, Dismissal, 204
    ),
)
