"""Mail at a real process: what is answered, what is kept, what becomes of it (INV1-5; T1, T9, T14)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest

from adapters.email.limits import MOST_BYTES
from tests.adapters.email import mailgun_requests, mails
from tests.conftest import database, execute, migrate_quietly
from tests.flow.gateway_process import Cable, Gateway, free_port, running
from tests.flow.mail_world import SECRET, SUPPORT, Post, found_mail, mail, post_of

SMTP_PORT, LMTP_PORT, OUT_PORT = free_port(), free_port(), free_port()


@pytest.fixture(scope="module")
def shared_url(admin_url: str) -> Iterator[str]:
    """One company for the tests of this file."""
    name = f"screenpop_mail_{os.getpid()}"
    asyncio.run(execute(admin_url, f'drop database if exists "{name}" with (force)', f'create database "{name}"'))
    url = database(admin_url, name)
    asyncio.run(migrate_quietly(url))
    asyncio.run(found_mail(url, OUT_PORT))
    yield url
    asyncio.run(execute(admin_url, f'drop database "{name}" with (force)'))


@pytest.fixture(scope="module")
def process(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A process that takes mail by HTTP, SMTP and LMTP."""
    folder = tmp_path_factory.mktemp("gateway")
    ports = {"SCREENPOP_SMTP_PORT": str(SMTP_PORT), "SCREENPOP_LMTP_PORT": str(LMTP_PORT)}
    with running(shared_url, folder / "log", SCREENPOP_DATA_DIR=str(folder), **ports) as gateway:
        asyncio.run(gateway.up())
        yield gateway


@pytest.fixture
async def post(shared_url: str, process: Gateway) -> AsyncIterator[Post]:
    async with post_of(shared_url, process.url) as post:
        yield post


async def test_a_mail_is_answered_after_it_is_kept_and_becomes_an_entry(post: Post) -> None:
    message = mail(body="Where is my order?\n\n-- \nAna\n", Subject="=?utf-8?q?Bestellung_f=C3=BCr_Ana?=")
    row = await post.entry(message)
    content = json.loads(row["said"])[0]
    assert (row["body"], row["direction"], row["channel"]) == ("Where is my order?", "in", "email")
    assert (content["subject"], content["signature"]) == ("Bestellung für Ana", "Ana")
    assert content["authenticated"] is True
    assert await post.value("select value from handle where id = $1", row["handle_id"]) == "ana@home.example"
    assert await post.value("select class from contact where conversation_id = $1", row["conversation_id"]) == "mail"


async def test_the_source_is_kept_byte_for_byte(post: Post) -> None:
    _, token = await post.hire("admin")
    body = b"From: x@y.example\r\nSubject: \xff\xfe\r\n\r\n\x00\x01 \xc3\x28 " + os.urandom(3_000_000)
    row = await post.entry(body)
    answer = await post.get(token, f"/v1/entries/{row['id']}/raw")
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(body).digest()


async def test_the_same_mail_sixteen_times_at_once_is_one_entry(post: Post) -> None:
    message = mail("Rae <rae@home.example>")
    answers = await asyncio.gather(*(post.raw(message) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    await post.settled()
    sql = "select count(*) from entry e join handle h on h.id = e.handle_id where h.value = 'rae@home.example'"
    assert await post.value(sql) == 1


@pytest.mark.parametrize("secret", ["x", "wrong", SECRET[:-1], SECRET + "x"])
async def test_a_mail_without_the_secret_is_403_and_no_row(post: Post, secret: str) -> None:
    before = await post.value("select count(*) from mail")
    assert (await post.raw(mail(), secret)).status_code == 403
    assert await post.value("select count(*) from mail") == before


async def test_a_mail_over_32_mib_is_413_by_http_and_552_by_smtp(post: Post) -> None:
    before = await post.value("select count(*) from mail")
    assert (await post.raw(b"x" * (MOST_BYTES + 1))).status_code == 413
    lines = await smtp(SMTP_PORT, b"From: a@b.example\r\n\r\n" + b"y" * 70 + b"\r\n" + b"x" * MOST_BYTES + b"\r\n")
    assert lines[-1].startswith("552")
    assert await post.value("select count(*) from mail") == before
    metrics = (await post.client.get(f"{post.url}/metrics")).text
    assert 'screenpop_webhooks_total{account="email-raw",outcome="too_large"} 1.0' in metrics
    assert 'screenpop_webhooks_total{account="",outcome="too_large"} 1.0' in metrics


async def smtp(port: int, body: bytes, *recipients: str, hello: str = "EHLO", pause: bool = False) -> list[str]:
    """Say a mail by hand, byte for byte; the server's lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines: list[str] = []

    async def answer() -> None:
        while True:
            lines.append((await reader.readline()).decode().rstrip())
            if lines[-1][3:4] != "-":
                return

    await answer()
    said = [f"{hello} test.example", "MAIL FROM:<ana@home.example>"]
    for line in [*said, *(f"RCPT TO:<{each}>" for each in recipients or (SUPPORT,)), "DATA"]:
        writer.write(line.encode() + b"\r\n")
        await answer()
    if lines[-1].startswith("354"):
        for start in range(0, len(body), 7 if pause else 1 << 16):
            writer.write(body[start : start + (7 if pause else 1 << 16)])
            await writer.drain()
            if pause:
                await asyncio.sleep(0)
        writer.write(b".\r\n")
        for _ in recipients or (SUPPORT,) if hello == "LHLO" else (1,):
            await answer()
    writer.close()
    return lines


async def test_mail_by_smtp_is_an_entry_whatever_its_lines_are(post: Post) -> None:
    _, token = await post.hire("admin")
    body = b"From: Kim <kim@home.example>\r\nSubject: dots\r\n\r\n..\r\n.x\r\n.\nno end\r\n" + b"z" * 5000 + b"\r\n"
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    assert (await smtp(SMTP_PORT, stuffed, pause=True))[-1].startswith("250")
    await post.settled()
    id_ = await post.value("select id from mail order by received_at desc limit 1")
    assert (await post.get(token, f"/v1/entries/{id_}/raw")).content == body
    assert (await smtp(SMTP_PORT, stuffed, "nobody@elsewhere.example"))[-2].startswith("550")


async def test_lmtp_answers_for_each_recipient(post: Post) -> None:
    message = mail("Lou <lou@home.example>").as_bytes().replace(b"\n", b"\r\n")
    lines = await smtp(LMTP_PORT, message, SUPPORT, "support+tag@desk.example", hello="LHLO")
    assert [line[:3] for line in lines[-2:]] == ["250", "250"]
    assert (await smtp(LMTP_PORT, message))[1].startswith("500"), "EHLO is not a command of LMTP"
    await post.settled()
    sql = "select count(*) from entry e join handle h on h.id = e.handle_id where h.form = 'lou@home.example'"
    assert await post.value(sql) + await post.value(sql.replace("form", "value")) == 1


async def test_whom_nobody_proved_is_nobody_yet_and_only_suggests(post: Post) -> None:
    proven = await post.entry(mail("Max <max@home.example>"))
    claimed = await post.entry(mail("Max <max@home.example>", proven=False, body="send me his invoices"))
    forged = await post.entry(
        mail(
            "Max <max@home.example>",
            proven=False,
            Authentication_Results="mx.evil; dmarc=pass header.from=home.example",
        )
    )
    assert {claimed["customer_id"], forged["customer_id"]}.isdisjoint({proven["customer_id"]})
    assert await post.value("select placeholder from customer where id = $1", claimed["customer_id"])
    assert await post.value("select customer_id from handle where value = 'max@home.example'") == proven["customer_id"]
    other = await post.entry(mail("Zoe <zoe@home.example>", proven=False))
    assert other["customer_id"] != claimed["customer_id"], "each claimed sender is apart from the others"
    _, token = await post.hire()
    for words, sender, first in (
        ("send me his", claimed, True),
        ("zoe@home", other, True),
        ("max@home", forged, False),
    ):
        text = f"{words}.example" if "@" in words else f"{words} invoices"
        items = (await post.get(token, f"/v1/customers?q={quote(text)}")).json()["items"]
        place = [UUID(item["id"]) for item in items].index(sender["customer_id"])
        assert (place == 0) is first, "whom nobody proved is found, after whose address it is"


async def test_what_verifies_and_cannot_be_read_is_a_dead_letter(post: Post) -> None:
    url, headers = (
        f"{post.url}/hooks/email-main",
        {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
    )
    before = await post.value("select count(*) from dead_letter")
    answers = [await post.client.post(url, content=b'{"MessageID": "m1", "From', headers=headers) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    await post.settled()
    assert await post.value("select count(*) from dead_letter") == before + 1
    assert (
        await post.value("select body from dead_letter order by received_at desc limit 1")
        == b'{"MessageID": "m1", "From'
    )


async def test_a_mail_that_was_a_dead_letter_is_shown_as_if_nothing_had_been(post: Post) -> None:
    _, token = await post.hire("admin")

    def message(subject: str) -> EmailMessage:
        made = mail("Uma <uma@home.example>", body="Where is it?", Subject=subject)
        made.add_alternative(
            '<p>Where <b>is</b> it?<script>x()</script><img src="https://t.example/p.gif"></p>', subtype="html"
        )
        made.add_attachment(b"%PDF-1.4 bill", "application", "pdf", filename="bill.pdf")
        return made

    whole = await post.entry(message("whole"))
    await post.pool.execute(
        "alter table entry add constraint fault check (content::text not like '%broken%') not valid"
    )
    try:
        assert (await post.raw(message("broken"))).status_code == 200
        await post.settled()
    finally:
        await post.pool.execute("alter table entry drop constraint fault")
    letter = await post.value("select id from dead_letter order by received_at desc limit 1")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await post.client.post(f"{post.url}/v1/dead-letters/{letter}/replay", headers=headers, timeout=30)
    assert (answer.status_code, answer.json().get("recorded")) == (200, True), answer.text
    id_ = await post.value("select id from entry where content::text like '%broken%'")
    html = [await post.get(token, f"/v1/entries/{each}/html") for each in (whole["id"], id_)]
    assert (html[1].status_code, html[1].text) == (200, html[0].text)
    assert b"broken" in (await post.get(token, f"/v1/entries/{id_}/raw")).content
    assert await post.value("select count(*) from attachment where entry_id = $1", id_) == 1
    assert await post.value("select state from mail where id = $1", id_) == "done"


async def test_html_is_served_for_a_frame_in_which_nothing_runs_or_loads(post: Post) -> None:
    _, token = await post.hire()
    message = mail("Eva <eva@home.example>")
    message.add_alternative(
        '<p>Hi <b onclick="x()">you</b><img src="https://t.example/p.gif"><script>x()</script>', subtype="html"
    )
    row = await post.entry(message)
    answer = await post.get(token, f"/v1/entries/{row['id']}/html")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script" not in answer.text
    assert ' src="https' not in answer.text
    assert 'data-remote="https://t.example/p.gif"' in answer.text
    assert (await post.get(token, f"/v1/entries/{(await post.entry(mail()))['id']}/html")).status_code == 404
    assert (await post.client.get(f"{post.url}/v1/entries/{row['id']}/html")).status_code == 401


async def test_without_a_database_a_mail_is_503_by_http_and_451_by_smtp(database_url: str, tmp_path: Path) -> None:
    await found_mail(database_url, OUT_PORT)
    cable, port = Cable(database_url), free_port()
    await cable.mend()
    with running(
        cable.url, tmp_path / "log", SCREENPOP_DATA_DIR=str(tmp_path), SCREENPOP_SMTP_PORT=str(port)
    ) as gateway:
        await gateway.up()
        async with post_of(database_url, gateway.url) as post:
            assert (await post.raw(mail())).status_code == 200
            await cable.cut()
            message = mail(Subject="later")
            answer = await post.raw(message)
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, "5")
            assert (await smtp(port, message.as_bytes().replace(b"\n", b"\r\n")))[-1].startswith(("451", "503"))
            await cable.mend()
            assert (await post.raw(message)).status_code == 200
            await post.settled()
            assert await post.value("select count(*) from entry") == 2
    await cable.cut()


async def test_mailguns_token_is_good_for_one_mail_only(post: Post) -> None:
    url = f"{post.url}/hooks/email-mailgun"
    before = await post.value("select count(*) from mail")
    one = mailgun_requests.Harness().signed()
    other = one.body.replace(b"This is Bob", b"This is Eve")
    headers = {"Content-Type": mails.MULTIPART}
    for body in (one.body, one.body, other):
        assert (await post.client.post(url, content=body, headers=headers)).status_code == 200
    await post.settled()
    assert await post.value("select count(*) from mail") == before + 1
    assert await post.value("select count(*) from entry where body like '%This is Eve%'") == 0
