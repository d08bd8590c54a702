"""Identities, tokens and events of the web chat, without anything running (C7, T14)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.base import Forged
from adapters.chat.events import parse
from adapters.chat.visitor import issue_token, read_identity, read_token
from model.inbound import InboundMessage
from tests.adapters.chat.screenpop_requests import SECRET, account, identity, request, said

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reference" / "chat.md"
NOW = 1_800_000_000


def test_the_identity_in_the_document_is_signed_by_its_scheme() -> None:
    (vector,) = re.findall(r"^    (eyJ[\w-]+\.[0-9a-f]{64})$", DOCUMENT.read_text(), re.MULTILINE)
    site = account(id="chat-main", secrets=("0123456789abcdef0123456789abcdef",))
    assert read_identity(vector, site, 4_000_000_000 - 60).id == "id:u-17"
    with pytest.raises(Forged, match="longer than a week"):
        read_identity(vector, site, NOW)


def test_only_who_has_the_sites_secret_says_who_somebody_is() -> None:
    forged = [identity(secret="0" * 32), identity(account="chat-other"), identity()[:-1], identity().replace(".", ".0")]
    for one in forged:
        with pytest.raises(Forged, match="not signed by the site"):
            read_identity(one, account(), NOW)


def test_a_token_is_no_identity_and_an_identity_no_token() -> None:
    visitor = read_identity(identity(seconds=60), account(secrets=("0" * 32, SECRET)), _now())
    token, _ = issue_token(visitor, account())
    with pytest.raises(Forged):
        read_identity(token, account(), _now())
    with pytest.raises(Forged):
        read_token(identity(), account(), _now())


def test_a_line_told_again_later_has_the_key_it_had() -> None:
    line = said(id="5a2f43a8-7b0f-4f0e-9a39-0a1f1f8e7d11")
    keys = set()
    for seconds_ago in (0, 7, 200):
        (event,) = parse(request(line, seconds_ago=seconds_ago), account())
        assert isinstance(event, InboundMessage)
        keys.add(event.key)
    assert len(keys) == 1


def _now() -> int:
    at = request(said()).received_at
    assert at is not None
    return int(at.timestamp())
