"""Run the world outside until SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

import msgspec
import uvicorn

from gateway.demo.outside.server import create_app
from gateway.demo.outside.whims import Abortable
from gateway.demo.outside.world import Account, World


def main(arguments: list[str] | None = None) -> None:
    """Serve; the address is named on standard output once it is listened to."""
    parser = argparse.ArgumentParser(prog="outside", description="Plays every provider, on this machine.")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; it is named on standard output")
    parser.add_argument("--accounts", type=Path, required=True, help="a JSON list of accounts, as in demo.json")
    parser.add_argument("--log", type=Path, default=os.devnull, help="one JSON line per message taken")
    parser.add_argument("--smtp-port", type=int, default=0, help="where mail is taken; 0: nowhere")
    options = parser.parse_args(arguments)
    listening = socket.create_server(("127.0.0.1", options.port))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    accounts = msgspec.json.decode(options.accounts.read_bytes(), type=list[Account])
    # The event loop begins with the server: what needs one is made inside it.
    config = uvicorn.Config(
        lambda: create_app(World(accounts, options.log, url, options.smtp_port)),
        factory=True,
        http=Abortable,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    # uvicorn stops on SIGTERM and then raises it again; ours makes that an ordinary end, and counts before it listens.
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    sys.stdout.write(f"world listening on {url}\n")
    sys.stdout.flush()
    server.run(sockets=[listening])


if __name__ == "__main__":
    main()
