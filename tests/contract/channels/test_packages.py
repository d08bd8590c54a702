"""Providers in packages of others: the example of `examples/`, installed for real, and packages that are wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from copy import copy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from msgspec.structs import replace

from adapters import registry
from adapters.registry import UnknownProvider, adapter_for, package_problems
from adapters.sms.twilio import TwilioSms
from adapters.testing import HarnessBase
from store.ids import new_id
from tests.contract.channels.packages import PIGEON, ROOT, install, install_made_up, looked_for, pigeon_post
from tests.contract.channels.post import post
from tests.contract.channels.runner import Company, account_id, check_config, company
from tests.flow.gateway_process import twilio_of

NAME, BROKEN, CLUMSY_NAME = "sms/pigeon", "sms/broken", "sms/clumsy"
CLUMSY = """
from pigeon_post import Pigeon

class Clumsy(Pigeon):
    provider = "clumsy"

    def check_account(self, account): raise ValueError("dropped it")

    def limits(self, account): raise ValueError("dropped it")

    def verify(self, request, account): raise ValueError("dropped it")
"""
PIGEON_CLASS = "from pigeon_post import Pigeon as Same\nclass Lost(Same): provider = 'lost'\n"
WRONG = {
    "absent": ("", {"absent__sms": "Nobody"}),
    "bare": ("class Bare: pass", {"bare__sms": "Bare"}),
    "broken": ("raise RuntimeError('no feathers')", {"broken__sms": "Any"}),
    "clumsy": (CLUMSY, {"clumsy__sms": "Clumsy"}),
    "nameless": ("", {"nameless": "Any"}),
    "owl": ("", {"owl__semaphore": "Any"}),
    "thief": ("class Rival: pass", {"pigeon__sms": "Rival", "twilio__sms": "Rival"}),
    "stray": (PIGEON_CLASS, {"stray__sms": "Lost"}),
}
REMEDIES = {
    "absent": "the adapter absent:Nobody cannot be used (AttributeError: module",
    "bare": "the adapter bare:Bare is none: it has no provider, channels, max_body, check_account, verify",
    "broken": "cannot be used (RuntimeError: no feathers): mend or remove its package",
    "nameless": "entry point 'nameless': it is not named <provider>.<channel>: name it like 'pigeon.sms'",
    "owl": "entry point 'owl.semaphore': there is no channel 'semaphore': take one of sms, voice, email,",
    "thief, entry point 'pigeon.sms'": "screenpop-pigeon-post serves that already: remove one of the two",
    "thief, entry point 'twilio.sms'": "Screenpop serves that itself: give the provider another name, or remove",
    "stray": "the adapter stray:Lost is for 'lost' on sms: name its entry point so",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example is installed."""
    site = tmp_path_factory.mktemp("packages") / "site"
    install(PIGEON, site)
    return site


@pytest.fixture(scope="module")
def wrong(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where packages are installed that are wrong, each in a way of its own."""
    folder = tmp_path_factory.mktemp("wrong")
    for name, (code, points) in WRONG.items():
        install_made_up(folder, name, code, **points)
    return folder


def assert_each_is_named(lines: list[str]) -> None:
    for package, remedy in REMEDIES.items():
        named = [line for line in lines if line.startswith(f"package {package}")]
        assert any(remedy in line for line in named), (remedy, lines)


def test_what_is_wrong_with_a_package_is_named_and_costs_nobody_else(site: Path, wrong: Path) -> None:
    with looked_for(site, wrong):
        assert_each_is_named(package_problems())
        assert len(package_problems()) == len(REMEDIES)
        assert isinstance(adapter_for("twilio", "sms"), TwilioSms)
        assert adapter_for("pigeon", "sms").provider == "pigeon"
        for provider in ("absent", "bare", "broken", "stray"):
            with pytest.raises(UnknownProvider, match=r"mend or remove|is none|name its entry point"):
                adapter_for(provider, "sms")
        with pytest.raises(UnknownProvider, match=r"there are: .*pigeon sms"):
            adapter_for("nameless", "sms")
    assert registry.from_packages() == {}


def test_the_tests_of_the_example_pass_beside_what_the_wheel_of_screenpop_holds(site: Path, tmp_path: Path) -> None:
    product = tmp_path / "site"
    install(ROOT, product)
    assert (product / "adapters" / "testing" / "cases.py").exists()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(product))), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=PIGEON, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"^3\d passed", done.stdout, re.MULTILINE), done.stdout


def test_the_example_is_the_provider_of_the_recipe() -> None:
    recipe = (ROOT / "docs" / "how-to" / "add-a-provider.md").read_text(encoding="utf-8")
    for path in (PIGEON / "src" / "pigeon_post" / "__init__.py", PIGEON / "tests" / "pigeon_requests.py"):
        assert path.read_text(encoding="utf-8") in recipe, path


@pytest.fixture
def carrier() -> Iterator[ThreadingHTTPServer]:
    """Pigeon Post's sending API; `taken` is what it took."""
    taken: list[dict[str, Any]] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["content-length"])))
            taken.append({**said, "path": self.path, "bearer": self.headers["authorization"]})
            body = json.dumps({"message": f"pg-{len(taken)}"}).encode()
            self.send_response(202)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        server.taken = taken  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def harness(site: Path, carrier: ThreadingHTTPServer) -> Iterator[HarnessBase]:
    with pigeon_post(site) as harness:
        settings = {"api_base": f"http://127.0.0.1:{carrier.server_port}"}
        type(harness).account = replace(harness.account, settings=settings)
        yield harness


def path_of(*sites: Path) -> str:
    return os.pathsep.join(map(str, (ROOT, *sites)))


@pytest.fixture
async def gateway(
    database_url: str, site: Path, wrong: Path, harness: HarnessBase, tmp_path: Path
) -> AsyncIterator[Company]:
    """A gateway process that finds all these packages."""
    broken, clumsy = copy(harness), copy(harness)
    broken.account = replace(harness.account, provider="broken")  # type: ignore[misc]  # one of its own
    clumsy.account = replace(harness.account, provider="clumsy")  # type: ignore[misc]
    accounts = {NAME: harness, BROKEN: broken, CLUMSY_NAME: clumsy}
    async with company(database_url, accounts, tmp_path / "log", PYTHONPATH=path_of(site, wrong)) as running:
        yield running


async def test_the_example_withstands_the_matrix(gateway: Company, harness: HarnessBase) -> None:
    cells = await gateway.row(NAME, harness)
    assert [(cell.case, cell.observed, cell.wrong) for cell in cells if cell.wrong] == []
    assert not [cell.case for cell in cells if cell.reason]


async def test_a_talk_over_the_example_goes_all_the_way(
    gateway: Company, harness: HarnessBase, carrier: ThreadingHTTPServer, database_url: str
) -> None:
    account = account_id(NAME)
    async with twilio_of(database_url, gateway.url) as place:
        _, token = await place.hire("admin")
        async with place.screen(token) as screen:
            assert await post(gateway.url, account, harness.signed()) == 200
            await screen.send(type="accept", offer=(await screen.offer())["offer"], ref="a")
            profile = await screen.next("profile")
            (said,) = [entry for entry in profile["timeline"] if entry["kind"] == "message"]
            assert (said["body"], said["channel"], said["account"]) == ("Hello", "sms", account)
            conversation = profile["contact"]["conversation"]
            await screen.send(type="reply", conversation=conversation, body="Coming!", id=str(new_id()), ref="r")
            while (result := await screen.next("result"))["ref"] != "r":
                pass
            while (await screen.next("event"))["event"].get("status") != "sent":
                pass
            (taken,) = carrier.taken  # type: ignore[attr-defined]
            assert (taken["id"], taken["to"], taken["text"]) == (result["entry"], "+14155550123", "Coming!")
            receipt = {"id": "ev-9", "type": "receipt", "to": harness.account.address, "message": "pg-1"}
            body = json.dumps({**receipt, "state": "arrived"}).encode()
            assert await post(gateway.url, account, harness.resigned(body)) == 200
            while (await screen.next("event"))["event"].get("status") != "delivered":
                pass
        headers = {"Authorization": f"Bearer {token}"}
        listed = (await place.client.get(f"{gateway.url}/v1/accounts", headers=headers)).json()["items"]
    limits = {one["id"]: one["limits"] and one["limits"]["most_characters"] for one in listed}
    assert limits == {account: 1000, account_id(BROKEN): None, account_id(CLUMSY_NAME): None}


async def test_a_package_that_is_broken_keeps_its_webhooks_waiting_and_is_named(
    gateway: Company, harness: HarnessBase, database_url: str, site: Path, wrong: Path, tmp_path: Path
) -> None:
    async with twilio_of(database_url, gateway.url) as place:
        before = await place.rows()
        for name in (BROKEN, CLUMSY_NAME):
            assert await post(gateway.url, account_id(name), harness.signed()) == 503
        assert await place.changed(before) == set()
    code, lines = await check_config(database_url, PYTHONPATH=path_of(site, wrong))
    assert code == 1
    assert_each_is_named(lines)
    assert any(line.startswith(account_id(BROKEN)) and "no feathers" in line for line in lines)
    assert any(line.startswith(account_id(CLUMSY_NAME)) and "dropped it" in line for line in lines)
    assert not any(line.startswith(account_id(NAME)) for line in lines)
    log = (tmp_path / "log").read_text()
    assert "package_problem" in log
    assert "webhook_without_provider" in log
