"""Reading mail: quoted text, HTML made safe, broken structure; nothing in it raises (T9, T10, T23)."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.event import Arrival, events_of
from adapters.email.html import clean, text_of
from adapters.email.letter import read_source
from adapters.email.quotes import take_apart
from tests.adapters.email import mails
from tests.prove_channels.bombs import bombs

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20
ACCOUNT = mails.account("raw")


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("Hello\n\nOn Mon, 3 Nov 2026 at 10:00, Bob <b@x.example>\nwrote:\n> hi\n", "Hello"),
        ("Danke!\n\nAm 3. November 2026 um 10:00 schrieb Bob <b@x.example>:\n\n> hi", "Danke!"),
        ("Bien\n\nLe lun. 3 nov. 2026 à 10:00, Bob <b@x.example> a écrit :\n\n> hi", "Bien"),
        ("Gracias\n\nEl lun, 3 nov 2026 a las 10:00, Bob (<b@x.example>) escribió:\n\n> hola", "Gracias"),
        ("Ok\n\n-----Original Message-----\nFrom: Bob\nSent: today\nTo: x\nhi", "Ok"),
        ("Top\n________________________________\nFrom: Bob <b@x.example>\nSent: Monday\n\nhey", "Top"),
        ("Fine\n\n> only marked\n> lines\n", "Fine"),
        ("> hi\n\nmy answer", "my answer"),
        ("On Mon, 3 Nov 2026 at 10:00, Bob <b@x.example> wrote:\n> hi\n\nbelow", "below"),
        ("inline\n> a\nyes\n> b\nno", "inline\n> a\nyes\n> b\nno"),
        ("- one\n- two\n-- \nBob", "- one\n- two"),
        ("plain: text\nmore", "plain: text\nmore"),
        ("  indented\n    code", "indented\n    code"),
        ("a paragraph " + "x " * 400 + "\n\nOn Mon, 3 Nov 2026 at 10:00, Bob <b@x.example> wrote:\n> q", None),
        ("", ""),
    ],
)
def test_what_was_written_is_told_from_what_is_repeated(text: str, body: str | None) -> None:
    shown = take_apart(text)
    assert shown.body == body if body is not None else shown.body.startswith("a paragraph")
    assert body is not None or shown.quoted == text[text.index("On Mon") :]


TRICKS = [
    "<script>x()</script>",
    "<img src=x onerror=x()>",
    "<svg><script>x()</script></svg>",
    '<a href="javascript:x()">a</a>',
    '<a href="data:text/html,<script>x()</script>">a</a>',
    '<iframe src="https://evil.example"></iframe>',
    '<form action="https://evil.example"><button>x</button></form>',
    '<base href="https://evil.example/">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<link rel="prefetch" href="https://evil.example">',
    '<link rel="stylesheet" href="https://evil.example/x.css">',
    "<style>@import url(https://evil.example/x.css)</style>",
    '<div style="background:url(https://evil.example/p)">a</div>',
    '<div style="background-color:u\\72l(https://evil.example/p)">a</div>',
    "<div style=\"background-image:image-set('https://evil.example/p' 1x)\">a</div>",
    '<td background="https://evil.example/p">a</td>',
    '<img src="https://evil.example/p" srcset="https://evil.example/p2 2x">',
    '<img src="//evil.example/p">',
    '<img src=" https://evil.example/p">',
    '<img src="cid:other">',
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    '<picture><source srcset="https://evil.example/p"><img></picture>',
    '<video src="https://evil.example/v" poster="https://evil.example/p"></video>',
    '<audio src="https://evil.example/a"></audio>',
    '<object data="https://evil.example/o"></object>',
    '<embed src="https://evil.example/o">',
    '<input type="image" src="https://evil.example/p">',
    "<math><mtext><img src=x onerror=x()></mtext></math>",
    '<noscript><p title="</noscript><img src=x onerror=x()>"></noscript>',
    "<p title='\" src=\"blocked:'>a</p>",
]
LOADS = re.compile(
    r'\s(?:src|srcset|href|poster|background|action|data|style)="(?!data:image/png|https?://|mailto:)', re.I
)


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_in_html_runs_or_loads(trick: str) -> None:
    cleaned = clean(f"<p>before</p>{trick}<p>after</p>", {"pic": PNG})
    assert cleaned is not None
    assert "before" in cleaned
    assert not re.search(
        r"<(?:script|style|link|meta|base|iframe|form|svg|object|embed|video|audio|source|input)", cleaned
    )
    assert not re.search(r"\son\w+=", cleaned)
    assert not re.search(r'\ssrc="(?!data:image/(?:png|jpeg|gif|webp);base64,)', cleaned)
    assert "url(" not in cleaned
    assert not LOADS.search(cleaned)


def test_a_picture_of_the_mail_is_written_into_its_html_and_a_remote_one_moved_aside() -> None:
    cleaned = clean(
        '<img src="CID:pic"><img src="https://x.example/p.gif"><b style="color:red;position:fixed">a</b>', {"pic": PNG}
    )
    assert cleaned is not None
    assert cleaned.count("data:image/png;base64,") == 1
    assert 'data-remote="https://x.example/p.gif"' in cleaned
    assert 'style="color:red"' in cleaned


def test_html_too_deep_or_too_long_is_text_only() -> None:
    assert clean("<div>" * 201 + "a", {}) is None
    assert clean("<div></span>" * 201 + "a", {}) is None
    assert clean("x" * (512 * 1024 + 1), {}) is None
    assert text_of("<div>" * 300 + "a &amp; b") == "a & b"
    assert text_of("<p>one</p><blockquote>two<br>three</blockquote>four") == "one\n> two\n> three\nfour"


@pytest.mark.parametrize("bomb", bombs(), ids=lambda bomb: bomb.name)
def test_no_bomb_takes_half_a_second(bomb: object) -> None:
    source = bomb.source  # type: ignore[attr-defined]
    before = time.process_time()
    events_of(read_source(source), Arrival("k"), ACCOUNT)
    assert time.process_time() - before < 0.5


PIECES = st.sampled_from(
    [
        *(
            b"From: ",
            b"To: ",
            b"Subject: ",
            b"Content-Type: ",
            b"Content-Disposition: ",
            b"Date: ",
            b"\r\n",
            b"\n",
            b"\r",
        ),
        *(
            b"multipart/mixed; boundary=b",
            b"text/html",
            b"text/plain; charset=",
            b"utf-7",
            b"punycode",
            b"idna",
            b"--b",
        ),
        *(
            b"--b--",
            b"=?utf-8?b?",
            b"?=",
            b"=?x?q?=41?=",
            b"attachment; filename*0*=utf-8''%",
            b"filename*=",
            b";",
            b'"',
        ),
        *(b"begin 644 a\n", b"#0V%T\n", b"base64", b"Content-Transfer-Encoding: ", b"quoted-printable", b"x-uuencode"),
        *(
            b"<a@b.example>",
            b"message/delivery-status",
            b"Final-Recipient: rfc822; a@b.example",
            b"<blockquote>",
            b"\0",
        ),
        *(
            b"On a wrote:\n",
            b"> ",
            b"-- \n",
            b"\xff\xfe",
            b"\xed\xa0\x80",
            b"9" * 50,
            b"References: ",
            b"In-Reply-To: ",
        ),
    ]
)


@given(st.lists(PIECES | st.binary(max_size=12), max_size=40))
def test_reading_any_bytes_raises_nothing_and_gives_what_can_be_stored(pieces: list[bytes]) -> None:
    source = b"".join(pieces)
    for event in events_of(read_source(source), Arrival("k"), ACCOUNT):
        said = repr(event) + str(getattr(event, "body", "")) + str(getattr(event, "content", ""))
        said.encode()
        assert "\0" not in said
