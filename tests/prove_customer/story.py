"""The demo's own story: a person texts, writes from a second number, is suggested, merged by hand and unmerged."""

from __future__ import annotations

import asyncio
import sys

from tests.outside.demo import free_ports
from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage

STEPS = (
    ("suggested as the same person", 1),
    ("ms  merged on", 2),
    ("the message is on", 2),
    ("ms  unmerged on", 2),
    ("messages of its own", 2),
)


async def show(stage: Stage) -> list[Verdict]:
    """Every step is told, on both screens, and the demo ends by itself."""
    folder = stage.folder / "demo"
    folder.mkdir()
    command = ["-m", "gateway.demo", "--duplicate", "--data-dir", str(folder), "--port", str(free_ports(2))]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        raise
    told = output.decode(errors="replace")
    sys.stdout.write(told)
    verdicts = [
        Verdict(
            "one person under two numbers, played to the end",
            "two screens",
            f"exit code {process.returncode}",
            process.returncode == 0,
        )
    ]
    for words, times in STEPS:
        found = told.count(words)
        claim = f"told: {words.removeprefix('ms  ')} …"
        verdicts.append(Verdict(claim, f"{times} times", f"{found} times", found == times))
    return verdicts
