"""First light: a customer's text message on an agent's screen, shown part by part against a demo of each part's own."""

from __future__ import annotations

from tests.prove_first_light import accepts, end_to_end, figures, firsts, restart, storms
from tests.prove_first_light.stage import Part

PARTS: dict[str, Part] = {
    "end-to-end": Part(end_to_end.show, 120),
    "restart": Part(restart.show, 180),
    "firsts": Part(firsts.show, 240),
    "accepts": Part(accepts.show, 900),
    "storm": Part(storms.show, 900),
    "mutants": Part(figures.show_mutants, 1800),
    "benchmarks": Part(figures.show_benchmarks, 900),
}
