"""The signature vectors that providers publish, each held against the provider's `verify` by a test of its own."""

from __future__ import annotations

import asyncio
import re
import sys

from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage
from tests.prove_more_channels.providers import PROVIDERS, ROOT, Provider

_ADDRESS = re.compile(r"https://[^\s`)>\"']+")
_PASSED = re.compile(r"(\d+) passed")


async def show(_stage: Stage) -> list[Verdict]:
    """One verdict a provider: the test names where its vector is from, and passes."""
    return [await _judge(one) for one in PROVIDERS]


async def _judge(one: Provider) -> Verdict:
    claim = f"{one.name} {one.channel}: a published vector verifies"
    if not one.signature_test.exists():
        return Verdict(claim, "-", f"there is no {one.signature_test.name}", False)
    address = _ADDRESS.search(one.signature_test.read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", str(one.signature_test)]
    child = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await child.communicate())[0].decode(errors="replace")
    passed = _PASSED.search(output)
    fine = child.returncode == 0 and passed is not None and address is not None
    observed = f"{passed[1] if passed else 0} passed; {address[0].rstrip('.,') if address else 'no address named'}"
    return Verdict(claim, one.signature_test.name, observed if fine else f"{observed}\n{output[-500:]}", fine)
