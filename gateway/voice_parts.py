"""What one process has for calls, put together: the endpoint, the changes, the loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.accounts import Accounts
from gateway.voice import VoiceEndpoint
from gateway.voice_calls import Calls
from gateway.voice_worker import VoiceWorker
from store.feeds import Announce
from store.pool import Pool


@dataclass(frozen=True)
class Voice:
    """The parts."""

    calls: Calls
    worker: VoiceWorker
    endpoint: VoiceEndpoint

    async def answer(self, request: Request) -> Response | None:
        """The answer to a webhook of an account of calls; None where it is another's."""
        account = await self.endpoint.serves(request.path_params["account"])
        return None if account is None else await self.endpoint(request, account)


def make_voice(pool: Pool, announce: Announce, accounts: Accounts, wake: Callable[[], None]) -> Voice:
    """`wake`: let contacts be routed and offered."""

    def wake_lines() -> None:
        worker.wake()

    calls = Calls(pool, announce, wake, wake_lines)
    worker = VoiceWorker(pool, accounts, calls)
    return Voice(calls, worker, VoiceEndpoint(accounts, calls))
