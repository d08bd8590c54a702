"""Fetching files from addresses that others give us: each trick that would make us ask our own network (T11, T12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from adapters.media import Credentials, MediaBusy, MediaClient, MediaFile, MediaRefused, is_public

Answers = Callable[[str, dict[str, str]], bytes]
OURS = Credentials("Basic c2VjcmV0", frozenset(("api.example.com",)))


class Server:
    """Listens on this machine and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: Answers = lambda _path, _headers: answer(b"file")
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        path = head[0].split(" ")[1]
        self.asked.append((path, headers))
        writer.write(self.answers(path, headers))
        with suppress(ConnectionError):
            await writer.drain()
            writer.close()


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer."""
    lines = {"content-length": str(len(body)), "content-type": "image/jpeg", "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()


@asynccontextmanager
async def client_of(
    names: dict[str, list[str]] | None = None, private: tuple[str, ...] = ()
) -> AsyncIterator[MediaClient]:
    """A client with a resolver of its own: names stand for addresses, each time the next of them."""
    given = {name: list(addresses) for name, addresses in (names or {}).items()}

    async def resolve(host: str, _port: int) -> list[str]:
        addresses = given.get(host)
        if not addresses:
            return [host]
        return addresses.pop(0).split(" ") if len(addresses) > 1 else addresses[0].split(" ")

    client = MediaClient(private, resolve=resolve)
    try:
        yield client
    finally:
        await client.aclose()


PRIVATE = (
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
    "not an address", "", "0.0.0.0",  # noqa: S104  # to be refused, not bound to
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_everybodys_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


# Each way of writing loopback that the system's own resolver understands, and addresses no reader agrees about.
TRICKS = (
    "http://127.0.0.1/", "http://127.1/", "http://0x7f.1/", "http://0x7f000001/", "http://2130706433/",
    "http://0177.0.0.1/", "http://localhost/", "http://LOCALHOST./", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest/meta-data/", "http://0/", "http://[::]/",
    "gopher://example.com/", "file:///etc/passwd", "ftp://example.com/", "//example.com/", "example.com", "",
    "http://user@example.com/", "http://example.com@127.0.0.1/", "http://127.0.0.1\\@example.com/",
    "http://127.0.0.1#@example.com/", "http://exa mple.com/", "http://example.com:22/", "http://example.com:99999/",
    "http://127。0。0。1/", "http://ⓛocalhost/", "http://[fe80::1%25eth0]/", "http://example.com\r\nX: y/", "http://",
    "http://" + "a" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("url", TRICKS)
async def test_no_way_of_writing_it_makes_us_ask_our_own_network(url: str) -> None:
    client = MediaClient()
    outcome = await client.get(url)
    assert isinstance(outcome, MediaRefused), outcome
    await client.aclose()


async def test_a_name_that_means_a_private_address_is_not_asked(server: Server) -> None:
    async with client_of({"127.0.0.1.nip.io": ["127.0.0.1"], "mixed.example.com": ["8.8.8.8 127.0.0.1"]}) as client:
        for host in ("127.0.0.1.nip.io", "mixed.example.com"):
            outcome = await client.get(f"http://{host}/")
            assert outcome == MediaRefused("The file's address is not on the public network."), host
    assert server.asked == []


async def test_a_name_is_resolved_once_and_what_was_checked_is_what_is_asked(server: Server) -> None:
    # To whoever asks again it is this machine.
    async with client_of({"rebind.example.com": ["192.0.2.1", "127.0.0.1"]}) as client:
        assert isinstance(await client.get("http://rebind.example.com/"), MediaRefused)
    assert server.asked == []


async def test_a_host_that_the_operator_allows_is_asked_under_its_name(server: Server) -> None:
    server.answers = lambda _path, _headers: answer(b"jpeg", content_disposition='attachment; filename="a%20b.jpg"')
    names = {"media.example.com": ["127.0.0.1"]}
    async with client_of(names, (f"media.example.com:{server.port}",)) as client:
        outcome = await client.get(f"http://media.example.com:{server.port}/a?b=c#d")
    assert outcome == MediaFile(b"jpeg", "image/jpeg", "a b.jpg")
    [(path, headers)] = server.asked
    assert (path, headers["host"]) == ("/a?b=c", f"media.example.com:{server.port}")
    assert "authorization" not in headers
    assert "jpeg'" not in repr(outcome)


@pytest.mark.parametrize("host", ["api.example.com.evil.com", "evil.com", "xapi.example.com", "API.example.com"])
async def test_credentials_go_only_to_their_host(server: Server, host: str) -> None:
    name = host.lower()
    async with client_of({name: ["127.0.0.1"]}, (f"{name}:{server.port}",)) as client:
        await client.get(f"http://{host}:{server.port}/", credentials=OURS)
    [(_, headers)] = server.asked
    assert ("authorization" in headers) == (name == "api.example.com")


async def test_credentials_do_not_go_over_plain_http_to_the_internet() -> None:
    asked: list[dict[str, str]] = []

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8"]

    client = MediaClient(resolve=resolve)

    async def send(request: object, **_more: object) -> object:
        asked.append(dict(request.headers))  # type: ignore[attr-defined]
        raise OSError("not sent")

    client._session.send = send  # type: ignore[method-assign,assignment]
    await client.get("http://api.example.com/", credentials=OURS)
    await client.get("https://api.example.com/", credentials=OURS)
    assert ["authorization" in headers for headers in asked] == [False, True]
    await client.aclose()


@pytest.mark.parametrize(
    "to", ["http://127.0.0.1:22/", "http://evil.com/", "http://cdn.example.com.evil.com/", "file:///x"]
)
async def test_a_redirect_is_followed_only_where_it_is_expected(server: Server, to: str) -> None:
    server.answers = lambda _path, _headers: answer(b"", "302 Found", location=to)
    authority = f"api.example.com:{server.port}"
    async with client_of({"api.example.com": ["127.0.0.1"]}, (authority,)) as client:
        outcome = await client.get(f"http://{authority}/", credentials=OURS, redirects_to=("cdn.example.com",))
    assert isinstance(outcome, MediaRefused)
    assert len(server.asked) == 1


async def test_an_expected_redirect_is_checked_anew_and_gets_no_credentials(server: Server) -> None:
    authority, cdn = f"api.example.com:{server.port}", f"a.cdn.example.com:{server.port}"

    def answers(path: str, _headers: dict[str, str]) -> bytes:
        return answer(b"file") if path == "/file" else answer(b"", "307 Moved", location=f"http://{cdn}/file")

    server.answers = answers
    names = {"api.example.com": ["127.0.0.1"], "a.cdn.example.com": ["127.0.0.1"]}
    async with client_of(names, (authority, cdn)) as client:
        outcome = await client.get(f"http://{authority}/", credentials=OURS, redirects_to=(".cdn.example.com",))
    assert isinstance(outcome, MediaFile)
    assert ["authorization" in headers for _, headers in server.asked] == [True, False]
    async with client_of(names, (authority,)) as client:  # the redirect's host is not on the public network
        outcome = await client.get(f"http://{authority}/", redirects_to=(".cdn.example.com",))
    assert isinstance(outcome, MediaRefused)
    assert len(server.asked) == 3


async def test_a_redirect_without_end_is_given_up(server: Server) -> None:
    authority = f"api.example.com:{server.port}"
    server.answers = lambda _path, _headers: answer(b"", "302 Found", location="/again")
    async with client_of({"api.example.com": ["127.0.0.1"]}, (authority,)) as client:
        assert isinstance(await client.get(f"http://{authority}/", redirects_to=("api.example.com",)), MediaRefused)
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (answer(b"x" * 11), MediaRefused),
        (answer(b"x" * 11).replace(b"content-length: 11\r\n", b""), MediaRefused),
        (answer(b"x" * 10), MediaFile),
        (answer(b"x", content_encoding="gzip"), MediaRefused),
        (answer(b"", "404 Not Found"), MediaRefused),
        (answer(b"", "403 Forbidden"), MediaRefused),
        (answer(b"", "206 Partial Content"), MediaRefused),
        (answer(b"", "429 Too Many", retry_after="7"), MediaBusy),
        (answer(b"", "503 Away", retry_after="nan"), MediaBusy),
        (answer(b"", "202 Accepted"), MediaBusy),
        (b"nonsense", MediaBusy),
        (b"", MediaBusy),
    ],
)
async def test_what_comes_back_is_bounded_and_judged(server: Server, raw: bytes, kind: type) -> None:
    authority = f"api.example.com:{server.port}"
    server.answers = lambda _path, _headers: raw
    async with client_of({"api.example.com": ["127.0.0.1"]}, (authority,)) as client:
        outcome = await client.get(f"http://{authority}/", most_bytes=10)
    assert isinstance(outcome, kind), outcome
    if b"429" in raw:
        assert outcome == MediaBusy("The file's server answers 429.", 7.0)


async def test_a_name_that_has_no_address_may_have_one_later() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    client = MediaClient(resolve=resolve)
    assert isinstance(await client.get("https://gone.example.com/"), MediaBusy)
    await client.aclose()


def test_credentials_are_not_shown_when_printed() -> None:
    assert "c2VjcmV0" not in repr(OURS)
