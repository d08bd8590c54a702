"""How likely two profiles are one person (Fellegi and Sunter's log-odds). Pure.

Each field adds the logarithm of how much oftener it looks like this when two profiles are one person than when they are
two; the sum begins with how rarely two profiles are one at all. So a rare name says much and a common one little:
`Crowd` tells how many people here bear a name. What one person has only once (a birth date, the company's own id)
speaks against it where it differs, and so do two given names in one family.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from model.customer import MatchedField
from profiles.birth_dates import are_changed_about, are_clearly_different, is_filled_in, is_new_years_day
from profiles.handles import classify
from profiles.names import ALIKE, are_different_people, may_be_one, pair_up, words_of
from profiles.portrait import SMALLEST_CROWD, Claimed, Crowd, Likeness, Place, Portrait

DUPLICATES: Final = 0.1
"""How many profiles have another of the same person beside them, as companies find when they clean up."""
_OTHER_GIVEN_NAME: Final = -9.0
_FAMILY: Final = "same family name, other given name"
"""Brothers, spouses, colleagues of one name share an address and a telephone, which says nothing then."""


def compare(ours: Portrait, theirs: Portrait, crowd: Crowd) -> Likeness:
    """Compare two profiles; the other way round it is the same with sides changed."""
    name = _names(ours, theirs, crowd)
    claim = _claims(ours, theirs)
    own = [_birth_dates(ours, theirs), _external_ids(ours, theirs), _emails(ours, theirs)]
    of_a_household = [
        _phones(ours, theirs, crowd),
        _places(ours, theirs),
        _companies(ours, theirs),
        _locations(ours, theirs),
    ]
    if name is not None and name.how == _FAMILY:
        of_a_household = [field for field in of_a_household if field is not None and field.weight < 0]
    found = [name, claim, *own, *of_a_household]
    matched = tuple(sorted((field for field in found if field is not None), key=lambda field: -field.weight))
    population = max(crowd.population, SMALLEST_CROWD)
    odds = math.log(DUPLICATES / population) + sum(field.weight for field in matched)
    shown = tuple(MatchedField(f.field, f.ours, f.theirs, f.how, round(f.weight, 2)) for f in matched)
    return Likeness(1 / (1 + math.exp(-max(-50.0, min(50.0, odds)))), shown, claim is not None and claim.weight > 0)


# -- names --------------------------------------------------------------------------------------------------------


def _names(ours: Portrait, theirs: Portrait, crowd: Crowd) -> MatchedField | None:
    """The two names that go best together."""
    pairs = [_name_pair(a, b, crowd) for a in ours.names for b in theirs.names if words_of(a) and words_of(b)]
    return max(pairs, key=lambda field: (field.weight, sorted((field.ours, field.theirs))), default=None)


def _name_pair(ours: str, theirs: str, crowd: Crowd) -> MatchedField:
    a, b = words_of(ours), words_of(theirs)
    pairs = pair_up(a, b)
    weight = sum(_word(a[i], b[j], likeness, crowd) for i, j, likeness in pairs)
    left = [word for i, word in enumerate(a) if i not in {i for i, _, _ in pairs}]
    right = [word for j, word in enumerate(b) if j not in {j for _, j, _ in pairs}]
    may_be = any(may_be_one(x, y) for x in left for y in right)
    how = "same" if a == b else "same words" if all(pair[2] == 1 for pair in pairs) else "written alike"
    if not left or not right:
        weight -= 0.4 * (len(left) + len(right))
    elif not pairs:
        weight, how = -6.0, "different"
    elif any(0 in (i, j) for i, j, _ in pairs):
        # The given name is the same: married, or somebody else of that name.
        weight += -2.0 if may_be else -4.5
        how = "same given name, other family name"
    else:
        weight += -4.0 if may_be else _OTHER_GIVEN_NAME
        how = "given names alike" if may_be else _FAMILY
    return MatchedField("name", ours, theirs, how, weight)


def _word(ours: str, theirs: str, likeness: float, crowd: Crowd) -> float:
    """The weight of two words that are one name: its rarity, less what a different spelling costs."""
    if min(len(ours), len(theirs)) == 1:
        return 2.0
    rarity = min(crowd.rarity(ours), crowd.rarity(theirs))
    if likeness == 1:
        return rarity
    return max(rarity - (1.5 if likeness >= 0.92 else 2.5), 0.5)


# -- what one person has once -------------------------------------------------------------------------------------


def _birth_dates(ours: Portrait, theirs: Portrait) -> MatchedField | None:
    pairs = [_birth_date_pair(a, b) for a in ours.birth_dates for b in theirs.birth_dates]
    return max((pair for pair in pairs if pair is not None), key=lambda field: field.weight, default=None)


def _birth_date_pair(ours: date, theirs: date) -> MatchedField | None:
    if is_filled_in(ours) or is_filled_in(theirs):
        return None
    if ours == theirs:
        weight, how = (5.0 if is_new_years_day(ours) else 9.0), "same"
    elif are_changed_about(ours, theirs):
        weight, how = 5.0, "day and month changed about"
    elif OSA.distance(f"{ours:%Y%m%d}", f"{theirs:%Y%m%d}") == 1:
        weight, how = 3.5, "one digit apart"
    elif are_clearly_different(ours, theirs):
        weight, how = -5.0, "different"
    else:  # the day of another form's line: a slip is likelier than two people of one name born in one month
        weight, how = 1.0, "one part another"
    return MatchedField("birth_date", str(ours), str(theirs), how, weight)


def _external_ids(ours: Portrait, theirs: Portrait) -> MatchedField | None:
    if not ours.external_ids or not theirs.external_ids or set(ours.external_ids) & set(theirs.external_ids):
        return None
    return MatchedField("external_id", min(ours.external_ids), min(theirs.external_ids), "different", -6.0)


# -- handles ------------------------------------------------------------------------------------------------------


def _claims(ours: Portrait, theirs: Portrait) -> MatchedField | None:
    """That one of them names the other's handle as their own.

    Between two people with different names it asks nobody whether they are one: what a channel proved says that they
    use it both, as a household or an office does, and what one only says is a mistake, or an attempt to be the other.
    It stays to be read among the reasons.
    """
    claims = [claim for claim in (_claimed(ours, theirs), _claimed(theirs, ours)) if claim is not None]
    if not claims:
        return None
    claim = min(claims, key=_strongest)
    how, weight = ("proven together, but kept apart" if claim.proven else "only claimed"), 7.0
    if are_different_people(ours.names, theirs.names):
        weight = 0.0
    return MatchedField(f"claimed {claim.kind}", claim.value, claim.value, how, weight)


def _strongest(claim: Claimed) -> tuple[bool, str, str, str]:
    return not claim.proven, claim.kind, claim.scope, claim.value


def _claimed(ours: Portrait, theirs: Portrait) -> Claimed | None:
    """The strongest of our claims on what is theirs."""
    for claim in sorted(ours.claims, key=_strongest):
        has: dict[str, Iterable[object]] = {
            "phone": theirs.phones,
            "email": theirs.emails,
            "external_id": theirs.external_ids,
        }
        value: object = (claim.scope, claim.value) if claim.kind == "social" else claim.value
        if value in has.get(claim.kind, theirs.socials):
            return claim
    return None


def _phones(ours: Portrait, theirs: Portrait, crowd: Crowd) -> MatchedField | None:
    pairs = [_phone_pair(a, b, crowd) for a in ours.phones for b in theirs.phones if _is_slip(a, b)]
    return max(pairs, key=lambda field: (field.weight, sorted((field.ours, field.theirs))), default=None)


def _phone_pair(ours: str, theirs: str, crowd: Crowd) -> MatchedField:
    how = "one digit apart" if sorted(ours) != sorted(theirs) else "two digits changed about"
    # Numbers that differ at their end stand side by side in one block: colleagues, or a family with several lines.
    weight = (3.0 if ours[:-1] == theirs[:-1] else 5.5) - math.log(max(crowd.near_phones, 1))
    return MatchedField("phone", ours, theirs, how, max(weight, 0.0))


@lru_cache(maxsize=4096)
def _is_slip(a: str, b: str) -> bool:
    return a != b and len(a) == len(b) and OSA.distance(a, b, score_cutoff=1) == 1


_DIGITS = re.compile(r"[0-9]")


def _emails(ours: Portrait, theirs: Portrait) -> MatchedField | None:
    words = {word for portrait in (ours, theirs) for name in portrait.names for word in words_of(name)}
    personal = [[each for each in side.emails if classify("email", each) == "personal"] for side in (ours, theirs)]
    pairs = [pair for a in personal[0] for b in personal[1] if (pair := _email_pair(a, b, words))]
    return max(pairs, key=lambda field: (field.weight, sorted((field.ours, field.theirs))), default=None)


def _email_pair(ours: str, theirs: str, words: set[str]) -> MatchedField | None:
    (a, _, a_domain), (b, _, b_domain) = ours.rpartition("@"), theirs.rpartition("@")
    rare = _says_more_than_the_name(a, words) and _says_more_than_the_name(b, words)
    if a == b and a_domain != b_domain:
        if OSA.distance(a_domain, b_domain, score_cutoff=2) <= 2:
            return MatchedField("email", ours, theirs, "written alike", 6.0 if rare else 4.0)
        return MatchedField("email", ours, theirs, "same before the @", 5.0 if rare else 1.5)
    if a_domain == b_domain and min(len(a), len(b)) >= 5 and OSA.distance(a, b, score_cutoff=1) == 1:
        # One digit apart is another person who found the name taken.
        counted = _DIGITS.sub("", a) == _DIGITS.sub("", b)
        return MatchedField("email", ours, theirs, "written alike", 1.0 if counted else 5.0)
    if min(len(a), len(b)) >= 6 and re.sub(r"[._-]", "", a.split("+")[0]) == re.sub(r"[._-]", "", b.split("+")[0]):
        return MatchedField("email", ours, theirs, "same but for dots", 4.5 if rare else 1.5)
    return None


def _says_more_than_the_name(local: str, words: set[str]) -> bool:
    """Whether a local part holds more than the person's name, which the name has said already."""
    rest = local
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) > 2 else rest
    return len(re.sub(r"[^a-z0-9]", "", rest)) >= (2 if rest != local else 4)


# -- places -------------------------------------------------------------------------------------------------------


def _places(ours: Portrait, theirs: Portrait) -> MatchedField | None:
    pairs = [_place_pair(a, b) for a in ours.places for b in theirs.places]
    return max((pair for pair in pairs if pair), key=lambda f: (f.weight, sorted((f.ours, f.theirs))), default=None)


def _place_pair(ours: Place, theirs: Place) -> MatchedField | None:
    postal = _agree(_plain(ours.postal_code), _plain(theirs.postal_code))
    city = _agree(" ".join(words_of(ours.city or "")), " ".join(words_of(theirs.city or "")))
    street = _street_likeness(ours.street, theirs.street)
    if street is not None and street >= ALIKE:
        weight = 6.5 if postal or (postal is None and city) else 3.5 if city else 2.0
        how = "same" if street == 1 else "written alike"
    elif postal:
        weight, how = (2.0 if street is None else 1.0), "same postal code"
    elif city:
        weight, how = 0.5, "same city"
    elif postal is False or city is False:
        weight, how = -0.7, "different"  # people move
    else:
        return None
    return MatchedField("address", _line(ours), _line(theirs), how, weight)


def _agree(ours: str, theirs: str) -> bool | None:
    """Whether two texts say the same, but for a slip; None where one says nothing."""
    if not ours or not theirs:
        return None
    return ours == theirs or (min(len(ours), len(theirs)) >= 5 and OSA.distance(ours, theirs, score_cutoff=1) <= 1)


def _plain(code: str | None) -> str:
    return re.sub(r"[^0-9a-z]", "", (code or "").lower())


def _street_likeness(ours: str | None, theirs: str | None) -> float | None:
    """How like two streets are, in whatever order their parts stand; different house numbers are different houses."""
    a, b = words_of(ours or ""), words_of(theirs or "")
    if not a or not b:
        return None
    numbers = [{word for word in side if word[0].isdigit()} for side in (a, b)]
    if numbers[0] and numbers[1] and not numbers[0] & numbers[1]:
        return 0.5
    if sorted(a) == sorted(b):
        return 1.0
    pairs = [pair for pair in pair_up(a, b) if not a[pair[0]][0].isdigit()]
    texts = [len([word for word in side if not word[0].isdigit()]) for side in (a, b)]
    return 0.9 if pairs and len(pairs) * 2 >= max(texts) else 0.5


def _line(place: Place) -> str:
    return ", ".join(part for part in (place.street, place.postal_code, place.city) if part)


def _companies(ours: Portrait, theirs: Portrait) -> MatchedField | None:
    """Colleagues share a company too, so that it says little; another one says nearly nothing."""
    pairs = [(a, b) for a in ours.companies for b in theirs.companies]
    same = [pair for pair in pairs if len(pair_up(*map(words_of, pair))) == max(map(len, map(words_of, pair))) > 0]
    if same:
        a, b = min(same, key=lambda pair: (words_of(pair[0]) != words_of(pair[1]), sorted(pair)))
        return MatchedField("company", a, b, "same" if words_of(a) == words_of(b) else "written alike", 2.5)
    return MatchedField("company", *min(pairs), "different", -0.3) if pairs else None


def _locations(ours: Portrait, theirs: Portrait) -> MatchedField | None:
    same = [(a, b) for a in ours.locations for b in theirs.locations if words_of(a) == words_of(b)]
    return MatchedField("location", *min(same), "same", 0.7) if same else None
