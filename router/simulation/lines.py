"""Where contacts wait: one line per requirement, and apart those which somebody has just declined or missed."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from router.simulation.pieces import Contact

Place = tuple[int, int, int, Contact]
"""Order, number, fence, contact: numbers differ but for the same contact, and its fences do."""


class Lines:
    """The waiting contacts."""

    def __init__(self) -> None:
        self._lines: dict[int, list[Place]] = {}
        self._apart: dict[int, Contact] = {}

    def join(self, contact: Contact) -> None:
        """It waits, in its order."""
        waits = contact.waits
        if waits.declined_by:
            self._apart[waits.id.int] = contact
        else:
            place = (waits.order_key, waits.id.int, contact.fence, contact)
            heapq.heappush(self._lines.setdefault(waits.need, []), place)

    def needs(self) -> frozenset[int]:
        """What somebody waits for."""
        for need, line in list(self._lines.items()):
            while line and not _waits(line[0]):
                heapq.heappop(line)
            if not line:
                del self._lines[need]
        self._apart = {number: contact for number, contact in self._apart.items() if contact.state == "queued"}
        return frozenset(self._lines) | {contact.waits.need for contact in self._apart.values()}

    def apart(self) -> list[Contact]:
        """Those to be judged one by one."""
        return list(self._apart.values())

    def rejoin(self, contact: Contact) -> None:
        """What was said of it before is forgotten."""
        del self._apart[contact.waits.id.int]
        self.join(contact)

    def heads(self, needs: Iterable[int], most: int) -> list[Contact]:
        """The first of each line, at most so many of each; they stay where they are until they are offered."""
        found: list[Contact] = []
        for need in needs:
            line = self._lines.get(need, [])
            taken: list[Place] = []
            while line and len(taken) < most:
                place = heapq.heappop(line)
                if _waits(place):
                    taken.append(place)
            for place in taken:
                heapq.heappush(line, place)
            found += [place[3] for place in taken]
        return found


def _waits(place: Place) -> bool:
    return place[3].state == "queued" and place[3].fence == place[2]
