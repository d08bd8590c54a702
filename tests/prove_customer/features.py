"""Each feature by its id: witnessed in real processes and after kill -9 of them, and by the tests that name it."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tests.outside.verdict import Verdict
from tests.prove_customer.seen_identity import IDENTITY
from tests.prove_customer.seen_profile import PROFILE
from tests.prove_customer.witness import witness
from tests.prove_first_light.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
FEATURES = (*(f"P{n}" for n in range(1, 15)), "P16", *(f"I{n}" for n in range(1, 12)))
PLACES = ("tests/flow", "tests/store", "tests/browser")
_ID = re.compile(r"\b([PI]\d{1,2})\b")


async def show(stage: Stage) -> list[Verdict]:
    """Each feature: a colleague's screen was told, REST agrees later, and all tests that name it passed."""
    seen = await witness(stage, PROFILE | IDENTITY)
    named = {test: ids for folder in PLACES for test, ids in tests_in(ROOT / folder)}
    files = sorted({test.partition("::")[0] for test in named})
    report = stage.folder / "report.xml"
    output = await run_tests([*files, f"--junitxml={report}"])
    passed, failed = outcomes(report)
    verdicts = []
    for feature in FEATURES:
        tests = [test for test, ids in named.items() if feature in ids]
        red = [test for test in tests if test in failed or test not in passed]
        told, found, good = seen[feature]
        observed = f"{found}; {len(tests) - len(red)} of {len(tests)} tests passed"
        claim = f"feature {feature}: written by one, on a colleague's screen at once, the same after kill -9 of all"
        more = f"; red: {', '.join(red)}" if red else ""
        verdicts.append(Verdict(claim, f"told by {told}", observed + more, good and not red))
    return [
        Verdict("the tests of the features, strict", f"{len(files)} files", last_line(output), not failed),
        *verdicts,
    ]


def tests_in(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """The tests of a folder that name features, as `file::name`, with the ids."""
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                ids = set(_ID.findall(ast.get_docstring(node) or ""))
                if ids:
                    yield f"{path.relative_to(ROOT)}::{node.name}", ids


def outcomes(report: Path) -> tuple[set[str], set[str]]:
    """The tests that passed and those that did not, parametrised ones under their common name."""
    passed: set[str] = set()
    failed: set[str] = set()
    if report.exists():
        for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314  # our own pytest wrote it
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
            (failed if any(True for _ in case) and case.find("system-out") is None else passed).add(name)
    return passed - failed, failed


async def run_tests(arguments: list[str]) -> str:
    """Run tests in strict mode; what pytest printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.runner", "--strict", "-q", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        raise
    text = output.decode(errors="replace")
    if process.returncode:
        sys.stdout.write(text[-4000:])
    return f"{text.rstrip()} (exit code {process.returncode})"


def last_line(output: str) -> str:
    """What pytest closes with."""
    return output.splitlines()[-1] if output else "no output"


async def show_desk(stage: Stage) -> list[Verdict]:
    """The page in real Chromium."""
    output = last_line(await run_tests(["tests/browser"]))
    return [Verdict("the desk in real Chromium, strict", "tests/browser", output, output.endswith("(exit code 0)"))]
