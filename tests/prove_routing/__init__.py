"""Routing, shown part by part: `python3 run.py prove routing [--only PART] [--seed N] [--long] [--shard K/N]`."""

from __future__ import annotations

from tests.prove_first_light.stage import Part
from tests.prove_routing import drain, features, figures, interleavings, model, vip

PARTS: dict[str, Part] = {
    "vip": Part(vip.show, 240),
    "model": Part(model.show, 1200, 36_000),
    "interleavings": Part(interleavings.show, 1800),
    "drain": Part(drain.show, 1500),
    "erlang": Part(figures.show_erlang, 1800),
    "lint": Part(figures.show_lint, 300),
    "assignment": Part(figures.show_assignment, 900),
    "rules": Part(figures.show_rules, 300),
    "console": Part(features.show_console, 900),
    "bad-input": Part(features.show_bad_input, 900),
    "features": Part(features.show, 1800),
    "mutants": Part(figures.show_mutants, 1800),
}
