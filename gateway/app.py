"""The composition root: what one process is made of, and how it starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from adapters.base import Outgoing, Refused, SendOutcome
from adapters.registry import UnknownProvider, account_problems, adapter_for, close_adapters, package_problems
from gateway.accounts import Accounts
from gateway.actions import Actions
from gateway.chat import Chat
from gateway.chat_parts import chat_routes, make_chat
from gateway.external import External
from gateway.files_parts import FileParts, make_files
from gateway.intake import Intake
from gateway.likeness_worker import LikenessWorker
from gateway.mail_parts import MailParts, make_mail
from gateway.mail_worker import MailNeeds
from gateway.pages import console_pages, desk_pages
from gateway.problems import on_http_exception
from gateway.recorder import Recorder
from gateway.replay import Replay
from gateway.rest import rest_routes
from gateway.rest_call import Parts
from gateway.screen import ScreenEndpoint
from gateway.screen_limits import Limits
from gateway.sender import Sender
from gateway.settings import Settings
from gateway.sla_worker import SlaWorker
from gateway.task_worker import TaskWorker
from gateway.voice_parts import Voice, make_voice
from gateway.worker import Worker
from pushers.bus.base import Bus
from pushers.bus.memory import MemoryBus
from pushers.bus.redis import RedisBus
from pushers.hub import Hub
from pushers.session import Rate
from router.presence import register_process, unregister_process
from store.feeds import transaction
from store.ids import new_id
from store.pool import Pool, open_pool

SEND_SECONDS = 15.0
READY_SECONDS = 2.0

log = structlog.get_logger()


@dataclass
class Company:
    """Everything one process runs: the parts that HTTP, screens and loops share."""

    pool: Pool
    process: UUID
    bus: Bus
    hub: Hub
    accounts: Accounts
    recorder: Recorder
    worker: Worker
    sender: Sender
    actions: Actions
    screens: ScreenEndpoint
    external: External
    files: FileParts
    voice: Voice
    mail: MailParts
    chat: Chat


@asynccontextmanager
async def open_company(settings: Settings, database_url: str) -> AsyncIterator[Company]:
    """Connect everything, run the loops, and take it down in order: screens, loops, lease, bus, pool."""
    pool = await open_pool(database_url, size=settings.pool_size)
    process = new_id()
    bus: Bus = RedisBus(settings.redis_url) if settings.redis_url else MemoryBus()
    hub = Hub(pool, bus, process)
    accounts = Accounts(pool)
    files = make_files(settings, pool, hub.announce, accounts)
    sender = Sender(pool, hub.announce, partial(_send, accounts), files.public.outgoing)

    async def lease_lost() -> None:
        await screens.close_all()
        async with pool.acquire() as connection:
            await register_process(connection, process)

    idle = settings.idle_away_seconds
    worker = Worker(pool, hub.announce, process, lease_lost, timedelta(seconds=idle) if idle else None)
    recorder = Recorder(pool, hub.announce, lambda _contacts: worker.wake(), settings.intake_limit)
    voice = make_voice(pool, hub.announce, accounts, worker.wake)
    actions = Actions(pool, hub.announce, process, worker.wake, sender.wake)
    actions.calls = voice.calls
    limits = Limits(rate=Rate(settings.screen_frames_per_minute, settings.screen_burst))
    screens = ScreenEndpoint(pool, hub, actions, settings.allowed_origins, limits)
    external = External(pool, hub.announce, partial(hub.followed, "customer"))
    hub.on_followed = external.feed_followed
    await _look_at(accounts)
    async with pool.acquire() as connection:
        await register_process(connection, process)
    await hub.start()
    likeness = LikenessWorker(pool, hub.announce)
    mail = make_mail(settings, pool, hub.announce, MailNeeds(accounts, recorder, files.client))
    chat = make_chat(pool, hub, accounts, files.public)
    sla, tasks = SlaWorker(pool, hub.announce), TaskWorker(pool, hub.announce)
    working = (worker, sender, external, likeness, files.worker, voice.worker, mail.worker, sla, tasks)
    loops = [asyncio.create_task(part.run()) for part in working]
    try:
        yield Company(
            *(pool, process, bus, hub, accounts, recorder, worker, sender, actions, screens, external),
            *(files, voice, mail, chat),
        )
    finally:
        chat.streams.close()
        await screens.close_all()
        await sender.stop()
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        try:
            async with transaction(pool, hub.announce) as tx:
                await unregister_process(tx, process)
        except Exception as error:  # the lease runs out by itself
            log.warning("unregister_failed", error=type(error).__name__)
        await hub.stop()
        await files.client.aclose()
        await close_adapters()
        await pool.close()


async def _look_at(accounts: Accounts) -> None:
    """Say what is wrong with each account, and load its adapter before its first webhook has to wait for that."""
    for problem in package_problems():
        log.error("package_problem", problem=problem)
    for account in (await accounts.all()).values():
        for problem in account_problems(account):
            log.error("account_problem", problem=problem)


async def _send(accounts: Accounts, account_id: str, outgoing: Outgoing) -> SendOutcome:
    account = await accounts.get(account_id)
    if account is None:
        return Refused("the account is not configured any more")
    try:
        adapter = adapter_for(account.provider, account.channel)
    except UnknownProvider as error:
        return Refused(f"the account's provider cannot be used: {error}", retryable=True)
    return await adapter.send(account, outgoing, SEND_SECONDS)


def create_app(settings: Settings, database_url: str) -> Starlette:
    """The ASGI application of one gateway process."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_company(settings, database_url) as company:
            app.state.company = company
            app.state.parts = Parts(
                company.pool,
                company.hub.announce,
                company.worker.wake,
                partial(company.external.want, anyway=True),
                company.files.files,
                Replay(company.pool, company.accounts, _intake(company), company.mail.worker),
            )
            async with company.mail.listening():
                yield

    async def hooks(request: Request) -> Response:
        company: Company = request.app.state.company
        if request.method != "OPTIONS":  # which only pages ask
            heard = await company.voice.answer(request) or await company.mail.intake.answer(request)
            if heard is not None:
                return heard
        return await company.chat.hook(request, _intake(company))

    routes = [
        Route("/", lambda _request: RedirectResponse("/desk/")),
        Route("/hooks/{account}", hooks, methods=["GET", "POST", "OPTIONS"]),
        Route("/hooks/{account}/{step:path}", hooks, methods=["GET", "POST", "OPTIONS"]),
        Route("/a/{token}", public_file),
        WebSocketRoute("/v1/screen", screen),
        *chat_routes(),
        *rest_routes(),
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", metrics),
        Mount("/desk", desk_pages()),
        Mount("/console", console_pages()),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: on_http_exception})


def _intake(company: Company) -> Intake:
    told = company.chat.marks.customer_types
    return Intake(company.pool, company.accounts, company.recorder, company.hub.announce, told)


async def public_file(request: Request) -> Response:
    """A file of a reply, for the provider that fetches it."""
    company: Company = request.app.state.company
    return await company.files.public.serve(request.path_params["token"])


async def screen(websocket: WebSocket) -> None:
    """One screen, for as long as it is connected."""
    company: Company = websocket.app.state.company
    await company.screens(websocket)


async def health(_request: Request) -> Response:
    """The process runs."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """It can take webhooks: the database answers. Redis is not asked; without it everything is only slower."""
    company: Company = request.app.state.company
    try:
        async with asyncio.timeout(READY_SECONDS), company.pool.acquire() as connection:
            await connection.fetchval("select 1")
    except Exception as error:  # whatever it is, no webhook can be taken now
        return JSONResponse({"status": "database", "error": type(error).__name__}, status_code=503)
    return JSONResponse({"status": "ok", "bus": "ok" if company.bus.healthy else "slow"})


async def metrics(_request: Request) -> Response:
    """Prometheus text format; no label holds personal data."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
