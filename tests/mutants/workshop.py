"""Copies of the checkout, with and without a patch, and what a test says in them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree  # pytest's own report, written a moment ago
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
TEST_SECONDS = 240.0
# How pytest words the failure of a test's own claim; anything else is a crash, which proves nothing.
ASSERTION = ("AssertionError", "assert ", "Failed: DID NOT RAISE")


class Report(Struct, frozen=True):
    """What became of one test: `passed`, `failed` by assertion, or `broken` otherwise, and pytest's own words."""

    outcome: str
    why: str = ""


def copy_checkout(target: Path) -> None:
    """Copy what git tracks and what it would, if it were added: the checkout as it stands, without what is built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith("web/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def apply_patch(patch: Path, folder: Path, *, check: bool = False) -> str | None:
    """Apply; the reason when it does not fit. `check`: only see whether it would."""
    command = ["git", "apply", "--whitespace=nowarn", *(["--check"] if check else []), str(patch)]
    # Outside of any repository, wherever the temporary folder lies.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[0] if done.returncode else None


def run_test(node: str, folder: Path) -> Report:
    """One test, in a pytest process of its own over this copy."""
    result = folder / "result.xml"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={result}", node]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            process.wait(TEST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Report("broken", f"no end after {TEST_SECONDS:.0f} s")
    if not result.is_file():
        return Report("broken", (folder / "output.txt").read_text(errors="replace").strip()[-200:])
    return read_report(result)


def read_report(result: Path) -> Report:
    """The outcome in a JUnit report: every case of a parametrised test together."""
    cases = list(ElementTree.parse(result).iter("testcase"))  # noqa: S314  # see the import
    said = {kind: [_words(found) for case in cases for found in case.iter(kind)] for kind in ("failure", "error")}
    crashes = [words for words in said["failure"] if not words.startswith(ASSERTION)]
    if not cases or any(case.find("skipped") is not None for case in cases):
        return Report("broken", "it was not run")
    if crashes or (said["error"] and not said["failure"]):
        return Report("broken", (crashes or said["error"])[0])
    if said["failure"]:
        return Report("failed", said["failure"][0])
    return Report("passed")


def _words(found: ElementTree.Element) -> str:
    """The first line of what pytest said."""
    return (found.get("message") or found.text or "").strip().split("\n")[0][:160]
