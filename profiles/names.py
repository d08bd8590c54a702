"""Names of people, compared as people read them: without accents and titles, in any order, with typing errors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA, DamerauLevenshtein, JaroWinkler

ALIKE: Final = 0.86
"""Two words that are as like as this are one name, written twice."""
UNLIKE: Final = 0.72
"""Two given names that are less like than this are none of one person's, however they are heard or typed."""

_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})
_APOSTROPHES = re.compile(r"['’`´ʼ]")
_ASIDE = re.compile(r"\(.*?\)")
_TITLES: Final = frozenset(
    """
    mr mrs ms miss mx dr prof professor sir madam herr frau fraulein hr fr dipl ing mag sr sra srta senor senora dona
    don senhor senhora monsieur madame mme mlle signor signora jr junior senior ii iii phd md
    """.split()  # noqa: SIM905  # words, and there are many
)
# Short forms that look unlike the name they stand for; those that begin like it are found without being told.
_SHORT: Final = (
    "robert bob bobby rob", "william bill billy will liam", "richard dick rick", "james jim jimmy", "john jack johnny",
    "margaret peggy maggie meg", "elizabeth liz lizzie beth betty eliza", "edward ted ed ned", "henry harry hank",
    "charles chuck charlie", "michael mike mick", "katherine catherine kate kathy katie", "anthony tony",
    "alexander alex sasha sandro", "theodore ted theo", "francis frank", "joseph joe pepe beppe",
    "francisco paco pancho", "jose pepe", "manuel manolo", "ignacio nacho", "enrique quique",
    "guadalupe lupe", "rosario charo", "dolores lola",
    "johannes hans johann", "heinrich heinz", "friedrich fritz", "josef sepp", "georg schorsch", "antonio toni tonho",
    "luiz lula", "eduardo edu dudu", "giuseppe beppe", "giovanni gianni", "luigi gigi", "ekaterina katya",
    "mikhail misha", "dmitri dima", "susan sue susie", "patricia pat patty trish", "barbara babs", "deborah debbie",
    "rebecca becky", "sarah sally", "mary molly polly", "martha patty", "helen nell", "eleanor nell ellie nora",
)  # fmt: skip
_GROUPS: Final[dict[str, frozenset[int]]] = {
    word: frozenset(i for i, group in enumerate(_SHORT) if word in group.split())
    for word in {word for group in _SHORT for word in group.split()}
}


@lru_cache(maxsize=65536)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in one alphabet and case, without titles; a family name before a comma comes last."""
    family, comma, given = _ASIDE.sub(" ", name).partition(",")
    plain = f"{given} {family}" if comma else family
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", plain).casefold().translate(_LETTERS))
    letters = "".join(c if c.isalnum() else "" if unicodedata.combining(c) else " " for c in plain)
    words = tuple(letters.split())
    return tuple(word for word in words if word not in _TITLES) or words


@lru_cache(maxsize=65536)
def word_likeness(ours: str, theirs: str) -> float:
    """How like two words of names are, 0 to 1: the same, a short form, an initial, misspelt. Symmetric."""
    if ours == theirs:
        return 1.0
    short, long = sorted((ours, theirs), key=lambda word: (len(word), word))
    if len(short) == 1:
        return 0.87 if long.startswith(short) else 0.0
    if _GROUPS.get(ours, frozenset()) & _GROUPS.get(theirs, frozenset()):
        return 0.95
    if len(short) >= 3 and long.startswith(short):
        return 0.9
    spelling = JaroWinkler.similarity(short, long, prefix_weight=0.08)
    # One slip in a long word is a slip; in a short one (Jan, Jon) it is another name.
    slips = DamerauLevenshtein.distance(short, long, score_cutoff=2)
    if slips == 1 and len(long) >= 5:
        return max(spelling, 0.92)
    return spelling if slips <= 2 or len(long) >= 8 else min(spelling, UNLIKE + 0.05)


@lru_cache(maxsize=65536)
def may_be_one(ours: str, theirs: str) -> bool:
    """Whether two words may be one name all the same: a slip for every three letters, or written as it was heard.

    Marco and Maria have most letters in common and are two people; Layla and Leila may be one.
    """
    likeness = word_likeness(ours, theirs)
    if likeness >= ALIKE or likeness < UNLIKE:
        return likeness >= ALIKE
    slips = max(1, (max(len(ours), len(theirs)) - 1) // 3)
    return OSA.distance(ours, theirs, score_cutoff=slips) <= slips or _sound(ours) == _sound(theirs)


_HEARD: Final = tuple(
    (re.compile(pattern), heard)
    for pattern, heard in (
        (r"ph", "f"), (r"sch|sh|ch|cz|tch", "s"), (r"ck|c|q", "k"), (r"z", "s"), (r"w", "v"),
        (r"(?<=.)[aeiouyh]", ""), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip


@lru_cache(maxsize=65536)
def _sound(word: str) -> str:
    """What is left of a name that is heard and written down in another language: its consonants."""
    for pattern, heard in _HEARD:
        word = pattern.sub(heard, word)
    return word


def pair_up(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[tuple[int, int, float]]:
    """The words of two names that are one another, each used once: places and likeness. Best pairs first."""
    pairs = sorted(
        ((word_likeness(a, b), i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs)),
        key=lambda pair: (-pair[0], abs(pair[1] - pair[2]), pair[1] + pair[2], min(pair[1:])),
    )
    used: tuple[set[int], set[int]] = (set(), set())
    found = []
    for likeness, i, j in pairs:
        if likeness >= ALIKE and i not in used[0] and j not in used[1]:
            found.append((i, j, likeness))
            used[0].add(i)
            used[1].add(j)
    return found


def are_clearly_different(ours: str, theirs: str) -> bool:
    """Whether these are the names of two people: nothing in common, or only the family's name.

    A married name, a second given name, a nickname or a misspelling is no clear difference.
    """
    a, b = words_of(ours), words_of(theirs)
    if not a or not b:
        return False
    pairs = pair_up(a, b)
    if not pairs:
        return not any(may_be_one(x, y) for x in a for y in b)
    if len(pairs) == min(len(a), len(b)) or any(0 in (i, j) for i, j, _ in pairs):
        return False
    left = [word for i, word in enumerate(a) if i not in {pair[0] for pair in pairs}]
    right = [word for j, word in enumerate(b) if j not in {pair[1] for pair in pairs}]
    return not any(may_be_one(x, y) for x in left for y in right)


def is_full(name: str) -> bool:
    """Whether a name is given in full, so that it says who somebody is: two words of letters, no initials."""
    return sum(len(word) > 1 and word.isalpha() for word in words_of(name)) >= 2


def are_different_people(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Whether full names are known of both, and none of ours can be one of theirs."""
    a, b = [name for name in ours if is_full(name)], [name for name in theirs if is_full(name)]
    return bool(a and b) and all(are_clearly_different(x, y) for x in a for y in b)


def count_people(names: Iterable[str]) -> int:
    """How many clearly different names these are: as many people, at least."""
    people: list[str] = []
    for name in names:
        if words_of(name) and all(are_clearly_different(name, other) for other in people):
            people.append(name)
    return len(people)
