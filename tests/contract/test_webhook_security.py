"""What every provider's webhook must withstand (T1–T4, INV4, INV6), on `verify` and `parse` themselves.

A provider inherits `WebhookSecurityCases` and gives a harness: its account, a genuine request, how it signs, and
what it signs that cannot be read. Everything here is pure; the HTTP edge has its own tests.
"""

from __future__ import annotations

from typing import ClassVar, Protocol
from urllib.parse import unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.base import AccountConfig, Adapter, Forged, ParseError, WebhookRequest
from adapters.registry import UnknownProvider, adapter_for
from tests.adapters.sms import twilio_requests as twilio


class Harness(Protocol):
    """A provider as its tests need it."""

    account: AccountConfig
    """With exactly one secret."""
    proof: str
    """The header that carries the signature, in lower case."""

    def signed(self, secret: str | None = None) -> WebhookRequest:
        """A genuine request; signed with another secret where one is given."""

    def resigned(self, body: bytes) -> WebhookRequest:
        """The same request with this body, rightly signed."""

    def unreadable(self) -> dict[str, bytes]:
        """Bodies that no event can be made of, by what is wrong with them."""


class TwilioSmsHarness:
    """Twilio's SMS webhooks."""

    account = twilio.account()
    proof = "x-twilio-signature"

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return twilio.signed(twilio.message(), query="from=console", secret=secret or twilio.TOKEN)

    def resigned(self, body: bytes) -> WebhookRequest:
        # As the library's users decode a form: what is not UTF-8 becomes U+FFFD.
        pairs = [part.partition(b"=") for part in body.split(b"&") if part]
        fields = [(twilio_text(name), twilio_text(value)) for name, _, value in pairs]
        signature = twilio.sign(f"{twilio.PUBLIC_URL}?from=console", fields)
        return twilio.request(body, signature, query="from=console")

    def unreadable(self) -> dict[str, bytes]:
        genuine = urlencode(twilio.message()).encode()
        return {
            "empty": b"",
            "cut after the first field": genuine.split(b"&")[0],
            "unknown kind": urlencode(twilio.message(SmsStatus="exploded")).encode(),
            "U+0000": genuine + b"%00&X=1",
            "lone surrogate": genuine + b"&X=%ED%A0%80",
            "not UTF-8": genuine + b"&X=%FF",
            "over-long key": urlencode(twilio.message(MessageSid="S" * 300)).encode(),
            "key twice": genuine + b"&MessageSid=SM2",
            "too many fields": genuine + b"".join(b"&X%d=1" % index for index in range(300)),
            "another account's": urlencode(twilio.message(AccountSid="AC" + "9" * 32)).encode(),
        }


def twilio_text(raw: bytes) -> str:
    """A form field as the library's users decode it."""
    return unquote_plus(raw.decode("utf-8", "replace"), errors="replace")


class WebhookSecurityCases:
    """Inherit, set `harness`."""

    harness: ClassVar[Harness]

    @property
    def account(self) -> AccountConfig:
        return self.harness.account

    @property
    def adapter(self) -> Adapter:
        return adapter_for(self.account.provider, self.account.channel)

    def refused(self, request: WebhookRequest, account: AccountConfig | None = None) -> None:
        with pytest.raises(Forged):
            self.adapter.verify(request, account or self.account)

    def test_a_genuine_request_is_accepted_and_read(self) -> None:
        request = self.harness.signed()
        self.adapter.verify(request, self.account)
        assert self.adapter.parse(request, self.account)
        kind, body = self.adapter.answer(request, self.account)
        assert kind
        assert isinstance(body, bytes)

    def test_reading_twice_gives_the_same_keys(self) -> None:
        request = self.harness.signed()
        assert self.adapter.parse(request, self.account) == self.adapter.parse(request, self.account)

    def test_an_unsigned_request_is_forged(self) -> None:
        self.refused(without(self.harness.signed(), self.harness.proof))

    @pytest.mark.parametrize("value", ["", " ", "=", "AAAA", "ü", "\ud800", "x" * 10_000])
    def test_a_made_up_proof_is_forged(self, value: str) -> None:
        bare = without(self.harness.signed(), self.harness.proof)
        self.refused(replace(bare, headers=(*bare.headers, (self.harness.proof, value))))

    def test_a_proof_cut_short_or_made_longer_is_forged(self) -> None:
        request = self.harness.signed()
        bare = without(request, self.harness.proof)
        proof = dict(request.headers)[self.harness.proof]
        for value in [proof[:length] for length in range(len(proof))] + [proof + "A", proof + ", " + proof]:
            self.refused(replace(bare, headers=(*bare.headers, (self.harness.proof, value))))

    @pytest.mark.parametrize("first", [True, False])
    def test_the_proof_given_twice_is_forged_even_when_one_is_right(self, first: bool) -> None:
        request = self.harness.signed()
        other = (self.harness.proof, "c29tZXRoaW5n")
        headers = (other, *request.headers) if first else (*request.headers, other)
        self.refused(replace(request, headers=headers))
        self.refused(replace(request, headers=(*request.headers, *request.headers)))

    def test_the_content_type_given_twice_is_forged(self) -> None:
        request = self.harness.signed()
        self.refused(replace(request, headers=(*request.headers, ("content-type", "text/plain"))))

    def test_another_content_type_is_forged(self) -> None:
        request = without(self.harness.signed(), "content-type")
        for kind in ("text/plain", "multipart/form-data; boundary=x", "application/octet-stream", ""):
            self.refused(replace(request, headers=(*request.headers, ("content-type", kind))))
        self.refused(request)

    def test_another_secret_is_forged_and_every_secret_of_a_rotation_is_accepted(self) -> None:
        request, secret = self.harness.signed(), self.account.secrets[0]
        other = "ffffffffffffffffffffffffffffffff"
        self.refused(self.harness.signed(other))
        self.refused(request, replace(self.account, secrets=(other,)))
        self.refused(request, replace(self.account, secrets=(secret[:-1], secret + " ", secret.upper())))
        for secrets in ((secret, other), (other, secret), ("", secret)):
            self.adapter.verify(request, replace(self.account, secrets=secrets))

    @pytest.mark.parametrize("secrets", [(), ("",), (" ",), ("", "")])
    def test_an_account_without_a_secret_refuses_everything_and_says_so_at_start(
        self, secrets: tuple[str, ...]
    ) -> None:
        empty = replace(self.account, secrets=secrets)
        self.refused(self.harness.signed(), empty)
        for secret in {*secrets, " "}:
            self.refused(self.harness.signed(secret or "\0"), empty)
        assert any("secrets" in problem for problem in self.adapter.check_account(empty))
        assert self.adapter.check_account(self.account) == []

    def test_one_byte_changed_anywhere_in_the_body_is_forged(self) -> None:
        request = self.harness.signed()
        for index in range(len(request.body)):
            changed = bytearray(request.body)
            changed[index] ^= 1
            self.refused(replace(request, body=bytes(changed)))

    def test_a_body_cut_short_or_made_longer_is_forged(self) -> None:
        request = self.harness.signed()
        for length in range(len(request.body)):
            self.refused(replace(request, body=request.body[:length]))
        for more in (b"x", b"&x=1", b"\0", b" "):
            self.refused(replace(request, body=request.body + more))

    def test_another_query_or_step_is_forged(self) -> None:
        request = self.harness.signed()
        for query in ("", request.query + "&a=1", request.query + "x", "a=1&" + request.query):
            self.refused(replace(request, query=query))
        for step in ("", "status", "x/y"):
            self.refused(replace(request, step=step))

    def test_another_accounts_address_is_forged(self) -> None:
        for public_url in ("https://desk.example.com/hooks/other", "http://desk.example.com/hooks/sms-main"):
            self.refused(self.harness.signed(), replace(self.account, public_url=public_url))

    def test_what_is_genuine_but_unreadable_is_a_parse_error_with_a_reason(self) -> None:
        for what, body in self.harness.unreadable().items():
            request = self.harness.resigned(body)
            self.adapter.verify(request, self.account)
            with pytest.raises(ParseError) as caught:
                self.adapter.parse(request, self.account)
            assert caught.value.reason, what

    @given(
        st.binary(max_size=200),
        st.text(max_size=40),
        st.lists(st.tuples(st.sampled_from(["content-type", "x-other"]), st.text(max_size=40)), max_size=3),
        st.none() | st.text(max_size=20),
    )
    def test_any_bytes_are_forged_and_reading_them_raises_only_parse_error(
        self, body: bytes, text: str, headers: list[tuple[str, str]], step: str | None
    ) -> None:
        proof = (self.harness.proof, text)
        request = WebhookRequest("POST", "/hooks/x", text, (*headers, proof), body, step)
        self.refused(request)
        genuine_type = [pair for pair in self.harness.signed().headers if pair[0] == "content-type"]
        for kinds in (headers, genuine_type):
            try:
                self.adapter.parse(replace(request, headers=tuple(kinds)), self.account)
            except ParseError as error:
                assert error.reason

    def test_no_secret_and_no_content_is_shown_when_printed(self) -> None:
        request = self.harness.signed()
        shown = f"{self.account!r} {self.account.__rich_repr__()} {request!r} {request.__rich_repr__()}"
        assert self.account.secrets[0] not in shown
        assert dict(request.headers)[self.harness.proof] not in shown
        assert request.body.decode() not in shown


class TestTwilioSms(WebhookSecurityCases):
    """Twilio for SMS."""

    harness = TwilioSmsHarness()


def test_an_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(UnknownProvider, match="twilio sms"):
        adapter_for("twilio", "voice")


def without(request: WebhookRequest, name: str) -> WebhookRequest:
    """The request with a header taken out."""
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != name))
