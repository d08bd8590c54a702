"""Run the tests: pytest on two processes, a NOT RUN line for what cannot run here, and `--strict` for a CI.

`python run.py test [--strict] [pytest arguments]`. Strict: a skip, an expected failure and an empty collection are
failures, as each of them is a test that nobody ran.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import pytest

STRICT = "--strict"
# With these the tests have to stay in this process, or the caller has chosen already.
ONE_PROCESS = ("-n", "--numprocesses", "--pdb", "--trace", "-s", "--capture=no", "--collect-only", "--co", "-x")


class Outcome:
    """A pytest plugin that says what was not run, and in strict mode makes that a failure."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.not_run: list[str] = []
        self.expected: list[str] = []
        self.ran = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what did not really run."""
        if hasattr(report, "wasxfail"):
            self.expected.append(report.nodeid)
        elif report.skipped:
            self._skipped(report)
        elif report.when == "call":
            self.ran += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A whole module may skip itself."""
        if report.skipped:
            self._skipped(report)

    def _skipped(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self.not_run.append(f"NOT RUN ({reason.removeprefix('Skipped: ')}) {report.nodeid}")

    def complaints(self) -> list[str]:
        """Why a strict run fails although no test did."""
        found = []
        if self.not_run:
            found.append(f"{len(self.not_run)} not run")
        if self.expected:
            found.append(f"{len(self.expected)} expected to fail: {', '.join(self.expected)}")
        if not self.ran:
            found.append("no test ran")
        return found

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a green but incomplete run red."""
        if self.strict and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if self.complaints() else session.exitstatus

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Ours goes before pytest's own last line, which a CI reads."""
        for line in self.not_run:
            terminalreporter.write_line(line)
        if self.strict:
            for complaint in self.complaints():
                terminalreporter.write_line(f"STRICT: {complaint}", red=True)


def processes(arguments: Iterable[str]) -> list[str]:
    """The xdist options to add: two processes, unless it is one file or the caller wants to watch."""
    given = list(arguments)
    if any(argument.split("=")[0] in ONE_PROCESS or argument in ONE_PROCESS for argument in given):
        return []
    if any(".py" in argument and not argument.startswith("-") for argument in given) or (os.cpu_count() or 1) < 2:
        return []  # a second cluster takes longer to start than one file takes to run
    return ["-n", "2", "--dist", "worksteal"]


def main(arguments: list[str]) -> int:
    """Run pytest with `arguments`; gives its exit code."""
    strict = STRICT in arguments
    given = [argument for argument in arguments if argument != STRICT]
    return int(pytest.main([*processes(given), *given], plugins=[Outcome(strict=strict)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
