"""Channels, shown part by part: `python3 run.py prove channels [--only PART] [--seed N] [--long]`."""

from __future__ import annotations

from tests.prove_channels import calls, conformance, figures, fuzz, person, pictures, replies, torture
from tests.prove_first_light.stage import Part

PARTS: dict[str, Part] = {
    "conformance": Part(conformance.show, 1800),
    "person": Part(person.show, 300),
    "fuzz": Part(fuzz.show, 1800),
    "torture": Part(torture.show, 900),
    "calls": Part(calls.show, 900),
    "replies": Part(replies.show, 2700),
    "bench": Part(figures.show, 600),
    "pictures": Part(pictures.show, 600),
}
