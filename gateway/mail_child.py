"""The process that reads mail: `python -m gateway.mail_child`, told over its standard input, answering on its output.

Whatever is read here may be made to take for ever or to fill the memory, so this process may do little of either: 2 s
of processor time and 256 MiB of memory a mail, besides what its bytes need themselves. Beyond, the system ends it; who
started it then knows, and starts another. It has no database, opens no connection and writes no file.

A frame is its length in 8 bytes and the bytes. In: a `Task`, then the body. Out: an `Answer`.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.registry import adapter_for
from model.inbound import InboundEvent

TIMES_BODY: Final = 4
"""The body, what is decoded of it, the answer, and the copy that joins them."""
NICENESS: Final = 10


class Task(Struct, frozen=True):
    """A mail to read. The body comes after it."""

    account: AccountConfig
    request: WebhookRequest
    cpu_seconds: float = 2.0
    memory: int = 256 * 1024 * 1024


class Answer(Struct, frozen=True):
    """What was read, or why it is not what its provider sends."""

    events: list[InboundEvent] = []
    reason: str | None = None
    field: str | None = None


def main() -> None:
    """Read mail until the input ends."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where whoever started us was told to ignore it
    source, target = sys.stdin.buffer, sys.stdout.buffer
    decode, encode = msgspec.msgpack.Decoder(Task).decode, msgspec.msgpack.Encoder().encode
    while (told := _frame(source)) is not None:
        task = decode(told)
        body = _frame(source)
        if body is None:
            return
        _limit(task, len(body))
        answer = encode(_read(task, body))
        _unlimit()
        target.write(len(answer).to_bytes(8) + answer)
        target.flush()
        del body, answer


def _read(task: Task, body: bytes) -> Answer:
    request = msgspec.structs.replace(task.request, body=body)
    try:
        adapter = adapter_for(task.account.provider, task.account.channel)
        return Answer(adapter.parse(request, task.account))
    except ParseError as error:
        return Answer(reason=error.reason, field=error.field)


def _limit(task: Task, size: int) -> None:
    """From here on for one mail. What runs out of time is ended by the system's own hand, what of memory by its
    error."""
    memory = task.memory + TIMES_BODY * size
    resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, task.cpu_seconds)


def _unlimit() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _frame(source: BinaryIO) -> bytes | None:
    head = source.read(8)
    if len(head) < 8:
        return None
    length = int.from_bytes(head)
    found = source.read(length)
    return found if len(found) == length else None


if __name__ == "__main__":
    main()
