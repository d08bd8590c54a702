"""REST of routing rules: the draft, checking, versions and rolling back; and decisions with their reasons."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from gateway.problems import Problem, bad_request
from gateway.rest_body import decode_body
from gateway.rest_call import Call, Endpoint, Listing, ListQuery, NoQuery, decode_cursor, page_of
from gateway.rest_write import Write, check_if_match
from gateway.rule_catalog import rule_catalog
from model.refusal import Refused
from profiles.audit import audit
from router import rule_versions
from router.decisions import DecisionView, Explained, explain_decision, fetch_decisions
from router.rule_versions import NO_DRAFT, NO_VERSION, Draft, Examined, Version, WholeVersion
from router.rules.comparing import Difference, differences
from router.rules.language import RuleSet, in_todays_words
from router.rules.linting import Checked
from router.rules.reading import Unreadable, Written, read_rules
from store.pool import Pool

YAML = ("application/yaml", "application/x-yaml", "text/yaml")
Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Publish(Struct, frozen=True, forbid_unknown_fields=True):
    """Publish the draft as it was read: at this revision."""

    revision: Number


class DiffQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Two versions; without `after` the draft is compared with `before`."""

    before: Number
    after: Number | None = None


class DecisionsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Of which contact."""

    contact: UUID


async def _read_body(request: Request, raw: bytes) -> Written:
    """A rule set in JSON or YAML. Raises Problem."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in YAML:
        try:
            return await asyncio.to_thread(read_rules, raw, "yaml")
        except Unreadable as error:
            line = f" (line {error.mark.line}, column {error.mark.column})" if error.mark else ""
            raise bad_request(f"{error.message}{line}", error.place or "body") from None
    if media != "application/json":
        raise Problem(415, "Send the rules as `application/json` or `application/yaml`.", "body")
    rule_set = decode_body(request, raw, RuleSet)
    return Written(in_todays_words(rule_set), raw.decode(), "json")


async def show_draft(call: Call[NoQuery]) -> Draft | Refused:
    """The draft of the routing rules."""
    return await rule_versions.fetch_draft(call.connection) or NO_DRAFT


async def put_draft(call: Write[Written]) -> Draft | Refused:
    """Keep a rule set as the draft, whatever is wrong with it; it decides nothing until it is published."""
    await _check_seen(call)
    await audit(call.tx.connection, call.actor.id, "rules_drafted", None, {})
    return await rule_versions.save_draft(call.tx.connection, call.body, call.actor.id) or NO_DRAFT


async def _check_seen(call: Write[Any]) -> None:
    """The caller has seen the draft as it is. Raises Problem (412)."""
    current = await rule_versions.fetch_draft(call.tx.connection, lock=True)
    if current is not None:
        check_if_match(call, current)
    elif call.if_match is not None:
        raise Problem(412, "There is no draft any more; read the rules in force and begin anew.", "If-Match")


async def drop_draft(call: Write[None]) -> Refused | None:
    """Forget the draft."""
    if call.if_match is not None:
        await _check_seen(call)
    refused = await rule_versions.drop_draft(call.tx.connection)
    if refused is None:
        await audit(call.tx.connection, call.actor.id, "rules_dropped", None, {})
    return refused


async def _examine_draft(pool: Pool, _path: dict[str, str], body: Publish) -> Examined | None:
    async with pool.acquire() as connection:
        draft = await rule_versions.fetch_draft(connection)
        catalog = await rule_catalog(connection)
    if draft is None or draft.revision != body.revision:
        return None
    return await rule_versions.examine(draft.written, catalog)


async def publish_draft(call: Write[Publish]) -> Version | Refused:
    """Put the draft in force from the next contact on, if lint finds no error and all of its cases pass."""
    connection, examined = call.tx.connection, call.prepared
    draft = await rule_versions.fetch_draft(connection, lock=True)
    if draft is None:
        return NO_DRAFT
    if draft.revision != call.body.revision or examined is None:
        return Refused("conflict", "The draft was changed since you read it; read it again.", "revision")
    done = await rule_versions.publish(connection, examined, call.actor.id)
    if isinstance(done, Version):
        await rule_versions.drop_draft(connection)
        await audit(connection, call.actor.id, "rules_published", None, {"version": done.version})
    return done


async def _examine_body(pool: Pool, _path: dict[str, str], body: Written) -> Examined:
    async with pool.acquire() as connection:
        catalog = await rule_catalog(connection)
    return await rule_versions.examine(body, catalog)


async def check_rules(call: Write[Written]) -> Checked:
    """What is wrong with a rule set, and how its cases come out; nothing is kept."""
    examined: Examined = call.prepared
    return examined.checked


async def list_versions(call: Call[ListQuery]) -> Listing[Version]:
    """Every rule set that was ever in force, the newest first: that one is."""
    before = decode_cursor(call.query.cursor, int)
    rows = await rule_versions.fetch_versions(call.connection, call.query.limit + 1, before)
    return page_of(rows, call.query.limit, lambda row: row.version)


async def show_version(call: Call[NoQuery]) -> WholeVersion | Refused:
    """One version with its rules and cases."""
    number = _number(call.path["key"])
    return NO_VERSION if number is None else await rule_versions.fetch_version(call.connection, number)


async def _examine_version(pool: Pool, path: dict[str, str], _body: None) -> Examined | Refused:
    number = _number(path["key"])
    if number is None:
        return NO_VERSION
    async with pool.acquire() as connection:
        found = await rule_versions.fetch_version(connection, number)
        catalog = await rule_catalog(connection)
    if isinstance(found, Refused):
        return found
    return await rule_versions.examine(rule_versions.without_cases(found), catalog)


async def roll_back(call: Write[None]) -> Version | Refused:
    """Put an earlier version in force once more, as a new version."""
    connection, examined = call.tx.connection, call.prepared
    if isinstance(examined, Refused):
        return examined
    number = int(call.path["key"])
    done = await rule_versions.roll_back(connection, number, examined, call.actor.id)
    if isinstance(done, Version):
        subject = {"version": done.version, "restores": number}
        await audit(connection, call.actor.id, "rules_rolled_back", None, subject)
    return done


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 2**31 else None


async def compare_versions(call: Call[DiffQuery]) -> Listing[Difference] | Refused:
    """What differs between two versions, or between one and the draft."""
    before = await rule_versions.fetch_version(call.connection, call.query.before)
    if isinstance(before, Refused):
        return before
    after: WholeVersion | Draft | Refused
    if call.query.after is None:
        after = await rule_versions.fetch_draft(call.connection) or NO_DRAFT
    else:
        after = await rule_versions.fetch_version(call.connection, call.query.after)
    if isinstance(after, Refused):
        return after
    return Listing(differences(RuleSet(before.rules, before.cases), RuleSet(after.rules, after.cases)), None)


async def list_decisions(call: Call[DecisionsQuery]) -> Listing[DecisionView]:
    """What was decided about a contact, the newest first."""
    return Listing(await fetch_decisions(call.connection, call.query.contact), None)


async def show_decision(call: Call[NoQuery]) -> Explained | Refused:
    """Why a contact went where it went: every rule up to the one that held, with the values that decided."""
    found = await explain_decision(call.connection, call.id)
    return found or Refused("not_found", "There is no such decision.", "id")


_READ, _EDIT = "rules.read", "rules.edit"
_DRAFT, _VERSION = "/v1/rules/draft", "/v1/rules/versions/{key}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _DRAFT, _READ, show_draft, NoQuery, Draft, tagged=True),
    Endpoint("PUT", _DRAFT, _EDIT, put_draft, NoQuery, Draft, RuleSet, tagged=True, read=_read_body, forms=YAML[:1]),
    Endpoint("DELETE", _DRAFT, _EDIT, drop_draft, NoQuery, None, status=204, tagged=True),
    Endpoint("POST", f"{_DRAFT}/publish", _EDIT, publish_draft, NoQuery, Version, Publish, 201, prepare=_examine_draft),
    Endpoint(
        *("POST", "/v1/rules/check", _READ, check_rules, NoQuery, Checked, RuleSet),
        prepare=_examine_body,
        read=_read_body,
        forms=YAML[:1],
    ),
    Endpoint("GET", "/v1/rules/diff", _READ, compare_versions, DiffQuery, Listing[Difference]),
    Endpoint("GET", "/v1/rules/versions", _READ, list_versions, ListQuery, Listing[Version]),
    Endpoint("GET", _VERSION, _READ, show_version, NoQuery, WholeVersion),
    Endpoint("POST", f"{_VERSION}/roll-back", _EDIT, roll_back, NoQuery, Version, status=201, prepare=_examine_version),
    Endpoint("GET", "/v1/decisions", "decisions.read", list_decisions, DecisionsQuery, Listing[DecisionView]),
    Endpoint("GET", "/v1/decisions/{id}", "decisions.read", show_decision, NoQuery, Explained),
)
