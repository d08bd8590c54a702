"""Signature vectors (T2): the raw request beside the URL and fields Twilio signs for it.

Published ones are literal: https://www.twilio.com/docs/usage/webhooks/webhooks-security and the tests of Twilio's
libraries (https://github.com/twilio/twilio-python/blob/main/tests/unit/test_request_validator.py). The others are
computed by the library over the URL and fields stated here, never over what our code made of the request.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pytest
from twilio.request_validator import RequestValidator

from adapters.base import AccountConfig, Forged, WebhookRequest
from adapters.sms.twilio_signature import verify_signature
from tests.adapters.sms.twilio_requests import FORM, PUBLIC_URL, TOKEN, Fields, Pairs, account, request, sign


class Vector(NamedTuple):
    """What arrives, and what was signed."""

    name: str
    body: bytes
    fields: Pairs
    query: str = ""
    signed_url: str = ""
    step: str | None = None
    public_url: str = PUBLIC_URL
    kind: str = FORM

    @property
    def url(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return self.signed_url or self.public_url + (f"/{self.step}" if self.step else "") + query

    def request(self, signature: str) -> WebhookRequest:
        return request(self.body, signature, step=self.step, query=self.query, kind=self.kind)

    def account(self) -> AccountConfig:
        return account(public_url=self.public_url)


def one(name: str, encoded: str, value: str) -> Vector:
    """A body field in one spelling, and the text it stands for."""
    return Vector(name, f"Body={encoded}".encode(), [("Body", value)])


def port(name: str, public_url: str, signed_url: str) -> Vector:
    return Vector(name, b"Body=x", [("Body", "x")], public_url=public_url, signed_url=signed_url)


def queried(name: str, query: str) -> Vector:
    return Vector(name, b"Body=x", [("Body", "x")], query=query)


def raw(name: str, body: bytes, kind: str = "application/json", query: str = "") -> Vector:
    digest = hashlib.sha256(body).hexdigest()
    return Vector(name, body, [], query=f"{query}bodySHA256={digest}", kind=kind)


HOST = "https://desk.example.com"
VECTORS = [
    one("plain", "Hello", "Hello"),
    one("space as plus", "a+b+c", "a b c"),
    one("space as %20", "a%20b%20c", "a b c"),
    one("plus sign", "1%2B1", "1+1"),
    one("lower-case hex", "1%2b1", "1+1"),
    one("percent sign", "50%25", "50%"),
    one("a percent sign that escapes nothing", "50%", "50%"),
    one("double quotes", "%22yes%22", '"yes"'),
    one("single quotes", "it%27s", "it's"),
    one("raw single quote", "it's", "it's"),
    one("ampersand and equals", "a%26b%3Dc", "a&b=c"),
    one("raw equals", "a=b", "a=b"),
    one("umlaut", "%C3%BCber", "über"),
    one("raw UTF-8", "über", "über"),
    one("emoji", "%F0%9F%98%80", "😀"),
    one("right to left", "%D7%A9%D7%9C%D7%95%D7%9D", "שלום"),
    one("combining accent", "e%CC%81", "e\u0301"),
    one("zero width joiner", "a%E2%80%8Db", "a\u200db"),
    one("line breaks", "a%0D%0Ab%0Ac", "a\r\nb\nc"),
    one("tab", "a%09b", "a\tb"),
    one("leading and trailing space", "+a+", " a "),
    one("angle brackets", "%3Cb%3E", "<b>"),
    one("backslash", "a%5Cb", "a\\b"),
    one("empty", "", ""),
    one("1,600 characters", "x" * 1600, "x" * 1600),
    one("not UTF-8, as the library's users decode it", "a%FFb", "a\ufffdb"),
    one("U+0000", "a%00b", "a\0b"),
    Vector("no fields at all", b"", []),
    Vector("a field without equals", b"Body=x&Flag", [("Body", "x"), ("Flag", "")]),
    Vector("fields in any order", b"To=1&Body=x&From=2", [("From", "2"), ("To", "1"), ("Body", "x")]),
    Vector("upper before lower case", b"a=1&B=2&A=3", [("A", "3"), ("B", "2"), ("a", "1")]),
    Vector("a repeated field", b"M=2&M=1", [("M", "1"), ("M", "2")]),
    Vector("a field repeated alike", b"M=1&M=1", [("M", "1"), ("M", "1")]),
    Vector("a name with brackets", b"A%5B0%5D=x", [("A[0]", "x")]),
    Vector("Messaging Service", b"MessagingServiceSid=MG1&Body=x", [("MessagingServiceSid", "MG1"), ("Body", "x")]),
    Vector("charset beside the type", b"Body=x", [("Body", "x")], kind=f"{FORM}; charset=UTF-8"),
    Vector("type in capitals", b"Body=x", [("Body", "x")], kind=FORM.upper()),
    Vector("a step", b"Body=x", [("Body", "x")], step="status"),
    Vector("a step with query", b"Body=x", [("Body", "x")], step="status", query="entry=0f"),
    Vector("a step in raw escapes", b"Body=x", [("Body", "x")], step="a%2Fb"),
    Vector("overrides signed", b"B=x", [("B", "x")], step="status", signed_url=f"{PUBLIC_URL}/status#rc=5&rp=all"),
    queried("query", "foo=1&bar=2"),
    queried("query not in order", "b=2&a=1&b=1"),
    queried("query with plus", "q=a+b"),
    queried("query with %20", "q=a%20b"),
    queried("query with upper and lower hex", "q=%2f%2F"),
    queried("query with quotes", "q='a'&r=%22b%22"),
    queried("query with raw UTF-8", "q=ü"),
    queried("query without values", "a&b="),
    queried("query with question mark", "a=1?b=2"),
    port("port added by Twilio", f"{HOST}/h", f"{HOST}:443/h"),
    port("port left out by Twilio", f"{HOST}:8443/h", f"{HOST}/h"),
    port("port kept", f"{HOST}:8443/h", f"{HOST}:8443/h"),
    port("http port added", "http://desk.example.com/h", "http://desk.example.com:80/h"),
    port("capitals in the host", "https://Desk.Example.com/h", "https://Desk.Example.com/h"),
    raw("JSON with bodySHA256", b'{"property": "value", "boolean": true}'),
    raw("JSON in UTF-8", '{"a": "ü"}'.encode()),
    raw("JSON behind other fields", b"{}", query="a=1&"),
    raw("bytes that are no text", b"\xff\xfe\x00", kind="application/octet-stream"),
    raw("a raw body without a type", b"x", kind=""),
]


@pytest.mark.parametrize("algorithm", [None, "HMAC_SHA1", "HMAC_SHA256"])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_request_signed_by_the_library_is_genuine_and_stays_so_only_as_signed(
    vector: Vector, algorithm: str | None
) -> None:
    genuine = vector.request(sign(vector.url, vector.fields, TOKEN, algorithm))
    if algorithm:
        settings = ("x-twilio-webhooks-signature-settings", f"key=webhooks_sharedkey_01,algorithm={algorithm}")
        genuine = with_headers(genuine, (*genuine.headers, settings))
    verify_signature(genuine, vector.account())
    other = vector.request(sign(vector.url + "x", vector.fields, TOKEN, algorithm))
    with pytest.raises(Forged):
        verify_signature(other, vector.account())
    with pytest.raises(Forged):
        verify_signature(genuine, account(public_url=vector.public_url, secrets=("another",)))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_library_itself_agrees_with_every_vector(vector: Vector) -> None:
    signature = sign(vector.url, vector.fields)
    fields = Fields()
    for name, value in vector.fields:
        fields.setdefault(name, []).append(value)
    readable = vector.kind != "application/octet-stream"
    params = vector.body.decode() if "bodySHA256" in vector.query and readable else fields
    assert RequestValidator(TOKEN).validate(vector.url, params, signature)


CALL = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
PUBLISHED: list[tuple[str, Pairs, str]] = [
    (
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        [*CALL.items(), ("Caller", "+14158675309"), ("From", "+14158675309")],
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    ),
    (
        "https://example.com/myapp.php?foo=1&bar=2",
        [*CALL.items(), ("Caller", "+14158675310"), ("From", "+14158675310")],
        "L/OH5YylLD5NRKLltdqwSvS0BnU=",
    ),
    (
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")],
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    ),
]


@pytest.mark.parametrize(("url", "fields", "signature"), PUBLISHED)
def test_a_published_signature_is_genuine(url: str, fields: Pairs, signature: str) -> None:
    public_url, _, query = url.partition("?")
    body = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in fields).encode()
    ours = account(public_url=public_url, secrets=("12345",))
    verify_signature(request(body, signature, query=query), ours)
    with pytest.raises(Forged):
        verify_signature(request(body + b"0", signature, query=query), ours)


def test_the_published_signature_of_a_json_body_is_genuine() -> None:
    body = b'{"property": "value", "boolean": true}'
    query = "foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    ours = account(public_url="https://mycompany.com/myapp.php", secrets=("12345",))
    genuine = request(body, "a9nBmqA0ju/hNViExpshrM61xv4=", query=query, kind="application/json")
    verify_signature(genuine, ours)
    for other in (body + b" ", body[:-1], body.replace(b"value", b"valuf")):
        with pytest.raises(Forged, match="bodySHA256"):
            verify_signature(request(other, "a9nBmqA0ju/hNViExpshrM61xv4=", query=query, kind="application/json"), ours)


def test_a_raw_body_without_its_hash_is_forged_where_the_library_raises_type_error() -> None:
    body = b'{"a": 1}'
    with pytest.raises(TypeError):
        RequestValidator(TOKEN).validate(PUBLIC_URL, body.decode(), sign(PUBLIC_URL, []))
    for query in ("", "bodySHA256=", "bodySHA256=0&bodySHA256=0"):
        url = PUBLIC_URL + (f"?{query}" if query else "")
        with pytest.raises(Forged, match="bodySHA256"):
            verify_signature(request(body, sign(url, []), query=query, kind="application/json"), account())


def test_a_hash_given_twice_is_forged_even_when_one_is_right() -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    query = f"bodySHA256={digest}&bodySHA256={digest}"
    with pytest.raises(Forged):
        verify_signature(request(b"{}", sign(f"{PUBLIC_URL}?{query}", []), query=query, kind="text/json"), account())


@pytest.mark.parametrize("algorithm", ["HMAC_MD5", "none", "HMAC_SHA512", "hmac_sha1x"])
def test_an_unknown_algorithm_is_forged(algorithm: str) -> None:
    genuine = request(b"Body=x", sign(PUBLIC_URL, [("Body", "x")]))
    settings = ("x-twilio-webhooks-signature-settings", f"key=k,algorithm={algorithm}")
    with pytest.raises(Forged, match="algorithm"):
        verify_signature(with_headers(genuine, (*genuine.headers, settings)), account())


def test_a_signature_of_one_algorithm_is_no_signature_of_the_other() -> None:
    sha1 = request(b"Body=x", sign(PUBLIC_URL, [("Body", "x")]))
    announced = (*sha1.headers, ("x-twilio-webhooks-signature-settings", "key=k,algorithm=HMAC_SHA256"))
    with pytest.raises(Forged):
        verify_signature(with_headers(sha1, announced), account())
    with pytest.raises(Forged):
        verify_signature(request(b"Body=x", sign(PUBLIC_URL, [("Body", "x")], TOKEN, "HMAC_SHA256")), account())


@pytest.mark.parametrize("public_url", ["https://desk.example.com:99999/h", "https://[broken/h", "http://a:b:c/h"])
def test_a_broken_public_url_is_forged_and_never_a_crash(public_url: str) -> None:
    with pytest.raises(Forged):
        verify_signature(request(b"Body=x", "c2ln"), account(public_url=public_url))


def test_host_and_forwarding_headers_are_never_part_of_the_url() -> None:
    evil = request(b"Body=x", sign("https://evil.example/hooks/sms-main", [("Body", "x")]))
    headers = (("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https"), ("host", "evil.example"))
    with pytest.raises(Forged):
        verify_signature(with_headers(evil, headers + evil.headers[1:]), account())


def with_headers(request: WebhookRequest, headers: tuple[tuple[str, str], ...]) -> WebhookRequest:
    return WebhookRequest(request.method, request.path, request.query, headers, request.body, request.step)
