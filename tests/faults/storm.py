"""The storm: `python -m tests.faults.storm [--seed N] [--messages N] [--kills N]`, and its verdicts as a table.

Two processes, thousands of messages with duplicates, agents with moods, kill -9 in the middle of things; then quiet,
and every claim of `check`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
from pathlib import Path

import asyncpg
from msgspec import Struct

from tests.faults.aftermath import baseline, settle
from tests.faults.agents import RandomAgent
from tests.faults.check import check
from tests.faults.claims import KILLS, UNANSWERED
from tests.faults.killer import BURST, Killer
from tests.faults.provider import Provider, invent, pour
from tests.outside.company import Company
from tests.outside.demo import Demo
from tests.outside.history import History
from tests.outside.screen import Screen
from tests.outside.verdict import Verdict, show

AT_THE_END = 60
"""Messages of new customers just before quiet, so that something waits then."""


SPARE = 12
"""Bursts beyond the kills demanded: a kill that came when too much was answered already does not count."""


class Storm(Struct, frozen=True):
    """How hard it blows."""

    seed: int
    messages: int = 3000
    senders: int = 300
    duplicated: float = 0.3
    kills: int = KILLS
    per_second: float = 40.0


async def blow(company: Company, history: History, storm: Storm) -> list[Verdict]:
    """Run it against a demo, let it settle, and judge it while the screens are still there."""
    rng = random.Random(storm.seed)
    provider = Provider(company, history, random.Random(rng.random()))
    agents = [RandomAgent(Screen(company, agent, history), random.Random(rng.random())) for agent in company.agents]
    connection = await asyncpg.connect(company.database_url)
    try:
        await baseline(connection, history)
        working = [asyncio.create_task(agent.run()) for agent in agents]
        killer = Killer(provider, rng, UNANSWERED)
        await _weather(provider, killer, storm, connection)
        await settle(company, history, agents, connection)
        for agent in agents:
            await agent.stop()
        await asyncio.gather(*working)
        verdicts = await check(history.path, company.database_url)
    finally:
        for agent in agents:
            await agent.stop()
            await agent.screen.drop()
        await connection.close()
        company.hang_up()
    return [_delivered(provider, killer), *verdicts]


async def _weather(
    provider: Provider, killer: Killer, storm: Storm, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    rng = provider.rng
    tag = f"storm {storm.seed}"
    last = invent(rng, AT_THE_END, AT_THE_END * 3, f"{tag} last")
    messages = invent(rng, storm.messages - AT_THE_END, storm.senders, tag)
    bursts = [messages[i * BURST : (i + 1) * BURST] for i in range(storm.kills + SPARE)]
    steady = messages[(storm.kills + SPARE) * BURST :]
    pouring = asyncio.create_task(pour(provider, steady, storm.duplicated, storm.per_second))
    spent = []
    while killer.good < storm.kills and bursts:
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        spent += bursts.pop()
        await killer.kill(spent[-BURST:], connection)
        again = [message for message in spent[-BURST:] if rng.random() < storm.duplicated]
        await asyncio.gather(*(provider.deliver(message) for message in again))
    await pouring
    for burst in bursts:
        await pour(provider, burst, storm.duplicated, storm.per_second * 4)
    await pour(provider, last, storm.duplicated, storm.per_second * 4)


def _delivered(provider: Provider, killer: Killer) -> Verdict:
    observed = (
        f"{len(provider.given_up)} never answered 2xx; a killed gateway was back within {killer.slowest_return:.1f} s"
    )
    return Verdict(
        "every message is answered 2xx in the end", f"{provider.deliveries} deliveries", observed, not provider.given_up
    )


async def _main(options: argparse.Namespace) -> bool:
    storm = Storm(options.seed, messages=options.messages, kills=options.kills)
    with tempfile.TemporaryDirectory(prefix="storm-", ignore_cleanup_errors=True) as folder:
        demo = Demo(Path(folder))
        history = History(options.history or Path(folder) / "history.jsonl")
        try:
            return show(f"storm, seed {storm.seed}", await blow(await demo.start(), history, storm))
        except Exception:  # whatever it was: the demo's last words say why
            sys.stderr.write(demo.last_words() + "\n")
            raise
        finally:
            history.close()
            await demo.stop()


def main(arguments: list[str]) -> int:
    """Run one storm; gives the exit code."""
    parser = argparse.ArgumentParser(prog="storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--history", type=Path, help="keep the history here")
    options = parser.parse_args(arguments)
    sys.stdout.write(f"seed {options.seed}\n")
    sys.stdout.flush()
    return int(not asyncio.run(_main(options)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
