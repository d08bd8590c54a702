"""The whole customer: profile, identity and timeline, shown part by part."""

from __future__ import annotations

from tests.prove_customer import api, features, figures, identity, model, story
from tests.prove_first_light.stage import Part

PARTS: dict[str, Part] = {
    "story": Part(story.show, 180),
    "features": Part(features.show, 1800),
    "model": Part(model.show, 800),
    "order": Part(identity.show_order, 400),
    "merges": Part(identity.show_merges, 900),
    "api": Part(api.show, 1800),
    "desk": Part(features.show_desk, 1200),
    "accuracy": Part(figures.show_accuracy, 1800),
    "scale": Part(figures.show_scale, 3600),
    "mutants": Part(figures.show_mutants, 1800),
}
