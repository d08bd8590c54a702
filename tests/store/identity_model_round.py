"""One round of random identity work as a process: `python -m tests.store.identity_model_round URL EXAMPLES DECKS SEED`.

What was counted so far goes to standard output, a line whenever a sequence begins, and one at the end. `URL`: an empty
migrated database.
"""

from __future__ import annotations

import sys

import msgspec
from msgspec import Struct

from tests.store.identity_facts import Counts
from tests.store.identity_model import run


class Played(Struct):
    """What a round has counted so far."""

    rules: dict[str, int] = {}
    sequences: int = 0
    returned: int = 0
    restored: int = 0


def main(url: str, examples: str, decks: str, seed: str) -> None:
    """Play the round of this seed. Raises what hypothesis raises when something does not hold."""
    tell(run(url, int(examples), int(decks), int(seed), tell))


def tell(counts: Counts) -> None:
    """To whoever reads our standard output."""
    played = Played(dict(counts.rules), counts.sequences, counts.returned, counts.restored)
    sys.stdout.buffer.write(msgspec.json.encode(played) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
