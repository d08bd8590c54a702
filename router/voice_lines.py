"""What callers of an account hear and where agents are rung: kept, read back, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from model.voice_line import Hours, Menu, VoiceLine
from router.rules.checking import day_of, zone_of
from store.pool import Connection

MOST_MENUS: Final = 5
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_UNHEARD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"

LineKind = Literal["client", "sip", "phone"]
Flaw = tuple[str, str]
"""Where in the settings, and what is wrong there with its remedy."""


class ReadLine(Struct, frozen=True):
    """What callers hear. `problem`: why the settings could not be read; then it is as if nothing were set."""

    line: VoiceLine
    problem: str | None = None


class AgentLine(Struct, frozen=True):
    """Where an agent is rung."""

    kind: LineKind
    address: str


_decode = msgspec.json.Decoder(VoiceLine).decode


@lru_cache(maxsize=256)
def read_line(settings: str | None) -> ReadLine:
    """The settings as they are stored; None where nothing is set."""
    if settings is None:
        return ReadLine(VoiceLine())
    try:
        line = _decode(settings)
    except msgspec.MsgspecError as error:
        return ReadLine(VoiceLine(), str(error))
    except RecursionError:
        return ReadLine(VoiceLine(), "the menu is nested too deeply - at `$.menu`")
    if line.hours is not None and zone_of(line.hours.time_zone) is None:
        return ReadLine(VoiceLine(), f"there is no time zone {line.hours.time_zone!r} - at `$.hours.time_zone`")
    return ReadLine(line)


def flaws_of(line: VoiceLine, queues: Collection[str]) -> Iterator[Flaw]:
    """What nobody should hear: each thing that is wrong, by its place."""
    if not _LANGUAGE.fullmatch(line.language):
        yield "language", "This is no language; write one such as en-US or de-DE."
    for name in ("greeting", "closed", "voicemail", "record_notice", "voice"):
        if _UNHEARD.search(getattr(line, name) or ""):
            yield name, "It holds a control character, which nobody can read out; leave it out."
    if line.hours is not None:
        yield from flaws_of_hours(line.hours)
    if line.menu is not None:
        yield from _flaws_of_menu(line.menu, "menu", 1, queues)
    for number, address in enumerate(line.hold_music):
        if not _is_sound(address):
            yield f"hold_music[{number}]", "This is no address of a sound; begin with https:// and name a host."


def flaws_of_hours(hours: Hours) -> Iterator[Flaw]:
    """What is wrong with opening hours that stand as `hours`."""
    if zone_of(hours.time_zone) is None:
        yield "hours.time_zone", f"There is no time zone {hours.time_zone!r}; write one such as Europe/Berlin."
    for day, spans in hours.open.items():
        for number, (since, until) in enumerate(spans):
            if since >= until:
                remedy = "end it later, or split it at 24:00"
                yield f"hours.open.{day}[{number}]", f"{since} to {until} is no time of a day; {remedy}."
        for (_, until), (since, later) in pairwise(sorted(spans)):
            if since < until:
                yield f"hours.open.{day}", f"{since} to {later} overlaps what ends at {until}; make them one."
    for number, holiday in enumerate(hours.holidays):
        if day_of(holiday) is None:
            yield f"hours.holidays[{number}]", f"{holiday!r} is no day; write one such as 2026-12-25."


def _flaws_of_menu(menu: Menu, place: str, depth: int, queues: Collection[str]) -> Iterator[Flaw]:
    if depth > MOST_MENUS:
        yield place, f"Menus are nested at most {MOST_MENUS} deep; make it flatter."
        return
    if _UNHEARD.search(menu.prompt):
        yield f"{place}.prompt", "It holds a control character, which nobody can read out; leave it out."
    if not menu.options:
        yield f"{place}.options", "A menu needs a digit at least; add one, or leave the menu out."
    for digit, option in menu.options.items():
        where = f"{place}.options.{digit}"
        if (option.queue is not None) + option.voicemail + (option.menu is not None) > 1:
            yield where, "A digit leads to one of queue, voicemail, menu; leave the others out."
        if option.queue is not None and option.queue not in queues:
            known = ", ".join(sorted(queues)[:30]) or "none yet"
            yield f"{where}.queue", f"There is no queue {option.queue!r}; there are: {known}."
        if option.menu is not None:
            yield from _flaws_of_menu(option.menu, f"{where}.menu", depth + 1, queues)


def _is_sound(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False


ADDRESSES: Final[dict[LineKind, tuple[re.Pattern[str], str]]] = {
    "client": (
        re.compile(r"client:[A-Za-z0-9_.-]{1,121}"),
        "A client is `client:` and its name, of letters, digits and _ . -; correct it.",
    ),
    "sip": (
        re.compile(rf"sip:[A-Za-z0-9_.!~*'()&=+$,%-]{{1,100}}@{_HOST}(?::[1-9][0-9]{{0,4}})?(?:;[A-Za-z0-9;=_.-]+)?"),
        "An address of SIP is such as sip:bo@sip.example.com; correct it.",
    ),
    "phone": (
        re.compile(r"\+[1-9][0-9]{6,14}"),
        "A phone is a whole number in E.164, such as +14155550123; write it so, with its country and without signs.",
    ),
}


def flaw_of_address(line: AgentLine) -> str | None:
    """Why nobody can be rung there; None where they can."""
    form, remedy = ADDRESSES[line.kind]
    return None if form.fullmatch(line.address) else remedy


FETCH_SETTINGS = "select settings::text from voice_line where account_id = $1"
# One at a time for each account, also where nothing was set before.
LOCK_ACCOUNT = "select from account where id = $1 and channel = 'voice' for no key update"
IS_VOICE = "select true from account where id = $1 and channel = 'voice'"
KEEP_SETTINGS = """
insert into voice_line (account_id, settings) values ($1, $2::jsonb)
on conflict (account_id) do update set settings = excluded.settings
"""
QUEUES = "select id from queue where retired_at is null"
ALL_SETTINGS = "select account_id, settings::text as settings from voice_line order by account_id"


async def fetch_line(connection: Connection, account: str) -> ReadLine:
    """What callers of this account hear."""
    return read_line(await connection.fetchval(FETCH_SETTINGS, account))


async def is_voice(connection: Connection, account: str) -> bool:
    """Whether there is such an account of calls."""
    return await connection.fetchval(IS_VOICE, account) is not None


async def lock_line(connection: Connection, account: str) -> ReadLine | None:
    """What callers hear, which nobody else changes until the transaction ends; None where there is no such account."""
    if await connection.fetchrow(LOCK_ACCOUNT, account) is None:
        return None
    return await fetch_line(connection, account)


async def fetch_queues(connection: Connection) -> frozenset[str]:
    """The queues a menu may lead to."""
    return frozenset(row["id"] for row in await connection.fetch(QUEUES))


async def keep_line(connection: Connection, account: str, line: VoiceLine) -> None:
    """Callers hear this from their next step on."""
    await connection.execute(KEEP_SETTINGS, account, msgspec.json.encode(line).decode())


async def line_problems(connection: Any) -> list[str]:
    """What is wrong with what is stored, each a line with its remedy."""
    queues = frozenset(row["id"] for row in await connection.fetch(QUEUES))
    problems: list[str] = []
    for row in await connection.fetch(ALL_SETTINGS):
        account, read = row["account_id"], read_line(row["settings"])
        if read.problem is not None:
            remedy = f"Until it is mended callers hear the defaults: PUT /v1/accounts/{account}/voice."
            problems.append(f"{account}: what callers hear cannot be read: {read.problem}. {remedy}")
        problems += [f"{account}: voice, {place}: {flaw}" for place, flaw in flaws_of(read.line, queues)]
    for row in await connection.fetch(ALL_LINES):
        flaw = flaw_of_address(AgentLine(row["kind"], row["address"]))
        if flaw is not None:
            problems.append(f"line of agent {row['agent_id']}: {flaw}")
    return problems


ALL_LINES = "select agent_id, kind, address from agent_line order by agent_id"
# Without a row an agent is rung by the client of their desk.
LINE_OF = """
select coalesce(l.kind, 'client') as kind, coalesce(l.address, 'client:' || replace(a.id::text, '-', '')) as address
  from agent a left join agent_line l on l.agent_id = a.id where a.id = $1
"""
LOCK_AGENT = "select from agent where id = $1 for no key update"
KEEP_AGENT_LINE = """
insert into agent_line (agent_id, kind, address) values ($1, $2, $3)
on conflict (agent_id) do update set kind = excluded.kind, address = excluded.address
"""
DROP_AGENT_LINE = "delete from agent_line where agent_id = $1 returning true"


async def fetch_agent_line(connection: Connection, agent: UUID, *, lock: bool = False) -> AgentLine | None:
    """Where an agent is rung; None where there is no such agent. `lock`: until the transaction ends."""
    if lock:
        await connection.execute(LOCK_AGENT, agent)
    row = await connection.fetchrow(LINE_OF, agent)
    return AgentLine(row["kind"], row["address"]) if row else None


async def keep_agent_line(connection: Connection, agent: UUID, line: AgentLine) -> None:
    """The agent is rung there from the next call on."""
    await connection.execute(KEEP_AGENT_LINE, agent, line.kind, line.address)


async def drop_agent_line(connection: Connection, agent: UUID) -> bool:
    """The agent is rung by the client of their desk again; False where they are already."""
    return await connection.fetchval(DROP_AGENT_LINE, agent) is not None
