"""Each feature by its id and each line of bad input, by the tests that name them; and the console in real Chromium."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.browser.stage import CHROMIUM
from tests.outside.verdict import Verdict, missing
from tests.prove_customer.features import ROOT, last_line, outcomes, run_tests
from tests.prove_first_light.stage import Stage
from tests.prove_routing.bad_input import BAD_INPUT
from tests.prove_routing.shown_by import SHOWN_BY

FEATURES: Final = (*(f"R{number}" for number in range(1, 17)), "R18")
PLACES: Final = ("tests/flow", "tests/store", "tests/browser", "tests/pure")
CONSOLE: Final = "test_console*.py"
_ID = re.compile(r"\bR(\d{1,2})\b(?:\s*(?:-|–|to)\s*R?(\d{1,2})\b)?")


async def show(stage: Stage) -> list[Verdict]:
    """All tests that show a feature passed, in strict mode; each feature is shown by one at least."""
    named = shown()
    files = sorted({test.partition("::")[0] for test in named})
    passed, failed, output = await _outcomes(stage, files)
    verdicts = [Verdict("the tests of the features, strict", f"{len(files)} files", last_line(output), not failed)]
    for feature in FEATURES:
        tests = [test for test, ids in named.items() if feature in ids]
        verdicts.append(_judge(f"feature {feature}: the tests that show it", tests, passed))
    return verdicts


def shown() -> dict[str, set[str]]:
    """The tests that name features, and those listed beside them, with the ids."""
    named = {test: ids for folder in PLACES for test, ids in tests_in(ROOT / folder)}
    for feature, tests in SHOWN_BY.items():
        for test in tests:
            named[test] = named.get(test, set()) | {feature}
    return named


def tests_in(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """The tests of a folder that name features, in their own words or their file's, as `file::name`."""
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text())
        of_file = _ids(ast.get_docstring(tree))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                ids = of_file | _ids(ast.get_docstring(node))
                if ids:
                    yield f"{path.relative_to(ROOT)}::{node.name}", ids


def _ids(text: str | None) -> set[str]:
    found: set[str] = set()
    for first, last in _ID.findall(text or ""):
        found |= {f"R{number}" for number in range(int(first), int(last or first) + 1)}
    return found


async def show_bad_input(stage: Stage) -> list[Verdict]:
    """Each line of bad input has tests that show its answer, and they passed in strict mode."""
    files = sorted({test.partition("::")[0] for tests in BAD_INPUT.values() for test in tests})
    gone = [file for file in files if not (ROOT / file).exists()]
    if gone:
        return [missing("the tests of bad input", ", ".join(gone))]
    passed, failed, output = await _outcomes(stage, files)
    return [
        Verdict("the tests of bad input, strict", f"{len(files)} files", last_line(output), not failed),
        *(_judge(line, list(tests), passed) for line, tests in BAD_INPUT.items()),
    ]


async def _outcomes(stage: Stage, files: list[str]) -> tuple[set[str], set[str], str]:
    report = stage.folder / "report.xml"
    output = await run_tests([*files, f"--junitxml={report}"])
    return (*outcomes(report), output)


def _judge(claim: str, tests: list[str], passed: set[str]) -> Verdict:
    red = [test for test in tests if test not in passed]
    more = f"; not passed: {', '.join(red)}" if red else ""
    return Verdict(claim, f"{len(tests)} tests", f"{len(tests) - len(red)} passed{more}", bool(tests) and not red)


async def show_console(stage: Stage) -> list[Verdict]:
    """The console in real Chromium."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/browser").glob(CONSOLE))
    claim = "the console in real Chromium, strict"
    if not files:
        return [missing(claim, f"tests/browser/{CONSOLE}")]
    if CHROMIUM is None:
        return [missing(claim, "chromium")]
    output = last_line(await run_tests(files))
    return [Verdict(claim, ", ".join(files), output, output.endswith("(exit code 0)"))]
