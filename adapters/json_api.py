"""What adapters share whose provider's API speaks JSON: what a call carries, and where its answer says what.

Such an adapter states where things stand, in forms with the names of fields in braces: `{data.id}` is what stands in
`id` in `data`, `{errors.0.code}` in the first of `errors`, and `{-1}` is the last of a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import httpx2
from msgspec.json import Decoder

from adapters.base import AccountConfig, OutgoingFile, SendOutcome, Sent
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call, Codes, as_form
from adapters.media import Credentials, MediaClient, MediaOutcome
from adapters.proof import basic
from model.timeline import Media

ANSWER: Decoder[Any] = Decoder(dict[str, Any])
_MOST_WORDS = 300
_FIELD = re.compile(r"\{([\w.-]+)\}")


def found_in(told: object, path: str) -> object:
    """What stands there, `errors.0.code`; None where nothing does."""
    for name in path.split("."):
        if isinstance(told, dict):
            told = told.get(name)
        elif isinstance(told, list) and name.lstrip("-").isdecimal() and -len(told) <= int(name) < len(told):
            told = told[int(name)]
        else:
            return None
    return told


def filled(form: str, told: object) -> tuple[str, list[str]]:
    """The form with what stands there, and its fields alone: empty where it is neither text nor a number."""
    values = [_text(found_in(told, path)) for path in _FIELD.findall(form)]
    fields = iter(values)
    return _FIELD.sub(lambda _: next(fields), form), values


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


class JsonApi(HttpAdapter):
    """The adapter of a provider whose API takes JSON under credentials that stand in the account's settings."""

    api: ClassVar[str]
    """Where the API is, unless `settings.api_base` says otherwise."""
    header: ClassVar[str] = "Authorization"
    """What carries the credentials; nothing does where they stand in the address."""
    scheme: ClassVar[str] = "Bearer "
    """What stands before a token in the header."""
    credentials: ClassVar[tuple[str, ...]] = ("access_token",)
    """The settings that hold a token, or user and password of basic authentication; none: it is the first secret."""
    names: ClassVar[str]
    """The form of a message's name in the answer to it; every field must be there."""
    words: ClassVar[str]
    """The form of an error's words, as the agent reads them; without its first field there are none in the answer."""
    fault: ClassVar[str] = ""
    """Where a 2xx holds an error's code, if one may."""
    codes: ClassVar[Codes] = Codes()
    """What these are."""
    taken_as: ClassVar[Literal["sending", "sent"]] = "sent"
    """What a message is that was taken."""

    def authorization(self, account: AccountConfig, method: str, url: str) -> str:
        """By which a request is known as ours: the value of `header`."""
        values = [account.settings.get(name, "") for name in self.credentials] or list(account.secrets[:1])
        return basic(*values) if len(values) == 2 else self.scheme + "".join(values)

    def base(self, account: AccountConfig) -> str:
        """What the addresses of the API begin with."""
        return base_of(account, self.api)

    def call(
        self,
        account: AccountConfig,
        path: str,
        message: Mapping[str, object],
        *,
        more: Mapping[str, str] | None = None,
        files: Mapping[str, OutgoingFile] | None = None,
        repeatable: bool = False,
    ) -> Call:
        """JSON for an address of the API, or a form where it goes with files. `more`: further headers."""
        url = self.base(account) + path
        headers = {self.header: self.authorization(account, "POST", url)} if self.header else {}
        headers |= more or {}
        if not files:
            return Call(url, headers, message, repeatable=repeatable)
        plain = {field: (one.name, one.data, one.content_type) for field, one in files.items()}
        return Call(url, headers, form=as_form(message), files=plain, repeatable=repeatable)

    def accepted(self, response: httpx2.Response) -> SendOutcome | None:
        """The message's name, or the error that stands there."""
        answer = said_in(ANSWER, response)
        code = found_in(answer, self.fault)
        if code and isinstance(code, str | int):
            return self.codes.outcome(code, self.reason(response))
        name, fields = filled(self.names, answer)
        return Sent(name, self.taken_as) if all(fields) else None

    def reason(self, response: httpx2.Response) -> str:
        """The provider's words, the status without any."""
        words, fields = filled(self.words, said_in(ANSWER, response))
        return self.shown(words) if fields[0] else super().reason(response)

    def shown(self, words: str) -> str:
        """Words of the provider's as an agent may read them."""
        return words[:_MOST_WORDS]


class HandsOutFiles(JsonApi):
    """One whose files are handed out to whoever is authorized as for the API."""

    media_hosts: ClassVar[frozenset[str]] = frozenset()
    """Hosts beside the API's that do so: nobody else is shown our credentials."""

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """Fetch one file of a message."""
        hosts = self.media_hosts | {urlsplit(base_of(account, self.api)).netloc.lower()}
        proof = Credentials(self.authorization(account, "GET", media.url), hosts)
        return await client.get(media.url, credentials=proof)
