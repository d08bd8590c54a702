"""A large company's past, as rows of the tables of the product: as many customers and entries as asked.

Made anew from a seed, with skewed names, companies and words as people have them; each conversation stands together in
time and those of one customer far apart, so that a timeline lies scattered on disk as it would.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct

BEGIN = datetime(2024, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=700)
ENTRIES_EACH = 10
USUAL = 60
"""Entries of every `USUAL_EVERY`th customer, who are the ones compared."""
USUAL_EVERY = 100
LONGEST = 100_000
"""Entries of customer 0."""
TALK = 8
"""Entries of a conversation at most."""
WORDS = 30_000
STOCK = 3_000_000
FIRST = 1_000
"""Number of the first entry: the demo has a few of its own."""
ACCOUNT = "sms-main"
SEED = 7
FORMS = ("Ltd", "GmbH", "Inc", "SA", "Group", "Partners", "Systems", "Trading")
TAGS = ["vip", "press", "partner", "trial", "late-payer", "wholesale", "student", "beta", "churned", "newsletter"]
DOMAINS = ("example.com", "example.org", "mail.example", "post.example.net")
PLAIN = str.maketrans({"é": "e", "ü": "u", "ö": "o", "ø": "o"})


class Table(Struct, frozen=True):
    """What to fill, in lines of COPY's text format."""

    name: str
    columns: str
    rows: int
    """About so many."""
    lines: Iterable[str]


class Size(Struct, frozen=True):
    """How large."""

    customers: int
    longest: int = LONGEST

    @property
    def entries(self) -> int:
        """In all, about."""
        return self.customers * ENTRIES_EACH


def uuid_of(kind: int, number: int) -> str:
    """An id that grows with its number, as the product's do."""
    text = f"{0x019000000000 + number:012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-{kind:012x}"


def phone_of(number: int) -> str:
    """The phone of a customer, in an area code of their own."""
    return f"+1{(201 + number // 800_000 * 7) % 900:03d}{2_000_000 + number % 800_000 * 9:07d}"


class Language:
    """Made-up names and words; the first ones are the common ones."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        starts = [
            "b",
            "br",
            "ch",
            "d",
            "f",
            "g",
            "gr",
            "h",
            "j",
            "k",
            "kl",
            "l",
            "m",
            "n",
            "p",
            "r",
            "s",
            "st",
            "t",
            "v",
            "w",
            "z",
        ]
        vowels = ["a", "e", "i", "o", "u"] * 8 + ["é", "ü", "ö", "ø"]
        ends = ["", "", "n", "r", "l", "s", "t", "ck", "nd", "rt"]
        syllables = ["".join(parts) for parts in itertools.product(starts, vowels, ends)]
        self.first = self._make(syllables, 2_000, 2, 2)
        self.last = self._make(syllables, 60_000, 2, 3)
        self.words = self._make(syllables, WORDS, 1, 4)
        self.cumulated = list(itertools.accumulate(1 / (rank + 3) for rank in range(WORDS)))

    def _make(self, syllables: list[str], number: int, least: int, most: int) -> list[str]:
        made: dict[str, None] = {}
        while len(made) < number:
            made["".join(self._rng.choices(syllables, k=self._rng.randint(least, most)))] = None
        return list(made)

    def skewed(self, rng: random.Random, values: list[str], power: float = 2.5) -> str:
        """A value, the first far more often."""
        return values[int(len(values) * rng.random() ** power)]

    def name(self, rng: random.Random) -> str:
        """First and last name."""
        return f"{self.skewed(rng, self.first).title()} {self.skewed(rng, self.last).title()}"


def tables(size: Size) -> Iterator[Table]:
    """All tables in the order in which to fill them."""
    language = Language(SEED)
    yield from _people(language, size, random.Random(SEED + 1))
    yield from _talks(language, size, random.Random(SEED + 2))


def _people(language: Language, size: Size, rng: random.Random) -> Iterator[Table]:
    companies = [
        f"{language.skewed(rng, language.last).title()} {rng.choice(FORMS)}" for _ in range(size.customers // 15)
    ]
    numbers = range(size.customers)
    names = [language.name(rng) for _ in numbers]
    at = [(BEGIN + SPAN * (number / size.customers)).isoformat() for number in numbers]

    def customers() -> Iterator[str]:
        for number in numbers:
            company = language.skewed(rng, companies, 1.5) if rng.random() < 0.4 else "\\N"
            tags = "{" + ",".join({language.skewed(rng, TAGS, 2) for _ in range(rng.randrange(3))}) + "}"
            fields = f'{{"contract": "K{rng.randrange(10**8):08d}"}}' if rng.random() < 0.5 else "{}"
            id_ = uuid_of(1, number)
            yield f"{id_}\t{id_}\t{names[number]}\t{company}\t{tags}\t{fields}\t{at[number]}\n"

    def handles() -> Iterator[str]:
        for number in numbers:
            end = f"{uuid_of(1, number)}\tt\tt\t{at[number]}\n"
            yield f"{uuid_of(2, number)}\tphone\t\t{phone_of(number)}\t{end}"
            if number % 5 < 3:
                local = names[number].lower().replace(" ", ".")
                local = local.translate(PLAIN) + str(number)
                yield f"{uuid_of(3, number)}\temail\t\t{local}@{rng.choice(DOMAINS)}\t{end}"
            if number % 10 == 0:
                yield f"{uuid_of(4, number)}\tsocial\tpage\t{rng.randrange(10**15, 10**16)}\t{end}"

    def addresses() -> Iterator[str]:
        for number in numbers[::3]:
            street = f"{language.skewed(rng, language.last, 1.2).title()} Street {rng.randrange(1, 300)}"
            city = language.skewed(rng, language.last[:5_000]).title()
            yield f"{uuid_of(5, number)}\t{uuid_of(1, number)}\t{street}\t{city}\t{rng.randrange(10_000, 100_000)}\n"

    everybody = size.customers
    links = (f"{uuid_of(6, n)}\t{uuid_of(2, n)}\t{uuid_of(1, n)}\tfirst_contact\t{{}}\t{at[n]}\n" for n in numbers)
    streams = (f"1\t{uuid_of(1, number)}\t20\n" for number in numbers)
    yield Table("customer", "id root_id name company tags fields created_at", everybody, customers())
    handled = "id kind scope value customer_id main verified created_at"
    yield Table("handle", handled, everybody * 17 // 10, handles())
    yield Table("stream", "kind id seq", everybody, streams)
    yield Table("link", "id handle_id customer_id rule evidence at", everybody, links)
    yield Table("address", "id customer_id street city postal_code", everybody // 3, addresses())


def lengths(size: Size, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Conversations in order of time: whose, and of how many entries."""
    talks: list[tuple[int, int]] = [(0, TALK)] * (size.longest // TALK)
    for number in range(1, size.customers):
        left = USUAL if number % USUAL_EVERY == 0 else min(int(rng.expovariate(1 / (ENTRIES_EACH - 1.4))) + 1, 200)
        while left > 0:
            talks.append((number, min(left, TALK)))
            left -= TALK
    rng.shuffle(talks)
    return iter(talks)


def _talks(language: Language, size: Size, rng: random.Random) -> Iterator[Table]:
    talks = list(lengths(size, rng))
    step = SPAN / len(talks)
    opened = [(BEGIN + step * place).isoformat() for place in range(len(talks))]

    def conversations() -> Iterator[str]:
        for place, (number, _) in enumerate(talks):
            id_ = uuid_of(1, number)
            yield f"{uuid_of(7, place)}\t{id_}\t{id_}\tclosed\t{opened[place]}\t{opened[place]}\n"

    def contacts() -> Iterator[str]:
        for place, (number, entries) in enumerate(talks):
            yield (
                f"{uuid_of(8, place)}\t{uuid_of(1, number)}\t{uuid_of(7, place)}\t{ACCOUNT}\t{uuid_of(2, number)}\t"
                f"sms\tmessaging\tclosed\tf\t{opened[place]}\t{entries}\n"
            )

    def entries(bodies: Iterator[str]) -> Iterator[str]:
        numbers = itertools.count()
        for place, (number, length) in enumerate(talks):
            tail = f"\t{uuid_of(2, number)}\t{ACCOUNT}\n"
            middle = f"\t{uuid_of(1, number)}\t{uuid_of(7, place)}\t{opened[place][:19]}."
            for turn, n in zip(range(length), numbers):  # noqa: B905  # one is endless
                way = "out" if turn % 2 else "in"
                yield f"{FIRST + n}\t{uuid_of(9, n)}{middle}{turn:06d}+00\tmessage\tsms\t{way}\t{next(bodies)}{tail}"

    number = sum(length for _, length in talks)
    text = rng.choices(language.words, cum_weights=language.cumulated, k=STOCK)
    plain = list(map({word: word.translate(PLAIN) for word in language.words}.__getitem__, text))
    words = (f"{n}\t{said}\n" for n, said in enumerate(_bodies(plain, number, "ord {:07d}"), FIRST))
    yield Table("conversation", "id customer_id profile_id status opened_at closed_at", len(talks), conversations())
    asked = "id customer_id conversation_id account_id handle_id channel class state unrouted arrived_at messages"
    yield Table("contact", asked, len(talks), contacts())
    said = "n id customer_id conversation_id at kind channel direction body handle_id account_id"
    yield Table("entry", said, number, entries(_bodies(text, number, "ORD-{:07d}")))
    yield Table("entry_words", "n words", number, words)


def _bodies(text: list[str], number: int, order: str) -> Iterator[str]:
    """Each takes words from anywhere in one long text, at a stride of its own: no two are alike."""
    rng = random.Random(SEED + 3)
    for serial in range(number):
        at = int(rng.random() * (STOCK // 2))
        length = 4 + serial * 7919 % 14
        stride = 1 + at * 31 % (STOCK // 40)
        body = " ".join(text[at : at + length * stride : stride])
        yield f"{body} {order.format(serial)}" if serial % 10 == 0 else body
