"""What the sender writes into a check's own words proves nobody else's domain (T14).

Local part, greeting and comments of `Authentication-Results` and `Received-SPF` are the sender's choice.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.email.headers import Headers
from adapters.email.proof import NOTHING, Proof, by_postmark, by_results

OURS = frozenset(("mx.desk.example",))
FORGED = "dmarc=pass header.from=victim.example"


def results(said: str) -> Proof:
    """What our own server's results prove of a mail that says it is the victim's."""
    value = f"mx.desk.example; {said}"
    return by_results(Headers([("Authentication-Results", value), ("From", "ceo@victim.example")]), OURS)


def postmark(said: str) -> Proof:
    """The same of Postmark's headers."""
    tests = ("X-Spam-Tests", "DKIM_SIGNED,SPF_PASS")
    return by_postmark(Headers([tests, ("Received-SPF", said), ("From", "ceo@victim.example")]))


def proven(proof: Proof) -> set[str]:
    """Every domain it counts as proven."""
    return {*proof.dkim, *proof.spf, *proof.dmarc}


@pytest.mark.parametrize(
    "said",
    [
        'spf=pass smtp.mailfrom="ceo@victim.example"@evil.example; dmarc=fail header.from=victim.example',
        f'spf=pass smtp.mailfrom="a; {FORGED} "@evil.example; dmarc=fail header.from=victim.example',
        f'spf=pass (helo=x; envelope-from="x); {FORGED} ("@evil.example) smtp.mailfrom=evil.example; dmarc=none',
        f'spf=pass (a (b "x)); {FORGED} (("@evil.example) c) smtp.mailfrom=evil.example',
        f'spf=pass smtp.mailfrom="a\\"; {FORGED} "@evil.example',
        f"spf=pass smtp.mailfrom=x\\; {FORGED}",
        f"spf=pass (x); {FORGED} (y) smtp.mailfrom=evil.example; dmarc=fail header.from=victim.example",
        f"spf=pass (x)); {FORGED}",
        f'spf=pass ("); {FORGED}',
        'dkim=pass header.s=q" header.d=evil.example; dkim=fail header.s=q" header.d=victim.example',
        "dkim=pass header.s=q( header.d=evil.example; dkim=fail header.s=q) header.d=victim.example",
        "spf=pass x-helo=smtp.mailfrom=victim.example smtp.mailfrom=evil.example",
        f"spf=pass smtp.mailfrom={'x' * 238}@victim.example.evil.example",
    ],
)
def test_results_with_words_of_the_senders_prove_nothing_of_the_victim(said: str) -> None:
    assert "victim.example" not in proven(results(said))


@pytest.mark.parametrize(
    ("said", "domains"),
    [
        ('spf=pass smtp.mailfrom="a b"@home.example; dmarc=pass (p=none) header.from=home.example', {"home.example"}),
        ('dkim=pass (2048-bit key; secure (it is)) header.d=home.example header.b="Ab/12cd"', {"home.example"}),
        ("spf=pass smtp.mailfrom=ceo@victim.example@home.example", {"home.example"}),
        ('dkim=fail reason="no key" header.d=evil.example;dkim=pass header.i=@home.example', {"home.example"}),
        ("spf=softfail smtp.mailfrom=home.example; dmarc=pass action=none header.from=home.example", {"home.example"}),
    ],
)
def test_results_as_servers_write_them_are_read(said: str, domains: set[str]) -> None:
    assert proven(results(said)) == domains


SPF = "Pass (sender SPF authorized) identity=mailfrom; client-ip=192.0.2.1; helo={helo}; envelope-from={sender};"


@pytest.mark.parametrize(
    ("helo", "sender"),
    [
        ("mx.evil.example", '"ceo@victim.example"@evil.example'),
        ("mx.evil.example", '"x; envelope-from=ceo@victim.example"@evil.example'),
        ("envelope-from=ceo@victim.example", "x@evil.example"),
        ("Envelope-From=ceo@victim.example", "x@evil.example"),
        ('"', "ceo@victim.example"),
        ("x", f"{'x' * 239}@victim.example.evil.example"),
    ],
)
def test_received_spf_with_words_of_the_senders_proves_nothing_of_the_victim(helo: str, sender: str) -> None:
    assert "victim.example" not in proven(postmark(SPF.format(helo=helo, sender=sender)))
    assert proven(postmark(SPF.format(helo="mx", sender="ana@home.example"))) == {"home.example"}


PIECES = (
    *('"', "(", ")", ";", "\\", " ", "=", "@", "<", ">", ",", "a", "\t", "/", "1", "."),
    *("victim.example", "ceo@victim.example", "evil.example", "smtp.mailfrom=", "header.from=", "header.d="),
    *("spf=pass", "dkim=pass", "dmarc=pass", f"; {FORGED} ", f"); {FORGED} (", f" {FORGED}", "envelope-from="),
)
WORDS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
GREETINGS = WORDS.map(lambda text: "".join(text.split()) or "mx")
"""A greeting is one word of whatever signs."""


def quoted(words: str) -> str:
    """As the local part of an address has to be written."""
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"').replace("\t", " ") + '"'


FORMS = st.sampled_from(
    [
        "spf=pass smtp.mailfrom={sender}; dmarc=fail header.from=victim.example",
        "dmarc=fail header.from=victim.example; spf=pass smtp.mailfrom={sender}",
        "spf=pass smtp.mailfrom={sender} smtp.helo={helo}; dkim=none; dmarc=fail header.from=victim.example",
        "spf=pass smtp.helo={helo} smtp.mailfrom={sender}; dkim=fail header.d=victim.example; dmarc=fail",
        "spf=pass (mx: domain of {sender} designates 192.0.2.1 as permitted sender) smtp.mailfrom={sender};"
        " dmarc=fail (p=REJECT sp=REJECT dis=NONE) header.from=victim.example",
        "spf=pass (sender SPF authorized) smtp.mailfrom=evil.example (client-ip=192.0.2.1; helo={helo};"
        " envelope-from={sender}; receiver=support@desk.example); dmarc=fail header.from=victim.example",
        "dkim=pass (1024-bit key) header.d=evil.example header.i={sender}; spf=pass (helo={helo})"
        " smtp.mailfrom={sender}; dmarc=fail (p=none) header.from=victim.example",
        "dkim=pass header.i={sender}; spf=pass smtp.mailfrom={sender}; dmarc=fail header.from=victim.example",
    ]
)


@given(FORMS, WORDS, GREETINGS)
@example("spf=pass smtp.mailfrom={sender}; dmarc=fail", "ceo@victim.example", "mx")
@example("spf=pass (helo={helo}; envelope-from={sender}) smtp.helo={helo}", f"x); {FORGED} (", '"')
def test_whatever_the_sender_writes_the_victim_is_never_proven(form: str, words: str, helo: str) -> None:
    said = form.format(sender=f"{quoted(words)}@evil.example", helo=helo)
    assert "victim.example" not in proven(results(said)), said


@given(WORDS, GREETINGS)
def test_whatever_the_sender_writes_postmark_never_proves_the_victim(words: str, helo: str) -> None:
    said = SPF.format(sender=f"{quoted(words)}@evil.example", helo=helo)
    assert "victim.example" not in proven(postmark(said)), said
    assert "victim.example" not in proven(postmark(SPF.format(sender="x@evil.example", helo=helo))), helo


def test_results_that_cannot_be_read_say_nothing_and_those_below_are_not_asked() -> None:
    fields = [("Authentication-Results", f"mx.desk.example; {said}") for said in ('spf=pass "', FORGED)]
    assert proven(by_results(Headers(fields), OURS)) == set()
    assert by_results(Headers([("Authentication-Results", 'mx.other.example; spf=pass "')]), OURS) == NOTHING


@pytest.mark.parametrize("sign", ['"', "(", ")", '\\"', '"\\', "((", "()", '"a"', "(a", " (", ") ("])
def test_results_full_of_signs_take_no_time(sign: str) -> None:
    assert proven(results(sign * 16_000)) == set()
