"""The one client that fetches files from addresses others give us (T11, T12).

A provider, or a customer through it, names an address; it must not make us ask our own network, nor hand our
credentials to somebody else. So, for the first address and each redirect alike:

- only http and https, only ports 80 and 443, no user or password, no character that two readers take differently;
- the name is resolved once, every address it has must be public, and the connection goes to one that was checked, under
  the name for TLS and `Host`; whatever the name means a moment later is never asked;
- credentials go over https to exactly the hosts they are for; redirects only where the caller expects them;
- nothing compressed, at most `most_bytes`, 3 s to connect, 20 s in all. Connections are not kept: one that was proved
  to be a host's must not serve another host of the same address.

`SCREENPOP_PRIVATE_MEDIA_HOSTS` names hosts within one's own network that may be asked all the same, as `host:port`.
"""

from __future__ import annotations

import asyncio
import math
import re
import socket
from collections.abc import Awaitable, Callable, Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Protocol, runtime_checkable
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import httpx2
from msgspec import Struct

from adapters.base import AccountConfig
from model.timeline import Media

CONNECT_SECONDS: Final = 3.0
TOTAL_SECONDS: Final = 20.0
MOST_BYTES: Final = 25 * 1024 * 1024
MOST_REDIRECTS: Final = 3
MOST_URL: Final = 4096
_ADDRESSES_TRIED: Final = 2
_MOST_RETRY_AFTER: Final = 3600.0

_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\]")
_PLAIN = re.compile(r"[!-\[\]^-~]+")  # printable ASCII without space and backslash
_FILE_NAME = re.compile(r"""filename\*?=(?:UTF-8'')?"?([^";]+)""", re.IGNORECASE)
# IPv6 that stands for an IPv4 address behind a translator or tunnel: whatever that one is, it is no direct address.
_TRANSLATED = tuple(map(ip_network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")))
_RELAYS = ip_network("192.88.99.0/24")


class MediaFile(Struct, frozen=True):
    """A file that was fetched. `content_type` and `name` are what its server says: not trusted."""

    data: bytes
    content_type: str
    name: str | None = None

    def __repr__(self) -> str:
        return f"MediaFile({self.content_type}, {len(self.data)} bytes)"


class MediaRefused(Struct, frozen=True):
    """It will not be had, however often it is tried: not allowed, gone, or too large. The text is for the agent."""

    error: str


class MediaBusy(Struct, frozen=True):
    """It was not had this time."""

    error: str
    retry_after_seconds: float | None = None


MediaOutcome = MediaFile | MediaRefused | MediaBusy


class Credentials(Struct, frozen=True):
    """The value of `Authorization`, and the only hosts it is for, as `host` or `host:port`."""

    value: str
    hosts: frozenset[str]

    def __repr__(self) -> str:
        return f"Credentials(<hidden>, {sorted(self.hosts)})"


@runtime_checkable
class FetchesMedia(Protocol):
    """An adapter whose media are not plain links: they need credentials, or asking for the address first."""

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """Fetch one file of a message, once. Raises only on cancellation."""


Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name. Raises OSError when it has none."""


async def resolve_name(host: str, port: int) -> list[str]:
    """By the system's resolver, IPv4 first: it is what most providers' networks still carry best."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return sorted(addresses, key=lambda address: ":" in address)


class MediaClient:
    """Fetches files, one connection each."""

    def __init__(
        self, private_hosts: Collection[str] = (), *, resolve: Resolve = resolve_name, verify: bool | object = True
    ) -> None:
        self._private = frozenset(host.lower() for host in private_hosts)
        self._resolve = resolve
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._session = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            limits=limits,
            verify=verify,  # type: ignore[arg-type]
            timeout=httpx2.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
        )

    async def get(
        self,
        url: str,
        *,
        credentials: Credentials | None = None,
        redirects_to: Collection[str] = (),
        most_bytes: int = MOST_BYTES,
    ) -> MediaOutcome:
        """Fetch one address. `redirects_to`: hosts it may send us on to, `.example.com` for all below one."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._follow(url, credentials, redirects_to, most_bytes)
        except _Denied as denied:
            return MediaRefused(str(denied))
        except (TimeoutError, OSError, httpx2.HTTPError) as failure:
            return MediaBusy(f"The file could not be fetched ({type(failure).__name__}).")
        except (ValueError, httpx2.InvalidURL):
            return MediaRefused("The address of the file cannot be read.")

    async def _follow(
        self, url: str, credentials: Credentials | None, redirects_to: Collection[str], most_bytes: int
    ) -> MediaOutcome:
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._ask(_Target.of(url), credentials, most_bytes)
            if not isinstance(answer, str):
                return answer
            url = urljoin(url, answer)
            host = _Target.of(url).host
            if not any(host == each or (each.startswith(".") and host.endswith(each)) for each in redirects_to):
                raise _Denied("The file's address sends on to somewhere it should not.")
        raise _Denied("The file's address sends on too often.")

    async def _ask(self, target: _Target, credentials: Credentials | None, most: int) -> MediaOutcome | str:
        """The outcome, or where it sends us on to."""
        is_private = bool(self._private & {target.host, target.authority})
        headers = {"Host": target.authority, "Accept": "*/*", "Accept-Encoding": "identity"}
        if credentials and credentials.hosts & {target.host, target.authority} and (target.is_tls or is_private):
            headers["Authorization"] = credentials.value
        failure: Exception | None = None
        for address in await self._addresses(target, is_private):
            request = self._session.build_request(
                "GET", target.at(address), headers=headers, extensions={"sni_hostname": target.host}
            )
            try:
                answer = await self._session.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
                continue
            try:
                return await _read(answer, most)
            finally:
                await answer.aclose()
        raise failure or OSError("no address")

    async def _addresses(self, target: _Target, is_private: bool) -> list[str]:
        if not is_private and target.port not in (80, 443):
            raise _Denied("The file's address names a port that is not asked.")
        addresses = await self._resolve(target.host, target.port)
        if not is_private and not all(map(is_public, addresses)):
            raise _Denied("The file's address is not on the public network.")
        return addresses[:_ADDRESSES_TRIED]

    async def aclose(self) -> None:
        """Close what is open."""
        await self._session.aclose()


class _Denied(Exception):
    """What is not asked, and why."""


class _Target(Struct, frozen=True):
    """An address whose every part has one reading."""

    parts: SplitResult
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> _Target:
        """Raises _Denied, and ValueError for what is no address."""
        if len(url) > MOST_URL or not _PLAIN.fullmatch(url):
            raise _Denied("The address of the file cannot be read.")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise _Denied("The file's address is neither http nor https.")
        if "@" in parts.netloc or not parts.hostname or not _HOST.fullmatch(_bracketed(parts.hostname)):
            raise _Denied("The file's address names no plain host.")
        return cls(parts, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))

    @property
    def is_tls(self) -> bool:
        """Whether the host proves who it is."""
        return self.parts.scheme == "https"

    @property
    def authority(self) -> str:
        """As `Host` names it."""
        usual = 443 if self.is_tls else 80
        return _bracketed(self.host) + ("" if self.port == usual else f":{self.port}")

    def at(self, address: str) -> str:
        """The same asked of this address."""
        path = (self.parts.path or "/") + (f"?{self.parts.query}" if self.parts.query else "")
        return f"{self.parts.scheme}://{_bracketed(address)}:{self.port}{path}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_public(address: str) -> bool:
    """Whether an address is one anybody may ask: not ours, not a translator's, not a group's."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None or any(parsed in network for network in _TRANSLATED):
            return False
    elif parsed in _RELAYS:
        return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


async def _read(answer: httpx2.Response, most: int) -> MediaOutcome | str:
    status = answer.status_code
    if status in (301, 302, 303, 307, 308) and "location" in answer.headers:
        return str(answer.headers["location"])
    if status in (202, 429) or status >= 500:  # 202: not ready yet, as LINE says of large videos
        return MediaBusy(f"The file's server answers {status}.", _seconds(answer.headers.get("retry-after")))
    if status != 200:
        return MediaRefused(f"The file's server answers {status}: it is gone, or not for us.")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        return MediaRefused("The file comes compressed, which was not asked for.")
    too_large = MediaRefused(f"The file is larger than {most >> 20} MiB.")
    declared = answer.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        return too_large
    pieces, size = [], 0
    async for piece in answer.aiter_raw():
        size += len(piece)
        if size > most:
            return too_large
        pieces.append(piece)
    named = _FILE_NAME.search(answer.headers.get("content-disposition", ""))
    kind = answer.headers.get("content-type", "application/octet-stream")
    return MediaFile(b"".join(pieces), kind, unquote(named[1]).strip() if named else None)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER) if math.isfinite(seconds) else None


async def fetch_link(_account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
    """A plain link: what every adapter's media are that does not say otherwise."""
    if not media.url:
        return MediaRefused("The provider gave no address for the file.")
    return await client.get(media.url)
