"""`verify` and `parse` raise only what they may, on bodies made wrong: chosen by hypothesis, and led by coverage.

The time is each engine's, for all providers together: `SCREENPOP_FUZZ_SECONDS`. `prove channels --only fuzz --long`
gives more.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from adapters.testing.fuzz import LEAST_READ, Tally, fuzz
from tests.contract.channels.harness import harnesses

ROOT = Path(__file__).resolve().parents[3]
HARNESSES = harnesses()
SECONDS = float(os.environ.get("SCREENPOP_FUZZ_SECONDS", "60")) / len(HARNESSES)
SEED = 20_261_126
GRACE_SECONDS = 90.0

# atheris is built for this platform only; elsewhere the same attack is led by hypothesis alone.
guided = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not built for this platform"
)


@pytest.mark.parametrize("name", sorted(HARNESSES))
def test_mutated_fixtures_raise_only_parse_error(name: str) -> None:
    tally = fuzz(HARNESSES[name], SECONDS, SEED)
    assert tally.share >= LEAST_READ, tally


@guided
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", sorted(HARNESSES))
def test_mutations_led_by_coverage_raise_only_parse_error(name: str, tmp_path: Path) -> None:
    tally = run_guided(name, SECONDS, SEED, tmp_path / "tally.json")
    assert tally.share >= LEAST_READ, tally


def run_guided(name: str, seconds: float, seed: int, out: Path) -> Tally:
    """The tally of the guided attack. Its process ends non-zero, with a traceback, when something else is raised."""
    command = [sys.executable, "-m", "tests.contract.channels.guided", name, "--seconds", f"{seconds:g}"]
    command += ["--out", str(out), "--seed", str(seed)]
    done = subprocess.run(
        command, cwd=out.parent, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=seconds + GRACE_SECONDS,
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return msgspec.json.decode(out.read_bytes(), type=Tally)
