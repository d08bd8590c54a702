"""The customers of the demo: who they are, and what was said before today."""

from __future__ import annotations

from msgspec import Struct


class Person(Struct, frozen=True):
    """A customer of the demo: who they are and what was said before today."""

    name: str
    phone: str
    company: str | None = None
    location: str | None = None
    language: str = "en"
    time_zone: str = "America/New_York"
    plan: str | None = None
    tags: tuple[str, ...] = ()
    talks: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """(days ago, lines): odd lines are the customer's, even ones the agent's."""


PEOPLE = (
    Person(
        "Layla Haddad",
        "+15145550142",
        "Studio Haddad",
        "Montréal",
        "fr",
        "America/Montreal",
        "Business",
        ("vip", "trade"),
        (
            (
                210,
                (
                    "Hello, do you deliver to Montréal?",
                    "Good morning Layla. Yes, in six to nine days.",
                    "Perfect, thanks.",
                ),
            ),
            (
                34,
                (
                    "The oak table arrived with a scratch on one leg.",
                    "I am sorry to read that. Could you send a picture of it?",
                    "Sent it by mail just now.",
                    "Received. A new leg leaves us tomorrow, no cost to you.",
                ),
            ),
            (
                6,
                (
                    "Any news about the second table?",
                    "It is at customs. I keep an eye on it and write the moment it moves.",
                    "Thank you Inês!",
                ),
            ),
        ),
    ),
    Person(
        "Tomáš Beneš",
        "+14155550171",
        "Beneš & Sons",
        "San Francisco",
        "en",
        "America/Los_Angeles",
        "Plus",
        ("wholesale",),
        (
            (
                91,
                (
                    "Can I change the billing address?",
                    "Of course, what is the new one?",
                    "221 Pine Street, 94104.",
                    "Done.",
                ),
            ),
            (
                12,
                (
                    "Our invoice 2026-1182 shows the old address.",
                    "You are right. A corrected one is on its way to you.",
                ),
            ),
        ),
    ),
    Person(
        "Adaeze Okonkwo",
        "+12125550118",
        None,
        "New York",
        plan="Basic",
        talks=(
            (3, ("Is the sample set still free?", "It is. Shall I send you one?", "Yes please!", "It left us today.")),
        ),
    ),
    Person(
        "Giorgos Papadakis",
        "+13125550133",
        None,
        "Chicago",
        "el",
        "America/Chicago",
        "Plus",
        (),
        (
            (
                16,
                (
                    "What colours does the linen come in?",
                    "Sand, slate and petrol. I can send you swatches.",
                    "Petrol please.",
                ),
            ),
        ),
    ),
    Person(
        "María Fernanda Ríos",
        "+13055550187",
        "Casa Ríos",
        "Miami",
        "es",
        talks=((45, ("¿Puedo cambiar el color del sofá?", "Sí, hasta mañana. ¿Cuál prefiere?", "El gris, gracias.")),),
    ),
    Person("Juhani Lehtonen", "+16175550125", None, "Boston", "fi", tags=("press",)),
)
