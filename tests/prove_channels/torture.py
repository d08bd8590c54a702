"""Mail torture: mails made to break readers, over HTTP at a running gateway, while `/health` is asked every 20 ms.

Each must be answered 2xx, and only after it is committed: the process is killed right after some of the answers, and
the mail must be there when another one comes up. Then its entry, its source by its SHA-256, and what the entry says of
itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sys
import time
from collections.abc import Sequence

from msgspec import Struct

from tests.flow.gateway_process import Gateway, free_port, running
from tests.flow.mail_world import Post, found_mail, post_of
from tests.outside.verdict import Verdict, compare
from tests.prove_channels.bombs import Bomb, bombs
from tests.prove_channels.pulse import beating
from tests.prove_customer.place import database
from tests.prove_first_light.stage import Stage

MOST_WAIT = 0.1
AT_ONCE = 6
MEMORY = "VmHWM:"


class Outcome(Struct, frozen=True):
    """What became of one bomb."""

    bomb: Bomb
    status: int
    answered_after: float
    read_after: float
    same_bytes: bool
    entry: str | None
    fault: str | None


async def show(stage: Stage) -> list[Verdict]:
    """Every bomb alone, then all at once, then with the process killed after the answer."""
    folder = stage.folder
    async with database(folder / "database") as url:
        await found_mail(url, free_port())
        with running(url, folder / "gateway.log", SCREENPOP_DATA_DIR=str(folder)) as gateway:
            await gateway.up()
            async with post_of(url, gateway.url) as post:
                _, token = await post.hire("admin")
                async with beating(gateway.url) as alone:
                    outcomes = [await throw(post, token, bomb) for bomb in bombs()]
                async with beating(gateway.url) as crowd:
                    together = await _together(post, token)
            alive, peak = gateway.process.poll() is None, _peak(gateway)
        killed = await _killed(url, stage)
    _print(outcomes)
    return [
        *(_verdict(outcome) for outcome in outcomes),
        compare(f"{len(together)} bombs at once: the same", f"{AT_ONCE} under way", _faults(together), "each as alone"),
        _waits("/health never waits over 100 ms while they come one by one", alone),
        _waits("/health never waits over 100 ms while they come at once", crowd),
        Verdict("the process is alive", "every bomb twice", f"alive, at most {peak} MiB" if alive else "dead", alive),
        killed,
    ]


async def throw(post: Post, token: str, bomb: Bomb) -> Outcome:
    """Send one, wait until it was read, and look at everything."""
    started = time.perf_counter()
    answer = await post.raw(bomb.source)
    answered = time.perf_counter() - started
    digest = hashlib.sha256(bomb.source).hexdigest()
    id_ = await post.value("select id from mail where key = $1", digest)
    if answer.status_code != 200 or id_ is None:
        return Outcome(bomb, answer.status_code, answered, 0, False, None, "not 2xx, or not kept")
    async with asyncio.timeout(120):
        while await post.value("select state from mail where id = $1", id_) == "waiting":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    read = time.perf_counter() - started
    source = await post.get(token, f"/v1/entries/{id_}/raw")
    same = hashlib.sha256(source.content).hexdigest() == digest
    row = await post.pool.fetchrow(
        "select body, content::text as said, media::text as media from entry where id = $1", id_
    )
    if row is None:
        return Outcome(bomb, 200, answered, read, same, None, "no entry")
    said = json.loads(row["said"])[0]
    files = len(json.loads(row["media"])) if row["media"] else 0
    entry = f"{'part: ' + said['incomplete'] if said.get('incomplete') else 'whole'}, {files} files"
    return Outcome(bomb, 200, answered, read, same, entry, _fault(bomb, row["body"], said.get("incomplete"), files))


def _fault(bomb: Bomb, body: str, incomplete: str | None, files: int) -> str | None:
    if bool(incomplete) != (bomb.becomes == "part"):
        return f"must be read {bomb.becomes}, says {incomplete}"
    if not body.startswith(bomb.text) or files != bomb.files:
        return f"must begin with {bomb.text!r} and have {bomb.files} files; begins {body[:20]!r}, has {files}"
    return None


async def _together(post: Post, token: str) -> list[Outcome]:
    """All of them again, as other mails, several at once."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(bomb: Bomb) -> Outcome:
        async with places:
            return await throw(post, token, bomb)

    marked = [Bomb(each.name, each.source + b"\r\n", each.becomes, each.text, each.files) for each in bombs()]
    return list(await asyncio.gather(*map(one, marked)))


async def _killed(url: str, stage: Stage) -> Verdict:
    """Killed as soon as it has answered: what was answered 2xx is there."""
    faults: list[str] = []
    chosen = [bomb for bomb in bombs() if bomb.name in ("30 MB", "50,000 parts", "8-bit headers", "nested 2,000 deep")]
    for bomb in chosen:
        marked = Bomb(bomb.name, bomb.source + b"\r\n\r\n", bomb.becomes, bomb.text, bomb.files)
        with running(url, stage.folder / "killed.log", SCREENPOP_DATA_DIR=str(stage.folder)) as gateway:
            await gateway.up()
            async with post_of(url, gateway.url) as post:
                status = (await post.raw(marked.source)).status_code
                gateway.process.send_signal(signal.SIGKILL)
                gateway.process.wait()
        if status != 200:
            faults.append(f"{bomb.name}: {status}")
        with running(url, stage.folder / "killed.log", SCREENPOP_DATA_DIR=str(stage.folder)) as gateway:
            await gateway.up()
            async with post_of(url, gateway.url) as post:
                _, token = await post.hire("admin")
                await post.pool.execute("update mail set lease_until = null where state = 'waiting'")
                outcome = await throw(post, token, marked)
                faults += _faults([outcome])
    return compare("what was answered 2xx is there after kill -9", f"{len(chosen)} mails", faults, "each, once")


def _verdict(outcome: Outcome) -> Verdict:
    faults = _faults([outcome])
    observed = f"{outcome.status} after {outcome.answered_after:.2f} s, read after {outcome.read_after:.2f} s; "
    observed += f"SHA-256 {'identical' if outcome.same_bytes else 'DIFFERS'}; entry {outcome.entry}"
    must = "whole" if outcome.bomb.becomes == "whole" else "an entry that says what was left out"
    dose = f"{len(outcome.bomb.source):,} bytes"
    return Verdict(f"{outcome.bomb.name}: 2xx after commit, {must}", dose, "; ".join([observed, *faults]), not faults)


def _faults(outcomes: Sequence[Outcome]) -> list[str]:
    found = [(each.bomb.name, each.fault or (None if each.same_bytes else "source differs")) for each in outcomes]
    return [f"{name}: {fault}" for name, fault in found if fault]


def _waits(claim: str, waited: list[float]) -> Verdict:
    longest = max(waited, default=9.9)
    late = sum(each > MOST_WAIT for each in waited)
    p99 = sorted(waited)[int(len(waited) * 0.99)] if waited else 9.9
    observed = f"longest {longest * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {late} over"
    return Verdict(claim, f"{len(waited)} times", observed, longest <= MOST_WAIT)


def _peak(gateway: Gateway) -> int:
    """The most memory the process had, in MiB, where the system says so."""
    try:
        with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as lines:  # noqa: PTH123
            return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(MEMORY))
    except OSError:
        return 0


def _print(outcomes: list[Outcome]) -> None:
    for each in outcomes:
        sys.stdout.write(
            f"  {each.bomb.name}: {each.answered_after:.2f} s, read {each.read_after:.2f} s, {each.entry}\n"
        )
    sys.stdout.flush()
