"""Whether the sender is proven: who checked SPF, DKIM or DMARC, and for which domain (T13, T14).

Only what the provider or our own mail server found counts. A header that anyone could have written proves nothing: of
`Authentication-Results` only the topmost of our own server, of a provider's headers only one that stands there once.
And a proof is for a domain: it has to be that of the From.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from adapters.email.headers import Headers
from adapters.email.limits import MOST_VALUE

_DOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9-]{1,63})+")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)("?)')
_COMMENT: Final = re.compile(r"(?<![^\s(])\([^()]*\)(?![^\s;)])")
_DEEPEST_COMMENT: Final = 8
_MOST_RESULTS: Final = 50
_SERVER: Final = re.compile(r"[^\s;()]+")
_RESULT: Final = re.compile(r"\s*([a-z0-9-]{1,40})\s*(?:/\s*1\s*)?=\s*([a-z]{1,20})(?!\S)", re.IGNORECASE)
_PROPERTY: Final = re.compile(r"(?<!\S)(?:smtp|header)\.([a-z-]{1,20})\s*=\s*(\S+)", re.IGNORECASE)
_ENVELOPE_FROM: Final = re.compile(r"envelope-from=([^\s;]+)")
_SENDGRID_DKIM: Final = re.compile(r"@?([A-Za-z0-9.-]{1,253})\s*:\s*([a-z]{1,20})")
_SIGNED_FOR: Final = re.compile(r"(?:^|;)\s*d\s*=\s*([A-Za-z0-9.-]{1,253})\s*(?:;|$)")


class Proof(Struct, frozen=True):
    """What is proven, by domain. `dkim`, `spf`, `dmarc`: the domains that passed; DMARC is about the From already.

    `refused`: the domains whose owners say by DMARC that the mail is not theirs; empty text is whatever the From names.
    """

    dkim: tuple[str, ...] = ()
    spf: tuple[str, ...] = ()
    dmarc: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def covers(self, headers: Headers) -> bool:
        """Whether the author of this mail is proven."""
        author = headers.author
        if author is None or not headers.names_one_author:
            return False
        domain = domain_of(author.email)
        if not domain:
            return False
        return domain in self.dmarc or domain in self.spf or any(_signs_for(signer, domain) for signer in self.dkim)

    def refuses(self, headers: Headers) -> bool:
        """Whether the mail was found not to be its author's, or the check that would say so could not be read."""
        domain = domain_of(headers.author.email) if headers.author else ""
        return any(not each or _signs_for(each, domain) for each in self.refused)


NOTHING: Final = Proof()
_REFUSED: Final = Proof(refused=("",))


def domain_of(address: str) -> str:
    """The domain of an address or of a bare domain, in lower case; empty where it is none."""
    domain = address.strip().strip("<>").rpartition("@")[2].lower().rstrip(".")
    if not domain.isascii():
        import idna  # only foreign domains need it

        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            return ""
    return domain if _DOMAIN.fullmatch(domain) else ""


def _signs_for(signer: str, domain: str) -> bool:
    """The domain itself, or one above it. Not one below: a customer's corner of a company is not the company."""
    return domain == signer or ("." in signer and domain.endswith("." + signer))


def by_results(headers: Headers, trusted: frozenset[str]) -> Proof:
    """By the topmost `Authentication-Results` (RFC 8601) whose server is one of ours."""
    if trusted and any(name == "authentication-results" and len(value) >= MOST_VALUE for name, value in headers.fields):
        return _REFUSED
    for value in headers.all("authentication-results"):
        plain = _plain(value)
        if plain is None:
            begins = _SERVER.match(value)
            return _REFUSED if begins and begins[0].lower() in trusted else NOTHING
        server, _, results = plain.partition(";")
        if server.split(None, 1)[0:1] and server.split(None, 1)[0].lower() in trusted:
            return _passed(results)
    return NOTHING


def _plain(value: str) -> str | None:
    """The results with a letter for each quoted string and without comments; None where they have two readings.

    Local parts and greetings are the sender's own words, and stand in there. So a quoted string with anything in it
    that means something outside, and a quote or bracket without its other half, make the whole say nothing.
    """
    value = _QUOTED.sub(lambda match: "a" if match[2] and not set(match[1]) & set(";=()") else '"', value)
    for _ in range(_DEEPEST_COMMENT):
        value = _COMMENT.sub(" ", value)
    return None if set(value) & set('"()\\') else value


def _passed(results: str) -> Proof:
    found: dict[str, list[str]] = {"dkim": [], "spf": [], "dmarc": []}
    refused, methods = list[str](), list[str]()
    given = results.split(";")
    if len(given) > _MOST_RESULTS:
        return _REFUSED  # what says no may be beyond
    for each in given:
        result = _RESULT.match(each)
        if result is None:
            continue
        method, outcome = result[1].lower(), result[2].lower()
        methods.append(method)
        if outcome == "pass" and method in found:
            found[method] += _if(True, _named(each, method))
        elif (method, outcome) == ("dmarc", "fail"):
            refused.append(domain_of(_named(each, method)))
    for method in ("spf", "dmarc"):  # a mail has one of each; of two, one was put there
        if methods.count(method) > 1:
            found[method].clear()
    return Proof(tuple(found["dkim"]), tuple(found["spf"]), tuple(found["dmarc"]), tuple(refused))


def _named(result: str, method: str) -> str:
    """Whom a result is about."""
    names = {"dkim": ("d", "i"), "spf": ("mailfrom",), "dmarc": ("from",)}[method]
    return next((value for name, value in _PROPERTY.findall(result) if name.lower() in names), "")


def by_sendgrid(dkim: str, spf: str, mail_from: str) -> Proof:
    """By the fields `dkim` ("{@example.com : pass}"), `SPF` ("pass") and the envelope's sender."""
    signers = [name for name, result in _SENDGRID_DKIM.findall(dkim[:4096]) if result == "pass"]
    domains = tuple(filter(None, map(domain_of, signers)))
    return Proof(domains, _if(spf.strip().lower() == "pass", mail_from))


def by_mailgun(headers: Headers, mail_from: str) -> Proof:
    """By the headers its spam filter adds, when each stands there once."""
    spf = [value.lower() for value in headers.all("x-mailgun-spf")]
    dkim = [value.lower() for value in headers.all("x-mailgun-dkim-check-result")]
    signed_for = [match[1] for value in headers.all("dkim-signature") if (match := _SIGNED_FOR.search(value))]
    signers = tuple(filter(None, map(domain_of, signed_for))) if dkim == ["pass"] and len(signed_for) == 1 else ()
    return Proof(signers, _if(spf == ["pass"], mail_from))


def by_postmark(headers: Headers) -> Proof:
    """By SpamAssassin's tests (`DKIM_VALID_AU`: signed for the author's domain) and `Received-SPF`, when each stands
    there once, and names the envelope's sender once and without quotes: the sender chose these words, and the greeting
    beside them."""
    tests = headers.all("x-spam-tests")
    names = {name.strip() for name in tests[0].split(",")} if len(tests) == 1 else set()
    author = headers.author
    signed = _if("DKIM_VALID_AU" in names, author.email if author else "")
    received = headers.all("received-spf")
    said = received[0] if len(received) == 1 and '"' not in received[0] else ""
    found = _ENVELOPE_FROM.findall(said) if said.lower().count("envelope-from=") == 1 else []
    passed = said.lower().startswith("pass") and "SPF_PASS" in names
    return Proof(signed, _if(passed, found[0] if found else ""))


def by_ses(verdicts: dict[str, str], headers: Headers, mail_from: str) -> Proof:
    """By Amazon's verdicts; that on DMARC is about the From."""
    author = headers.author
    dmarc = _if(verdicts.get("dmarc") == "PASS", author.email if author else "")
    spf = _if(verdicts.get("spf") == "PASS", mail_from)
    return Proof((), spf, dmarc, ("",) if verdicts.get("dmarc") == "FAIL" else ())


def _if(passed: bool, address: str) -> tuple[str, ...]:
    domain = domain_of(address) if passed else ""
    return (domain,) if domain else ()
