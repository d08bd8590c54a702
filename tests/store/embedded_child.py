"""An application with embedded servers, for the tests that kill it: prints one JSON line and waits.

Standard library only, as it runs as users who may not enter the environment of the tests.
Argument: the data folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from store.embedded import EmbeddedPostgres, EmbeddedValkey, ServerError


def main(data: str) -> int:
    """Start both servers, say where they are, end when standard input does."""
    try:
        postgres = EmbeddedPostgres.start(Path(data), lock_wait_seconds=3)
        valkey = EmbeddedValkey.start(Path(data))
    except ServerError as failure:
        sys.stdout.write(json.dumps({"error": str(failure)}) + "\n")
        return 1
    told: dict[str, object] = {"url": postgres.url, "socket_url": postgres.socket_url, "redis": valkey.url}
    told |= {"pids": [postgres.pid, valkey.pid], "cluster": str(postgres.cluster)}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    return 0  # without stop(): a normal exit has to be enough


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
