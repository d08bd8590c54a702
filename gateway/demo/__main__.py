"""Start the demo company, watch over its processes, end them all on Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import msgspec
from rich.console import Console

from gateway.demo.company import Company, Outside, found_company, move_company
from gateway.demo.duplicate import run_duplicate
from gateway.demo.once import run_once
from gateway.demo.telling import Failed
from gateway.demo.traffic import Traffic
from gateway.settings import SettingsError, read_settings
from store.embedded import EmbeddedPostgres, EmbeddedValkey, ServerError
from store.migrate import MigrationError, migrate
from store.supervise import Account, Server, free_port, port_is_free, spawn

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30.0
WATCH_SECONDS = 0.2

console = Console()


class Demo:
    """One running demo: the servers, N gateways, the world outside."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._folder: Path = options.data_dir.resolve()
        self._ports = [options.port + n for n in range(options.processes)]
        self._database = ""
        self._redis: EmbeddedValkey | None = None
        self._gateways: list[Server] = []
        self._outside: list[Server] = []
        self._outside_port, self._smtp_port, self._shop_port = free_port(), free_port(), free_port()
        self.company: dict[str, Any] = {}

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def _outside_url(self) -> str:
        return f"http://127.0.0.1:{self._outside_port}"

    @property
    def _shop_url(self) -> str:
        return f"http://127.0.0.1:{self._shop_port}"

    @property
    def _where(self) -> Outside:
        return Outside(f"{self._url}/hooks", self._outside_url, self._smtp_port, self._shop_url)

    @property
    def _sent_log(self) -> Path:
        """What the providers were asked to send, one JSON object a line."""
        return self._folder / "sent.jsonl"

    @contextlib.contextmanager
    def servers(self) -> Iterator[None]:
        """PostgreSQL, and Valkey where several processes share the work."""
        for port in self._ports:
            if not port_is_free(port):
                raise ServerError(f"port {port} is taken; choose another with --port")
        with ExitStack() as stack:
            postgres = EmbeddedPostgres.start(self._folder, read_settings().pg_bindir)
            stack.callback(postgres.stop)
            self._database = postgres.url
            if len(self._ports) > 1:
                self._redis = EmbeddedValkey.start(self._folder)
                stack.callback(self._redis.stop)
            stack.callback(self._stop_children)
            (self._folder / "demo.json").unlink(missing_ok=True)
            yield

    def _stop_children(self) -> None:
        children = [*self._gateways, *self._outside]
        for child in children:
            if child.is_running:
                child.process.send_signal(signal.SIGTERM)
        for child in children:
            child.stop(timeout_seconds=2.5)

    async def start(self) -> None:
        """Migrate, found or find the company, start the outside and gateways, and write demo.json when all answer."""
        await migrate(self._database)
        company = await self._company()
        self._outside = [self._start_outside(company), self._start_shop(company)]
        self._gateways = [self._start_gateway(port) for port in self._ports]
        await self._until_ready()
        self._describe(company)

    async def _company(self) -> Company:
        """The company's tokens are known only here: the database has their hashes."""
        kept = self._folder / "company.json"
        connection = await asyncpg.connect(self._database)
        try:
            async with connection.transaction():
                if kept.exists():
                    company = msgspec.json.decode(kept.read_bytes(), type=Company)
                    await move_company(connection, company, self._where)
                    return company
                company = await found_company(connection, self._where)
                _write_private(kept, msgspec.json.encode(company))
                return company
        finally:
            await connection.close()

    def _child(self, name: str, *arguments: str) -> Server:
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "PYTHONPATH": str(ROOT),
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": self._database,
            "REDIS_URL": self._redis.url if self._redis else "",
            "SCREENPOP_PRIVATE_MEDIA_HOSTS": f"127.0.0.1:{self._outside_port}",
            # A demo is also what programs try their screens on: they type faster than people.
            "SCREENPOP_SCREEN_FRAMES_PER_MINUTE": "60000",
            "SCREENPOP_SCREEN_BURST": "2000",
        }
        environment |= {name: value for name, value in os.environ.items() if name.startswith("SCREENPOP_")}
        return spawn(
            [sys.executable, "-m", *arguments],
            Account(os.geteuid(), os.getegid()),
            self._folder / f"{name}.log",
            stop_signal=signal.SIGTERM,
            environment=environment,
        )

    def _start_outside(self, company: Company) -> Server:
        accounts = self._folder / "accounts.json"
        _write_private(accounts, msgspec.json.encode(company.addresses(self._where)))
        ports = (f"--port={self._outside_port}", f"--smtp-port={self._smtp_port}")
        return self._child(
            "outside", "gateway.demo.outside", *ports, f"--accounts={accounts}", f"--log={self._sent_log}"
        )

    def _start_shop(self, company: Company) -> Server:
        return self._child(
            *("shop", "gateway.demo.shop", f"--port={self._shop_port}", f"--secret={company.shop_secret}")
        )

    def _start_gateway(self, port: int) -> Server:
        return self._child(f"gateway-{port}", "gateway.cli", "serve", f"--port={port}")

    async def _until_ready(self) -> None:
        urls = [f"http://127.0.0.1:{port}/ready" for port in self._ports]
        urls += [f"{self._outside_url}/control/sent", f"{self._shop_url}/control/asked"]
        async with httpx2.AsyncClient() as client:
            for url, child in zip(urls, [*self._gateways, *self._outside], strict=True):
                await _answers(client, url, child)

    def _describe(self, company: Company) -> None:
        # What signs for Twilio is also named beside the address: programs on the outside read it there.
        accounts = [
            {
                **msgspec.to_builtins(one),
                **{name: one.settings[name] for name in ("account_sid",) if name in one.settings},
            }
            for one in company.addresses(self._where)
        ]
        self.company = {
            "url": self._url,
            "urls": [f"http://127.0.0.1:{port}" for port in self._ports],
            "pids": [gateway.process.pid for gateway in self._gateways],
            "database_url": self._database,
            "redis_url": self._redis.url if self._redis else None,
            "redis_pid": self._redis.pid if self._redis else None,
            "admin": msgspec.to_builtins(company.admin),
            "agents": [msgspec.to_builtins(agent) for agent in company.agents],
            "accounts": accounts,
            "carrier_log": str(self._sent_log),
            "carrier_url": self._outside_url,
            "smtp_port": self._smtp_port,
            "shop_url": self._shop_url,
        }
        _write_private(self._folder / "demo.json", json.dumps(self.company, indent=2).encode())

    async def watch(self) -> None:
        """Restart a gateway that died, on its port, for ever."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for number, gateway in enumerate(self._gateways):
                if not gateway.is_running:
                    console.print(f"gateway on port {self._ports[number]} ended; starting it again", highlight=False)
                    self._gateways[number] = self._start_gateway(self._ports[number])
                    self.company["pids"][number] = self._gateways[number].process.pid
                    _write_private(self._folder / "demo.json", json.dumps(self.company, indent=2).encode())

    def traffic(self) -> Traffic:
        """The simulated customers."""
        return Traffic(self._outside_url, self.company["accounts"], self._sent_log)


async def _answers(client: httpx2.AsyncClient, url: str, child: Server) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    if (await client.get(url)).status_code == 200:
                        return
                if not child.is_running:
                    raise ServerError(f"{child.log.stem} stopped while starting; {child.log} ends:\n{child.log_tail()}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ServerError(f"{child.log.stem} did not answer within {READY_SECONDS:g} s; see {child.log}") from None


def _write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and readable by us alone: it holds tokens."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _print_welcome(demo: Demo) -> None:
    console.print(f"\n[bold]Screenpop is running:[/] {demo.company['url']}/desk/", highlight=False)
    console.print("Sign in with one of these tokens:", highlight=False)
    for member in [*demo.company["agents"], demo.company["admin"]]:
        console.print(f"  {member['name']:18} {member['token']}", highlight=False, soft_wrap=True)
    console.print(f"Rules, board and settings, for the last of them: {demo.company['url']}/console/", highlight=False)
    console.print(f"Write to them as a visitor: {demo.company['url']}/chat/chat-main/demo", highlight=False)
    console.print("Ctrl-C ends everything.\n", highlight=False)


async def _run(demo: Demo, options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    main = asyncio.create_task(_work(demo, options))
    ended = asyncio.create_task(stop.wait())
    done, waiting = await asyncio.wait({main, ended}, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return main.result() if main in done else 0


async def _work(demo: Demo, options: argparse.Namespace) -> int:
    with console.status("Starting PostgreSQL, the world outside and the gateway"):
        await demo.start()
    if options.once:
        await run_once(demo.company, options.sender, options.text, console)
        return 0
    if options.duplicate:
        await run_duplicate(demo.company, console)
        return 0
    _print_welcome(demo)
    async with asyncio.TaskGroup() as group:
        group.create_task(demo.watch())
        if options.traffic:
            group.create_task(demo.traffic().run())
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description="A small company to try Screenpop with.")
    parser.add_argument("--port", type=int, default=8000, help="of the first gateway process; others follow it")
    parser.add_argument("--data-dir", type=Path, default=Path(".screenpop/demo"), help="kept between starts")
    parser.add_argument("--processes", type=int, default=1, choices=range(1, 9), help="gateway processes")
    parser.add_argument("--no-traffic", dest="traffic", action="store_false", help="no simulated customers")
    parser.add_argument("--once", action="store_true", help="one customer through the whole way, then end")
    parser.add_argument(
        "--duplicate", action="store_true", help="one person under two numbers: suggested, merged, unmerged; then end"
    )
    parser.add_argument("--from", dest="sender", default="+14155550123", help="with --once: the customer's number")
    parser.add_argument("--text", default="Hi, is my order still on its way?", help="with --once: what they write")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Run the demo; exit 0 after --once or an ordinary end, 1 when a part failed."""
    options = _options(arguments)
    demo = Demo(options)
    try:
        with demo.servers():
            code = asyncio.run(_run(demo, options))
    except (ServerError, MigrationError, SettingsError, Failed) as error:
        console.print(f"[bold red]demo:[/] {error}", highlight=False)
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
