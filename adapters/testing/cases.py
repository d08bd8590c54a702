"""What every provider's webhook must withstand (T1–T4, INV4, INV6), on `verify` and `parse` themselves.

`test_pure` gives each harness to each of these; what only holds where the proof covers body, address or content type
is asked only there.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.base import AccountConfig, Forged, ParseError, WebhookRequest
from adapters.testing.harness import OTHER_SECRET, HarnessBase, without
from model.inbound import InboundEvent

HEADERS = st.lists(st.tuples(st.sampled_from(["content-type", "x-other"]), st.text(max_size=40)), max_size=3)
MADE_UP = ("", " ", "=", "AAAA", "ü", "\ud800", "x" * 10_000, "sha256=", "Bearer ", "Basic Og==", "Basic !")


class WebhookSecurityCases:
    """A class with the fixture `harness`."""

    def refused(
        self, harness: HarnessBase, request: WebhookRequest | None, account: AccountConfig | None = None
    ) -> None:
        """Verifying must raise Forged and nothing else; there is nothing to refuse where there is no request."""
        if request is not None:
            with pytest.raises(Forged):
                harness.adapter.verify(request, account or harness.account)

    def with_proof(self, harness: HarnessBase, *values: str) -> WebhookRequest | None:
        """The genuine request with other proofs than its own."""
        if harness.proof is None:
            return None
        bare = without(harness.signed(), harness.proof)
        return replace(bare, headers=(*bare.headers, *((harness.proof, value) for value in values)))

    def test_a_genuine_request_is_accepted_and_read(self, harness: HarnessBase) -> None:
        request = harness.signed()
        harness.adapter.verify(request, harness.account)
        assert harness.adapter.parse(request, harness.account)
        answer = harness.adapter.answer(request, harness.account)
        assert answer.content_type
        assert 200 <= answer.status < 300

    def test_every_fixture_is_genuine_and_read_the_same_twice(self, harness: HarnessBase) -> None:
        for name, request in harness.requests().items():
            harness.adapter.verify(request, harness.account)
            events = harness.adapter.parse(request, harness.account)
            assert events, name
            assert events == harness.adapter.parse(request, harness.account), name
            assert not any(map(is_letter, events)), name
            keys = [getattr(event, "key", None) for event in events]
            assert len(set(keys)) == len(keys), name

    def test_an_unsigned_request_is_forged(self, harness: HarnessBase) -> None:
        self.refused(harness, harness.unsigned())

    @pytest.mark.parametrize("value", MADE_UP)
    def test_a_made_up_proof_is_forged(self, harness: HarnessBase, value: str) -> None:
        self.refused(harness, self.with_proof(harness, value))

    def test_a_proof_cut_short_or_made_longer_is_forged(self, harness: HarnessBase) -> None:
        proof = dict(harness.signed().headers).get(harness.proof or "", "")
        cut = [proof[:length] for length in range(len(proof))]
        for value in [*cut, proof + "A", proof + ", " + proof] if harness.proof else []:
            self.refused(harness, self.with_proof(harness, value))

    def test_the_proof_given_twice_is_forged_even_when_one_is_right(self, harness: HarnessBase) -> None:
        self.refused(harness, harness.proof_twice())
        proof = dict(harness.signed().headers).get(harness.proof or "", "")
        self.refused(harness, self.with_proof(harness, "c29tZXRoaW5n", proof))
        self.refused(harness, self.with_proof(harness, proof, "c29tZXRoaW5n"))

    def test_a_stale_request_is_forged(self, harness: HarnessBase) -> None:
        self.refused(harness, harness.stale())

    def test_another_content_type_is_forged_where_it_is_part_of_the_proof(self, harness: HarnessBase) -> None:
        if harness.content_type_decides:
            request = without(harness.signed(), "content-type")
            for kind in ("text/plain", "multipart/form-data; boundary=x", "application/octet-stream", ""):
                self.refused(harness, replace(request, headers=(*request.headers, ("content-type", kind))))
            twice = harness.signed()
            self.refused(harness, replace(twice, headers=(*twice.headers, ("content-type", "text/plain"))))
            self.refused(harness, request)

    def test_another_secret_is_forged_and_every_secret_of_a_rotation_is_accepted(self, harness: HarnessBase) -> None:
        if harness.unsigned() is None:
            return
        account = harness.account
        request, secret = harness.signed(), account.secrets[0]
        self.refused(harness, harness.signed(OTHER_SECRET))
        self.refused(harness, request, replace(account, secrets=(OTHER_SECRET,)))
        self.refused(harness, request, replace(account, secrets=(secret[:-1], secret + " ", secret + "x")))
        for secrets in ((secret, OTHER_SECRET), (OTHER_SECRET, secret), ("", secret)):
            harness.adapter.verify(request, replace(account, secrets=secrets))

    @pytest.mark.parametrize("secrets", [(), ("",), (" ",), ("", "")])
    def test_an_account_without_a_secret_refuses_everything_and_says_so_at_start(
        self, harness: HarnessBase, secrets: tuple[str, ...]
    ) -> None:
        assert harness.adapter.check_account(harness.account) == []
        if harness.unsigned() is None:
            return
        empty = replace(harness.account, secrets=secrets)
        self.refused(harness, harness.signed(), empty)
        for secret in {*secrets, " "}:
            self.refused(harness, harness.signed(secret or "\0"), empty)
        assert any("secrets" in problem for problem in harness.adapter.check_account(empty))

    def test_one_byte_changed_anywhere_in_the_body_is_forged(self, harness: HarnessBase) -> None:
        request = harness.signed()
        for index in range(len(request.body) if harness.covers_body else 0):
            changed = bytearray(request.body)
            changed[index] ^= 1
            self.refused(harness, replace(request, body=bytes(changed)))

    def test_a_body_cut_short_or_made_longer_is_forged(self, harness: HarnessBase) -> None:
        request = harness.signed()
        if harness.covers_body:
            for length in range(len(request.body)):
                self.refused(harness, replace(request, body=request.body[:length]))
            for more in (b"x", b"&x=1", b"\0"):
                self.refused(harness, replace(request, body=request.body + more))

    def test_another_query_step_or_address_is_forged(self, harness: HarnessBase) -> None:
        request = harness.signed()
        if harness.covers_address:
            for query in (request.query + "&a=1", request.query + "x", "a=1&" + request.query):
                self.refused(harness, replace(request, query=query))
            for step in ("", "status", "x/y"):
                self.refused(harness, replace(request, step=step))
            for url in ("https://desk.example.com/hooks/other", harness.account.public_url.replace("https", "http")):
                self.refused(harness, request, replace(harness.account, public_url=url))

    def test_what_is_genuine_but_unreadable_is_a_letter_with_a_reason(self, harness: HarnessBase) -> None:
        for what, body in harness.unreadable().items():
            assert self.read(harness, body) == "letter", what

    def test_hostile_bodies_become_what_they_should(self, harness: HarnessBase) -> None:
        for what, body in harness.hostile().items():
            assert (self.read(harness, body.data) == "letter") == (body.becomes == "letter"), what

    def read(self, harness: HarnessBase, body: bytes) -> str:
        """What a rightly proved body is read as: "letter", with a reason, or the events."""
        request = harness.resigned(body)
        harness.adapter.verify(request, harness.account)
        try:
            events = harness.adapter.parse(request, harness.account)
        except ParseError as error:
            assert error.reason
            return "letter"
        return "letter" if any(map(is_letter, events)) else repr(events)

    # A harness holds nothing that one example could leave to the next.
    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.binary(max_size=200), st.text(max_size=40), HEADERS, st.none() | st.text(max_size=20))
    def test_any_bytes_are_forged_and_reading_them_raises_only_parse_error(
        self, harness: HarnessBase, body: bytes, text: str, headers: list[tuple[str, str]], step: str | None
    ) -> None:
        proof = ((harness.proof, text),) if harness.proof else ()
        request = WebhookRequest("POST", "/hooks/x", text, (*headers, *proof), body, step)
        if harness.unsigned() is not None:
            self.refused(harness, request)
        genuine_type = [pair for pair in harness.signed().headers if pair[0] == "content-type"]
        for kinds in (headers, genuine_type):
            try:
                harness.adapter.parse(replace(request, headers=tuple(kinds)), harness.account)
            except ParseError as error:
                assert error.reason

    def test_no_secret_and_no_content_is_shown_when_printed(self, harness: HarnessBase) -> None:
        request, account = harness.signed(), harness.account
        shown = f"{account!r} {account.__rich_repr__()} {request!r} {request.__rich_repr__()}"
        assert not account.secrets or account.secrets[0] not in shown
        assert not harness.proof or dict(request.headers)[harness.proof] not in shown
        assert request.body.decode("utf-8", "replace") not in shown


def is_letter(event: InboundEvent) -> bool:
    """Whether this one of several events is a dead letter: it alone has no key."""
    return not hasattr(event, "key")
