"""What a mail becomes: text, files, threads, who wrote it, and whether anybody did (T13, T14, T21, T31)."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from adapters.base import AccountConfig
from adapters.email.event import Arrival, events_of
from adapters.email.letter import file_name, read_source
from adapters.email.proof import NOTHING, Proof, by_results, by_ses
from adapters.email.reply_address import Thread, is_ours
from model.content import Mail
from model.inbound import DeliveryReceipt, InboundMessage
from tests.adapters.email import mails
from tests.adapters.email.raw_requests import bounce

ACCOUNT = mails.account("raw", trusted_authserv="mx.desk.example")
ENTRY = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
THREAD = Thread(ACCOUNT)
ANA = "ana@home.example"
PROVEN = Proof(dmarc=("home.example",))
RESULTS = "Authentication-Results: {}\r\n"


def read(source: bytes, proof: Proof = NOTHING, *recipients: str) -> tuple[InboundMessage, Mail]:
    """The message of a mail, and what it says of itself."""
    message = events_of(read_source(source), Arrival("k", proof, recipients), ACCOUNT)[-1]
    assert isinstance(message, InboundMessage)
    content = message.content[0]
    assert isinstance(content, Mail)
    return message, content


def written(body: str = "hello", **fields: str) -> bytes:
    """A mail of Ana's."""
    given = {"From": f"Ana <{ANA}>", "To": "support@desk.example", "Message-ID": "<m@home.example>"}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in (given | fields).items() if value]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def test_a_mail_of_parts_is_text_quotation_picture_and_file() -> None:
    message, mail = read(mails.fixture("raw_reply_html.eml"))
    assert message.body == "It came broken, see the picture."
    assert mail.quoted is not None
    assert mail.quoted.startswith("On Wed, 25 Nov 2026")
    assert [(file.name, file.content_id) for file in message.files] == [
        ("broken.png", "pic@home"),
        ("Rechnung ü.pdf", None),
    ]
    assert message.html is not None
    assert 'src="data:image/png;base64,' in message.html
    assert 'data-remote="https://t.example/p.gif"' in message.html
    assert message.in_reply_to == "<one@home.example>"
    assert mail.references == ("<zero@home.example>", "<one@home.example>")


def test_headers_that_are_not_ascii_and_a_charset_of_another_page_are_read() -> None:
    source = mails.fixture("raw_8bit.eml").replace(b"5 EUR", b"5 \xa4")
    message, mail = read(source)
    assert (mail.subject, message.body, message.name_hint) == ("Grüße", "Preis: 5 €", "Jürgen")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (mails.fixture("raw_out_of_office.eml"), "auto_reply"),
        (mails.fixture("raw_list.eml"), "bulk"),
        (mails.fixture("raw_complaint.eml"), "complaint"),
        (bounce("<unknown@desk.example>"), "bounce"),
        (written(X_Autoreply="yes"), "auto_reply"),
        (written(Precedence="auto_reply"), "auto_reply"),
        (written(From="support@desk.example"), "bulk"),
        (written(From="MAILER-DAEMON@mx.example"), "bounce"),
        (written(Auto_Submitted="no"), None),
        (written(), None),
    ],
)
def test_what_nobody_wrote_is_known(source: bytes, kind: str | None) -> None:
    message, mail = read(source)
    assert mail.automatic == kind
    assert message.automatic is (kind is not None)


def test_a_bounce_of_our_reply_fails_it_with_the_reason_and_stands_with_whom_it_was_for() -> None:
    events = events_of(read_source(bounce(THREAD.message_id(ENTRY, ANA))), Arrival("k"), ACCOUNT)
    receipt, message = events
    assert isinstance(receipt, DeliveryReceipt)
    assert (receipt.outbound_id, receipt.status) == (ENTRY, "failed")
    assert receipt.error == "The mail came back (5.1.1): there is no such mailbox."
    assert isinstance(message, InboundMessage)
    assert (message.handle.value, message.automatic) == (ANA, True)


@pytest.mark.parametrize(
    "message_id",
    [
        "<unknown@desk.example>",
        THREAD.message_id(ENTRY, "eve@evil.example"),
        THREAD.message_id(ENTRY, ANA)[:-20] + "@desk.example>",
        f"<{ENTRY.hex}.@desk.example>",
        f"<{ENTRY.hex}.{'a' * 52}@desk.example>",
    ],
)
def test_a_bounce_of_what_we_did_not_send_fails_nothing(message_id: str) -> None:
    events = events_of(read_source(bounce(message_id)), Arrival("k"), ACCOUNT)
    assert [type(event) for event in events] == [InboundMessage]
    assert events[0].automatic  # type: ignore[union-attr]


def test_who_answers_under_a_signed_address_or_id_is_proven_and_nobody_else() -> None:
    address, ours = THREAD.reply_address(ENTRY, ANA), THREAD.message_id(ENTRY, ANA)
    for source in (
        written(To=address),
        written(To=address.upper()),
        written(In_Reply_To=ours),
        written(References=ours),
    ):
        message, mail = read(source)
        assert (message.handle.value, mail.authenticated, message.claims) == (ANA, True, ())
        assert message.in_reply_to == ours
    assert read(written(), NOTHING, address)[1].authenticated, "the envelope counts too"
    for sender in ("eve@evil.example", "ana@evil.example", f"{ANA}, eve@evil.example"):
        message, mail = read(written(To=address, In_Reply_To=ours, From=sender))
        assert not mail.authenticated
        assert message.handle.value.endswith("@unproven.invalid")


@pytest.mark.parametrize(
    ("said", "proven"),
    [
        ("dmarc=fail (p=reject) header.from=home.example", False),
        ("dmarc=fail", False),
        ('dmarc=fail header.from="home.example"', False),
        ("dkim=pass header.d=example; dmarc=fail header.from=home.example", False),
        ("dmarc=pass header.from=home.example; dmarc=fail header.from=home.example", False),
        ('spf=pass smtp.mailfrom=";"@evil.example; dmarc=fail header.from=home.example', False),
        ("dkim=pass header.d=evil.example; " * 60 + "dmarc=fail header.from=home.example", False),
        ("dkim=fail (" + "x" * 16_000 + ") header.d=evil.example; dmarc=fail header.from=home.example", False),
        ("dmarc=fail header.from=evil.example", True),
        ("dmarc=none header.from=home.example", True),
        ("spf=fail smtp.mailfrom=home.example", True),
    ],
)
def test_a_signed_id_proves_nobody_whom_dmarc_refuses_and_serves_the_thread(said: str, proven: bool) -> None:
    address, ours = THREAD.reply_address(ENTRY, ANA), THREAD.message_id(ENTRY, ANA)
    headers = RESULTS.format(f"mx.desk.example; {said}").encode()
    for source in (headers + written(In_Reply_To=ours), headers + written(To=address)):
        proof = by_results(read_source(source).headers, frozenset(("mx.desk.example",)))
        message, mail = read(source, proof)
        assert (mail.authenticated, message.handle.value == ANA) == (proven, proven)
        assert message.in_reply_to == ours
    for verdict, authenticated in (("FAIL", False), ("GRAY", True), ("PASS", True)):
        source = written(In_Reply_To=ours)
        proof = by_ses({"dmarc": verdict, "spf": "FAIL"}, read_source(source).headers, "x@evil.example")
        assert read(source, proof)[1].authenticated is authenticated


def test_a_signed_address_cut_or_changed_anywhere_is_nobodys() -> None:
    address, ours = THREAD.reply_address(ENTRY, ANA), THREAD.message_id(ENTRY, ANA)
    plus, at = address.index("+"), address.index("@")
    changed = [address[:n] + ("b" if address[n] == "a" else "a") + address[n + 1 :] for n in range(plus + 1, at)]
    cut = [address[:n] + address[at:] for n in range(plus, at)]
    assert all(THREAD.answered([each], [], ANA) is None for each in [*changed, *cut, address[:plus] + address[at:]])
    start, end = ours.index(".") + 1, ours.index("@")
    changed = [ours[:n] + ("b" if ours[n] == "a" else "a") + ours[n + 1 :] for n in range(1, end) if ours[n] != "."]
    cut = [ours[:n] + ours[end:] for n in range(start, end)]
    assert all(THREAD.answered([], [each], ANA) is None for each in [*changed, *cut])
    assert THREAD.answered([address], [ours], ANA) == ENTRY
    others = (replace(ACCOUNT, secrets=("f" * 32,)), replace(ACCOUNT, id="other"), replace(ACCOUNT, secrets=("",)))
    assert all(Thread(each).answered([address], [ours], ANA) is None for each in others)
    assert Thread(replace(ACCOUNT, secrets=("f" * 32, mails.SECRET))).answered([address], [], ANA) == ENTRY


def test_whom_nobody_proved_hangs_on_an_address_of_their_own_that_means_nobody() -> None:
    message, mail = read(written())
    assert (message.handle.value, message.handle.form) == ("nobody+ana=home.example@unproven.invalid", ANA)
    assert [claim.value for claim in message.claims] == [ANA]
    assert not mail.authenticated
    assert read(written(), PROVEN)[0].handle.value == ANA


@pytest.mark.parametrize(
    ("headers", "proven"),
    [
        (RESULTS.format("mx.desk.example; dmarc=pass header.from=home.example"), True),
        (RESULTS.format("mx.desk.example; dkim=pass header.d=home.example"), True),
        (RESULTS.format("mx.desk.example 1; spf=pass smtp.mailfrom=x@home.example"), True),
        (RESULTS.format("mx.desk.example (a comment; dmarc=fail); dmarc=pass (p=none) header.from=home.example"), True),
        (RESULTS.format("mx.desk.example; dkim=pass header.d=example"), False),
        (RESULTS.format("mx.desk.example; dkim=pass header.d=corner.home.example"), False),
        (
            RESULTS.format("mx.desk.example; dkim=fail header.d=home.example; spf=pass smtp.mailfrom=evil.example"),
            False,
        ),
        (RESULTS.format("mx.evil.example; dmarc=pass header.from=home.example"), False),
        (RESULTS.format("mx.desk.example.evil; dmarc=pass header.from=home.example"), False),
        (
            RESULTS.format("mx.desk.example; dmarc=fail header.from=home.example")
            + RESULTS.format("mx.desk.example; dmarc=pass header.from=home.example"),
            False,
        ),
        ("", False),
    ],
)
def test_only_the_topmost_result_of_our_own_server_proves(headers: str, proven: bool) -> None:
    source = headers.encode() + written()
    letter = read_source(source)
    proof = by_results(letter.headers, frozenset(("mx.desk.example",)))
    assert proof.covers(letter.headers) is proven


@pytest.mark.parametrize(
    "sender",
    [
        "ana@home.example, eve@evil.example",
        '"ana@home.example" <eve@evil.example>',
        "ana@home.example (x) <eve@evil.example>",
        "<ana@home.example>eve@evil.example",
        "ana@home.example\r\nFrom: eve@evil.example",
    ],
)
def test_a_from_of_two_readings_proves_nobody(sender: str) -> None:
    message, _ = read(written(From=sender), PROVEN)
    assert message.handle.value != ANA


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("\u200b.htaccess", "htaccess"),
        ("a\0b.php", "a\ufffdb.php"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("C:\\x\\y.txt", "C_x_y.txt"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("...", None),
        ("", None),
    ],
)
def test_names_of_files_mean_nothing_to_a_system(given: str, name: str | None) -> None:
    assert file_name(given) == name


def test_a_text_longer_than_is_shown_is_whole_in_a_file() -> None:
    text = "word " * 10_000
    message, _ = read(written(text))
    assert len(message.body) == 16_000
    assert [(file.name, file.data.decode()) for file in message.files] == [("message.txt", text.strip())]


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("support@desk.example", True),
        ("Support+tag@Desk.example", True),
        ("sales@desk.example", False),
        ("support@desk.example.evil", False),
        ("any@list.example", True),
        ("", False),
    ],
)
def test_which_recipients_are_an_accounts(address: str, ours: bool) -> None:
    account: AccountConfig = replace(ACCOUNT, settings={"recipients": "@list.example"})
    assert is_ours(address, account) is ours


@pytest.mark.parametrize("recipients", ["*", "@home.example", "ana@home.example, *"])
def test_what_mail_an_account_takes_does_not_make_its_customers_our_own(recipients: str) -> None:
    settings = {"recipients": recipients, "reply_address": "in@desk.example"}
    account: AccountConfig = replace(ACCOUNT, settings=settings)
    for sender, own in ((ANA, False), ("support+tag@desk.example", True), ("in@desk.example", True)):
        proof = Proof(dmarc=(sender.rpartition("@")[2],))
        message = events_of(read_source(written(From=sender)), Arrival("k", proof), account)[-1]
        assert isinstance(message, InboundMessage)
        assert (message.automatic, message.handle.value == sender) == (own, not own)


def test_signed_addresses_fit_into_what_mail_carries() -> None:
    address = THREAD.reply_address(uuid4(), ANA)
    assert len(address.partition("@")[0]) <= 64
    long = replace(ACCOUNT, address="customer-support@desk.example")
    from adapters.email.raw import RawMail

    assert any("settings.reply_address" in problem for problem in RawMail().check_account(long))
    assert RawMail().check_account(replace(long, settings={"reply_address": "r@desk.example"})) == []
