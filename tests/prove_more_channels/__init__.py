"""Ten channels more, shown part by part: `python3 run.py prove more-channels [--only PART] [--seed N]`."""

from __future__ import annotations

from tests.prove_channels import conformance
from tests.prove_first_light.stage import Part
from tests.prove_more_channels import lines, package, talk, vectors

PARTS: dict[str, Part] = {
    "conformance": Part(conformance.show, 1800),
    "package": Part(package.show, 300),
    "vectors": Part(vectors.show, 300),
    "talk": Part(talk.show, 900),
    "lines": Part(lines.show, 60),
}
