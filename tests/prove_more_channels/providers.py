"""The providers of this proof: where each is written, and what is told of a message that it took."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]


class Provider(Struct, frozen=True):
    """`settles`: what a reply's status is in the end. `sent` where the provider tells nothing after it took it."""

    name: str
    channel: str
    settles: tuple[str, ...] = ("delivered", "read")

    @property
    def account(self) -> str:
        """Its account in the demo."""
        return "generic-main" if self.channel == "generic" else f"{self.name}-main"

    @property
    def file(self) -> Path:
        """Where it is written."""
        return ROOT / "adapters" / self.channel / f"{self.name}.py"

    @property
    def signature_test(self) -> Path:
        """Where the published vector of its proof is held against it."""
        return ROOT / "tests" / "adapters" / self.channel / f"test_{self.name}_signature.py"


PROVIDERS = (
    Provider("telegram", "telegram", ("sent",)),
    Provider("line", "line", ("sent",)),
    Provider("x", "x", ("read",)),
    Provider("viber", "viber"),
    Provider("slack", "slack", ("sent",)),
    Provider("standard", "generic"),
    Provider("vonage", "sms"),
    Provider("bandwidth", "sms"),
    Provider("messagebird", "sms"),
    Provider("telnyx", "sms"),
)
