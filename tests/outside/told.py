"""What a screen knows from the frames it was sent: pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Frame: TypeAlias = dict[str, Any]


@dataclass
class Told:
    """What a screen knows, over all its connections."""

    ringing: dict[str, Frame] = field(default_factory=dict)
    """Live offers by id, as their card."""
    ended: dict[str, str] = field(default_factory=dict)
    """Offers that ended, with their outcome."""
    held: dict[str, Frame] = field(default_factory=dict)
    """My Customers by contact id."""
    views: dict[str, dict[str, Frame]] = field(default_factory=dict)
    """Customer id → entries by id, oldest first."""
    presence: str = "offline"

    def take(self, frame: Frame) -> None:
        """Apply a frame, of whichever type."""
        match frame["type"]:
            case "welcome":
                self.ringing = {card["offer"]: card for card in frame["offers"]}
                self.held = {line["contact"]: line for line in frame["contacts"]}
                self.presence = frame["presence"]["status"]
            case "profile":
                self._profile(frame)
            case "offer" if frame["offer"] not in self.ended:
                self.ringing[frame["offer"]] = frame
            case "offer_ended":
                self._ended(frame)
            case "event" if frame["feed"].startswith("customer:"):
                self._customer(self.views.setdefault(frame["feed"].partition(":")[2], {}), frame["event"])
            case "event":
                self._agent(frame["event"])

    def _profile(self, frame: Frame) -> None:
        customer = frame["feed"].partition(":")[2]  # of whom nobody knows yet, too
        view = self.views.setdefault(customer, {})
        for entry in frame["timeline"]:
            view[entry["id"]] = entry
        self.views[customer] = dict(sorted(view.items(), key=lambda item: str(item[1]["at"])))
        if frame["reason"] == "accepted":
            self.ringing.pop(frame.get("offer") or "", None)

    def _customer(self, view: dict[str, Frame], event: Frame) -> None:
        if event["kind"] == "entry":
            view[event["entry"]["id"]] = event["entry"]
        elif event["kind"] == "receipt" and event["entry"] in view:
            view[event["entry"]] |= {"status": event["status"], "error": event.get("error")}

    def _agent(self, event: Frame) -> None:
        match event["kind"]:
            case "offer" if event["offer"] not in self.ended:
                self.ringing[event["offer"]] = event
            case "offer_ended":
                self._ended(event)
            case "presence":
                self.presence = event["presence"]["status"]
            case "held":
                self.held[event["held"]["contact"]] = event["held"]
            case "contact_ended":
                self.held.pop(event["contact"], None)

    def _ended(self, frame: Frame) -> None:
        self.ringing.pop(frame["offer"], None)
        self.ended[frame["offer"]] = frame["outcome"]


def subject(event: Frame) -> dict[str, str | None]:
    """What an event is about, for the history."""
    match event["kind"]:
        case "entry":
            return {"entry": event["entry"]["id"]}
        case "receipt":
            return {"entry": event["entry"]}
        case "held":
            return {"contact": event["held"]["contact"], "state": event["held"]["state"]}
        case "contact":
            return {"contact": event["contact"]["id"]}
        case "offer" | "offer_ended":
            return {"offer": event["offer"], "contact": event["contact"]}
        case "contact_ended":
            return {"contact": event["contact"]}
    return {}
