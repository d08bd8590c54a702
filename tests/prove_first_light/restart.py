"""kill -9 of everything after an accept, start again on the same folder, resume: complete and in order."""

from __future__ import annotations

from uuid import uuid4

import asyncpg

from tests.outside.company import Company
from tests.outside.screen import Screen
from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage

STOP_SECONDS = 3.0
HEADS = """
select 'customer:' || id as feed, seq from stream where kind = 1
union all select 'agent:' || agent_id, seq from agent_state
"""


async def show(stage: Stage) -> list[Verdict]:
    """Kill everything, start, resume; kill only the parent; stop politely."""
    demo = stage.demo()
    company = await demo.start()
    ana = stage.screen(Screen(company, company.agents[0]))
    await ana.connect(0)
    await ana.present()
    sender, first = f"+1415{stage.rng.randrange(320, 400)}{stage.rng.randrange(10**4):04d}", uuid4().hex
    await company.inbound(sender, first, process=1)
    profile = await ana.accept((await ana.ring())["offer"])
    await demo.kill_all()
    company.hang_up()

    ana.company = company = await demo.start()
    missed = [uuid4().hex for _ in range(5)]
    for text in missed:
        await company.inbound(sender, text, process=1)
    asked = dict(ana.follower.resume())
    welcome = await ana.connect(0)
    resumed = await _resumed(company, ana, profile, missed, asked)
    held = [line["contact"] for line in welcome["contacts"]] == [profile["contact"]["id"]]
    text = uuid4().hex
    await ana.reply(profile["contact"]["conversation"], text)
    sent = await company.sent_with(text)
    left = await demo.kill_parent()
    await ana.drop()

    company = await demo.start()
    items = await company.every(f"customers/{profile['customer']['id']}/timeline")
    kept = {item["body"] for item in items} >= {first, text, *missed}
    took, forced = await demo.stop()
    return [
        *resumed,
        Verdict(
            "after the restart the agent still holds the contact",
            "1",
            "held" if held else str(welcome["contacts"]),
            held,
        ),
        Verdict("after the restart a reply reaches the carrier", "1", f"{len(sent)} sent", len(sent) == 1),
        Verdict("kill -9 of the parent leaves no orphan", "1", f"{len(left)} left", not left),
        Verdict(
            "a further start on the same folder has everything",
            f"{len(items)} entries",
            "so" if kept else "lost some",
            kept,
        ),
        Verdict(
            "SIGTERM stops everything within 3 s",
            "1",
            f"{took:.1f} s, {len(forced)} left",
            took <= STOP_SECONDS and not forced,
        ),
    ]


async def _resumed(
    company: Company, ana: Screen, profile: dict[str, object], missed: list[str], asked: dict[str, int]
) -> list[Verdict]:
    """Everything missed came, in order, and the screen shows what REST reads."""
    customer = next(feed for feed in asked if feed.startswith("customer:")).partition(":")[2]
    view = ana.told.views[customer]
    await ana.until(lambda: missed[-1] in [entry["body"] for entry in view.values()], 8)
    got = [entry["body"] for entry in view.values() if entry["body"] in missed]
    connection = await asyncpg.connect(company.database_url)
    try:
        heads = {row["feed"]: row["seq"] for row in await connection.fetch(HEADS)}
        behind = await _behind(ana, heads)
    finally:
        await connection.close()
    shown = [(e["id"], e["body"]) for e in sorted(view.values(), key=lambda e: str(e["at"]))]
    items = await company.every(f"customers/{customer}/timeline")
    read = [(e["id"], e["body"]) for e in sorted(items, key=lambda e: str(e["at"]))]
    dose = f"kill -9 of all processes, {len(missed)} messages missed"
    faults = [*ana.wrong, *behind]
    return [
        Verdict(
            "resume after kill -9 of everything: what was missed came in order", dose, f"{len(got)} came", got == missed
        ),
        Verdict("resume: no gap, no repeat, at the head of each feed", dose, "; ".join(faults) or "so", not faults),
        Verdict(
            "resume: the screen shows what REST reads",
            f"{len(shown)} entries",
            "equal" if shown == read else "differs",
            shown == read,
        ),
    ]


async def _behind(ana: Screen, heads: dict[str, int]) -> list[str]:
    places = ana.follower.places
    await ana.until(lambda: all(place.known >= heads[feed] for feed, place in places.items()), 6)
    return [f"{feed} at {place.known} of {heads[feed]}" for feed, place in places.items() if place.known < heads[feed]]
