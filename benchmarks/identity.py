"""Who is who: what the channels prove is linked, what is only likely is suggested, and nobody else.

People with known truth leave records, messages and proofs with realistic mistakes (`people.py`, `town.py`); everything
goes in over HTTP as it would: a customer database by `POST /v1/customers`, messages as signed webhooks, sign-ins of the
web shop by `POST /v1/identifications`. `--people` says how many, `--seed` repeats a run, `--febrl` adds public data.
"""

from __future__ import annotations

import random
import secrets
from collections import defaultdict
from itertools import combinations

from msgspec import Struct

from benchmarks.febrl import add_febrl
from benchmarks.figures import Report, demand
from benchmarks.place import Place
from benchmarks.town import Town, Web, issue_tokens, look

PEOPLE = 5_000


class Options(Struct):
    """Of the command line."""

    people: int = PEOPLE
    seed: int | None = None
    febrl: bool = False


OPTIONS = Options()


async def run(place: Place, seconds: float) -> Report:
    """Let it happen, look, and compare with the truth. The length of a block is of no meaning here."""
    seed = OPTIONS.seed if OPTIONS.seed is not None else secrets.randbelow(2**32)
    report = Report("identity", [], [f"{OPTIONS.people} people, seed {seed}"], [])
    report.notes += await place.circumstances()
    web = Web(place.company, await issue_tokens(place.company.database_url))
    town = Town(place.company, web, OPTIONS.people, random.Random(seed))
    try:
        await town.happen()
        suggested = await look(web, town.leaves)
    finally:
        await web.close()
    _judge_links(report, town)
    _judge_suggestions(report, town, suggested)
    if OPTIONS.febrl:
        await add_febrl(report)
    return report


def _judge_links(report: Report, town: Town) -> None:
    leaves = town.leaves
    together: dict[str, list[int]] = defaultdict(list)
    for place, leaf in enumerate(leaves):
        together[leaf.root].append(place)
    linked = {pair for group in together.values() for pair in combinations(group, 2)}
    right = {pair for pair in linked if leaves[pair[0]].person == leaves[pair[1]].person}
    by_claim = (linked & town.claimed) - _reached(town.proven)
    found = len(town.proven & linked)
    report.rows += [
        demand("links: recall of proven pairs, ‰ of 1000", 1000 * found / max(len(town.proven), 1), 1000, ">= 0.95"),
        demand("links: precision, ‰ of 1000", 1000 * len(right) / max(len(linked), 1), 1000, ">= 0.99"),
        demand("links: customers not merged by a claim alone, of claims", len(town.claimed - by_claim),
               max(len(town.claimed), 1), ">= 1.0"),
    ]  # fmt: skip
    report.notes.append(
        f"{len(leaves)} customers; {len(town.proven)} pairs proven, {found} linked; {len(linked)} pairs linked, "
        f"{len(linked) - len(right)} wrong; {len(by_claim)} merged on a claim; answers: {dict(town.answers)}"
    )


def _reached(pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Pairs that proofs connect, over others too."""
    head: dict[int, int] = {}

    def find(place: int) -> int:
        while head.get(place, place) != place:
            place = head[place]
        return place

    for one, other in pairs:
        head[find(one)] = find(other)
    groups: dict[int, list[int]] = defaultdict(list)
    for place in {place for pair in pairs for place in pair}:
        groups[find(place)].append(place)
    return {(min(pair), max(pair)) for group in groups.values() for pair in combinations(sorted(group), 2)}


def _judge_suggestions(report: Report, town: Town, suggested: set[tuple[str, str]]) -> None:
    """Two records of one person that nothing proved to be one are what should be suggested."""
    whose: dict[str, set[int]] = defaultdict(set)
    for leaf in town.leaves:
        whose[leaf.root].add(leaf.person)
    homes: dict[int, set[str]] = defaultdict(set)
    for leaf in town.leaves:
        if leaf.record:
            homes[leaf.person].add(leaf.root)
    wanted = {pair for roots in homes.values() for pair in combinations(sorted(roots), 2)}
    right = {pair for pair in suggested if whose[pair[0]] & whose[pair[1]]}
    report.rows += [
        demand("suggestions: recall, ‰ of 1000", 1000 * len(wanted & suggested) / max(len(wanted), 1), 1000, ">= 0.85"),
        demand("suggestions: precision, ‰ of 1000", 1000 * len(right) / max(len(suggested), 1), 1000, ">= 0.9"),
    ]
    home = {person.number: person.household for person in town.people}
    wrong = suggested - right
    family = sum(bool({home[p] for p in whose[low]} & {home[p] for p in whose[high]}) for low, high in wrong)
    report.notes.append(
        f"{len(wanted)} duplicates nothing proves, {len(wanted & suggested)} suggested; "
        f"{len(suggested)} suggestions, {len(wrong)} wrong, {family} of these within a household"
    )
