"""Lint on the rule sets that are shipped, each broken once by each kind of fault; and valid ones left alone."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import msgspec
from msgspec import Struct

from router.rules.linting import check, lint
from router.rules.reading import read_rules
from tests.pure.random_rules import CATALOG, FAULTS, SAID_AS, Json, read, valid_rules

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
SHIPPED = (HOW_TO / "routing-rules.json", *sorted((HOW_TO / "rules").glob("*.yaml")))


class Counts(Struct, frozen=True):
    """How many faults were planted and found, and the first that were not; how many valid sets were flagged."""

    planted: int
    found: int
    missed: tuple[str, ...]
    valid: int
    flagged: tuple[str, ...]
    shipped: int
    in_order: int


def shipped(file: Path) -> Json:
    """The rules of a shipped example, without its cases."""
    written = read_rules(file.read_bytes(), "json" if file.suffix == ".json" else "yaml")
    rules: Json = msgspec.json.decode(msgspec.json.encode({"rules": written.rule_set.rules}))
    return rules


def in_order(file: Path) -> bool:
    """Whether lint says nothing of it and all of its cases pass."""
    written = read_rules(file.read_bytes(), "json" if file.suffix == ".json" else "yaml")
    checked = check(written.rule_set, CATALOG)
    return not checked.findings and bool(checked.cases) and all(case.passed for case in checked.cases)


def count(rounds: int, seed: object = 5) -> Counts:
    """Plant every kind of fault so many times in each example; look at so many valid sets."""
    chance = random.Random(str(seed))
    examples = {file.name: shipped(file) for file in SHIPPED}
    planted, missed = 0, []
    for fault, plant in FAULTS.items():
        for name, rules in examples.items():
            for _ in range(rounds):
                broken = copy.deepcopy(rules)
                plant(broken, chance)
                planted += 1
                if SAID_AS.get(fault, fault) not in {each.code for each in lint(read(broken), CATALOG)}:
                    missed.append(f"{fault} in {name}")
    valid = [lint(read(valid_rules(chance)), CATALOG) for _ in range(200)]
    flagged = [f"{each.code} at {each.place}: {each.message}" for found in valid for each in found[:1]]
    return Counts(
        planted=planted,
        found=planted - len(missed),
        missed=tuple(missed[:20]),
        valid=len(valid),
        flagged=tuple(flagged[:20]),
        shipped=len(SHIPPED),
        in_order=sum(map(in_order, SHIPPED)),
    )
