"""What a reply holds besides words: its files, a template, the message it answers, what a mail says around its text."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import Actor
from model.content import Content
from model.refusal import Refused
from model.timeline import Media
from model.wire import Reply
from profiles.mail_reply import mail_of
from profiles.reply_limits import LimitsOf, check_limits, quoted, take_uploads
from profiles.route import Route
from store.pool import Connection


class Holds(Struct, frozen=True):
    """What a reply holds besides words. `answers`: what its channel calls the message it answers."""

    files: tuple[Media, ...]
    content: tuple[Content, ...]
    answers: str | None

    @property
    def json(self) -> str | None:
        """The content as the outbox keeps it."""
        return msgspec.json.encode(self.content).decode() if self.content else None


async def held_by(
    connection: Connection, actor: Actor, frame: Reply, route: Route, given: tuple[UUID, LimitsOf | None]
) -> Holds | Refused:
    """Judge what the reply holds by what its channel takes, and look up what it names."""
    root, limits_of = given
    files = await take_uploads(connection, actor, frame.attachments)
    if isinstance(files, Refused):
        return files
    limits = await limits_of(connection, route.account) if limits_of else None
    refused = await check_limits(connection, frame, (route.handle_id, route.account), files, limits) if limits else None
    answered = refused or await quoted(connection, root, frame, route)
    if isinstance(answered, Refused):
        return answered
    content: tuple[Content, ...] = (frame.template,) if frame.template else ()
    answers = answered.provider_id if answered else None
    if route.channel == "email":
        mail = await mail_of(connection, route.leaf or root, frame, route)
        if isinstance(mail, Refused):
            return mail
        content, answers = (*content, mail), mail.in_reply_to
    return Holds(files, content, answers)


USE_UPLOAD = "update attachment set entry_id = $2, account_id = $3, position = $4 where id = $1"


async def use_uploads(connection: Connection, files: Sequence[UUID], entry: UUID, account: str) -> None:
    """They are this reply's now, in this order."""
    for place, file in enumerate(files):
        await connection.execute(USE_UPLOAD, file, entry, account, place)
