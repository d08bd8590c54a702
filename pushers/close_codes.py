"""Every close code of the screen protocol: the number is API, the name is the close frame's reason.

4000-4499: do not reconnect. 4500-4999, 1001 and 1012: reconnect, with jitter, and resume.
"""

from __future__ import annotations

from msgspec import Struct


class CloseCode(Struct, frozen=True):
    """Why the server closes a screen."""

    code: int
    name: str
    sentence: str

    @property
    def reconnect(self) -> bool:
        """Whether the screen should come back."""
        return not 4000 <= self.code < 4500


GOING_AWAY = CloseCode(1001, "going_away", "The server or the proxy before it is leaving; come back.")
TOO_BIG = CloseCode(1009, "too_big", "A frame was longer than 64 KiB.")
RESTART = CloseCode(1012, "restart", "The server restarts; come back after a random moment and resume.")
BAD_FRAMES = CloseCode(4400, "bad_frames", "Three frames in a row could not be understood; the client is at fault.")
SIGNED_OUT = CloseCode(4401, "signed_out", "The token was withdrawn, has expired, or the agent was deactivated.")
REPLACED = CloseCode(4409, "replaced", "The agent opened more screens than allowed; the oldest is closed.")
TOO_MANY_FRAMES = CloseCode(4429, "too_many_frames", "The screen went on sending far above its rate.")
INTERNAL = CloseCode(4500, "internal", "The server failed to serve this screen; come back and resume.")
HELLO_TIMEOUT = CloseCode(4501, "hello_timeout", "No hello came within 10 s.")
SLOW = CloseCode(4508, "slow", "The screen did not read what was sent to it; come back and resume.")
OUT_OF_STEP = CloseCode(4509, "out_of_step", "The server could not keep a feed without a gap; come back and resume.")
RIGHTS_CHANGED = CloseCode(4510, "rights_changed", "The agent's role changed; come back with the new rights.")

CLOSE_CODES = {
    code.code: code
    for code in (
        GOING_AWAY,
        TOO_BIG,
        RESTART,
        BAD_FRAMES,
        SIGNED_OUT,
        REPLACED,
        TOO_MANY_FRAMES,
        INTERNAL,
        HELLO_TIMEOUT,
        SLOW,
        OUT_OF_STEP,
        RIGHTS_CHANGED,
    )
}
