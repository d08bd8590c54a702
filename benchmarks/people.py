"""People who never were, what they leave in the systems of a company, and the mistakes made on the way.

Nothing here is taken from the product: names are put together here, and who is who is known.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from msgspec import Struct, structs


def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


NICKNAMES = words("""
    William/Bill Robert/Bob Elizabeth/Liz Margaret/Peggy Katherine/Kate James/Jim Michael/Mike Richard/Dick Susan/Sue
    Thomas/Tom Joseph/Joe Patricia/Trish Daniel/Dan Jennifer/Jen Christopher/Chris Alexander/Alex Samuel/Sam
    Rebecca/Becky Anthony/Tony Edward/Ted Victoria/Vicky Benjamin/Ben Gregory/Greg Stephen/Steve Francisco/Paco
    Jose/Pepe Johannes/Hans Giuseppe/Beppe Aleksandra/Ola Dmitri/Dima
""")
GIVEN = {name: short for name, _, short in (pair.partition("/") for pair in NICKNAMES)}
PLAIN_GIVEN = words("""
    Agnes Ahmed Aiko Amara Anil Astrid Beatriz Bruno Carmen Chiara Cedric Dalia Dario Deepa Elif Emil Esther Fatima
    Felix Flora Gemma Goran Hanna Hugo Ibrahim Ines Ingrid Ivan Jana Javier Julia Kamal Karin Kofi Lara Leila Linus
    Luca Mai Marco Marta Mina Nadia Nils Noor Olga Omar Oscar Paula Pavel Petra Priya Rafael Rosa Ruth Sanjay Selma
    Sofie Tara Tariq Ute Vera Viktor Wei Yara Yusuf Zoe
""")
ONSETS = words("B Br C D F G Gr H J K Kr L M N P R S St T V W Z")
MIDDLES = words("a e i o u ar er or an en on al el in")
CODAS = words("berg mann sen son ska ton ley field ini ez ova er ham worth stein dal strom")
STREETS = words("Mill High Station Church Lake Garden Bridge Forest Market School Hill River Park Castle")
TOWNS = words("Ashford Brookvale Corby Dunmore Elmstead Fairholt Glenrock Harwick Ilton Kingsby Lowmoor Norvale")
FORMS = words("Ltd Logistics Partners Foods Systems Consulting Motors Media")
PLACEHOLDER_MAILS = ("none@none.com", "noemail@example.com", "n/a@na.com", "test@test.com")
MISSING = 0.1


class Person(Struct, frozen=True):
    """Who somebody is."""

    number: int
    first: str
    last: str
    born: date
    street: str
    town: str
    code: str
    company: str
    phone: str
    mail: str
    second_mail: str
    household: int


class Record(Struct, frozen=True):
    """What one system holds of somebody."""

    person: int
    name: str
    born: str | None
    street: str | None
    town: str | None
    code: str | None
    company: str | None
    mail: str | None
    phone: str | None = None


def populate(number: int, rng: random.Random) -> list[Person]:
    """So many people, some of them families at one address, some namesakes."""
    lasts = sorted({_last(rng) for _ in range(number)})
    companies = [f"{rng.choice(lasts)} {rng.choice(FORMS)}" for _ in range(max(number // 12, 2))]
    firsts = [*GIVEN, *PLAIN_GIVEN]
    people: list[Person] = []
    while len(people) < number:
        last, size = rng.choice(lasts), rng.choices((1, 2, 3, 4), (70, 15, 9, 6))[0]
        street = f"{rng.randrange(1, 240)} {rng.choice(STREETS)} {rng.choice(('Street', 'Road', 'Lane', 'Avenue'))}"
        town, code = rng.choice(TOWNS), f"{rng.randrange(10_000, 99_999)}"
        born = date(1935, 1, 1) + timedelta(days=rng.randrange(23_000))
        for place, first in enumerate(rng.sample(firsts, size)):
            index = len(people)
            twin = place and rng.random() < 0.05
            theirs = people[-1].born if twin else born + timedelta(days=rng.randrange(-400, 400) + place * 2000)
            number_of = f"{index * 7919 % 10_000_000:07d}"
            people.append(
                Person(
                    *(index, first, last, theirs, street, town, code, rng.choice(companies)),
                    phone=f"+1{rng.choice(('206', '312', '415', '617'))}{2 + index % 7}{number_of[1:]}",
                    mail=f"{first}.{last}.{index}@{rng.choice(('mail', 'post'))}.example".lower(),
                    second_mail=f"{first[0]}{last}{index}@work{index % 97}.example".lower(),
                    household=index - place,
                )
            )
    return people[:number]


def _last(rng: random.Random) -> str:
    middle = rng.choice(("", rng.choice("lmnrt") + rng.choice("aeio")))
    return rng.choice(ONSETS) + rng.choice(MIDDLES) + middle + rng.choice(CODAS)


def record_of(person: Person, rng: random.Random) -> Record:
    """A record without mistakes, in which little is missing."""
    return _thin(
        Record(
            *(person.number, f"{person.first} {person.last}", person.born.isoformat(), person.street, person.town),
            *(person.code, person.company, person.mail),
        ),
        rng,
    )


def second_record(person: Person, rng: random.Random) -> Record:
    """Another record of the same person: with another mail address, one to three mistakes, and something missing."""
    record = structs.replace(record_of(person, rng), mail=person.second_mail)
    for _ in range(rng.choices((0, 1, 2, 3), (15, 40, 30, 15))[0]):
        record = rng.choice(_MISTAKES)(record, person, rng)
    return record


def _thin(record: Record, rng: random.Random) -> Record:
    gone = {name: None for name in ("born", "street", "company") if rng.random() < MISSING}
    return structs.replace(record, **gone)


def slip(text: str, rng: random.Random) -> str:
    """A letter wrong, missing, doubled, or two swapped."""
    if len(text) < 4:
        return text
    at = rng.randrange(1, len(text) - 1)
    return rng.choice(
        (
            text[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + text[at + 1 :],
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )
    )


def _misspell_first(record: Record, person: Person, rng: random.Random) -> Record:
    first, _, last = record.name.partition(" ")
    return structs.replace(record, name=f"{slip(first, rng)} {last}")


def _misspell_last(record: Record, person: Person, rng: random.Random) -> Record:
    first, _, last = record.name.partition(" ")
    return structs.replace(record, name=f"{first} {slip(last, rng)}")


def _call_by_nickname(record: Record, person: Person, rng: random.Random) -> Record:
    return structs.replace(record, name=f"{GIVEN.get(person.first, person.first)} {record.name.partition(' ')[2]}")


def _marry(record: Record, person: Person, rng: random.Random) -> Record:
    if rng.random() < 0.7:  # rarer than a slip of the fingers
        return record
    return structs.replace(record, name=f"{person.first} {_last(rng)}")


def _turn_name(record: Record, person: Person, rng: random.Random) -> Record:
    first, _, last = record.name.partition(" ")
    return structs.replace(record, name=f"{last}, {first}")


def _move(record: Record, person: Person, rng: random.Random) -> Record:
    where = f"{rng.randrange(1, 240)} {rng.choice(STREETS)} Street"
    return structs.replace(record, street=where, town=rng.choice(TOWNS), code=f"{rng.randrange(10_000, 99_999)}")


def _misspell_street(record: Record, person: Person, rng: random.Random) -> Record:
    return structs.replace(record, street=slip(record.street, rng) if record.street else None)


def _misdate(record: Record, person: Person, rng: random.Random) -> Record:
    if not record.born:
        return record
    year, month, day = record.born.split("-")
    if int(day) <= 12 and rng.random() < 0.5:
        return structs.replace(record, born=f"{year}-{day}-{month}")
    return structs.replace(record, born=f"{year}-{month}-{rng.randrange(1, 28):02d}")


def _change_job(record: Record, person: Person, rng: random.Random) -> Record:
    return structs.replace(record, company=f"{rng.choice(ONSETS)}{rng.choice(MIDDLES)}{rng.choice(CODAS)} Group")


def _leave_out(record: Record, person: Person, rng: random.Random) -> Record:
    return structs.replace(record, **{rng.choice(("born", "street", "company")): None})


_MISTAKES = (
    *(_misspell_first, _misspell_last, _call_by_nickname, _marry, _turn_name, _move),
    *(_misspell_street, _misdate, _change_job, _leave_out),
)
