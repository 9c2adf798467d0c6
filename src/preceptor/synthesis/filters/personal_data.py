"""Somebody's personal data: what a teacher may have memorised, or a passage may bring along.

Shapes only, no names: a name alone says nothing here, as cases are invented. Numbers that medicine
is full of (doses, vital signs, trial, article and enzyme numbers) have shapes near to these; where
a shape alone is not enough, a label in front of it is required.
"""

import ipaddress
import re
from collections.abc import Callable

from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.filters.verdicts import Context, Drop
from preceptor.synthesis.parse import Parsed

_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DATE = (
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})|\d{4}[/.-]\d{1,2}[/.-]\d{1,2}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? \d{{4}})"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[a-z]{2,24}\b", re.IGNORECASE)
_RESERVED = re.compile(r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|example|test|invalid)\Z", re.I)
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:"
    r"(?P<international>\+\d{1,3}(?:[ .-]?\(0?\d{1,5}\)|[ .-]?\d{1,5}){2,6})"
    r"|(?P<american>(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4})"
    r")(?![\w/-]|\.\d|,\d)"
)
_LABELLED_PHONE = re.compile(
    r"\b(?:(?:tele)?phone|tel|mobile|cell|fax|call(?: me| us| him| her)?|whatsapp|contact)"
    r"(?: number| no| phone)?(?: is| at| on)?\W{1,3}(?P<number>[+(]?\d[\d ().-]{5,18}\d)(?![\w/%])",
    re.IGNORECASE,
)
_TOLL_FREE = re.compile(r"\A\D*1?\D*(?:800|888|877|866|855|844|833)\D")
_FICTION = re.compile(r"\A\D*1?\D*(?:555\D{0,2}\d{3}\D?\d{4}|\d{3}\D{0,2}555\D?\d{4})\Z")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_CARD = re.compile(
    r"(?<![\w.-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5}|\d{13,16})(?![\w-]|\.\d)"
)
_CARD_ISSUER = re.compile(r"4|5[1-5]|2[2-7]|3[4-8]|6")
_RECORD = re.compile(
    r"\b(?:MRN|(?:medical record|patient|hospital|chart|NHS|national insurance|social security|SSN"
    r"|insurance(?: policy)?|policy|passport|driver'?s licen[cs]e|member|subscriber|account)"
    r"(?:'s)?(?: (?:id|identifier|number|no|num)\b|(?= ?#)))\W{0,4}(?:is |was )?\W{0,2}"
    r"(?P<id>(?=[A-Z0-9 -]{0,6}\d)[A-Z]{0,4}[- ]?\d(?:[- ]?[A-Z0-9]){4,14})\b",
    re.IGNORECASE,
)
_BIRTH = re.compile(
    rf"\b(?:DOB|D\.O\.B\.?|date of birth|birth ?date|birthday)\W{{0,4}}(?:is |was |on )?{_DATE}",
    re.IGNORECASE,
)
_IP = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?![\w:])"
)
LEAST_OCTET = 8
"""Below it, four numbers with dots are an enzyme's (EC 3.4.21.4) or a section's."""
IPV6_DIGITS = 3
"""Without a group of so many digits, eight numbers with colons are a ratio."""
_STREET = re.compile(
    r"(?<![\w.,/-])\d{1,5}[A-Za-z]? (?:[NSEW]\.? )?"
    r"(?:(?:[A-Z][a-z]+|\d{1,3}(?:st|nd|rd|th))\.? ){1,3}"
    r"(?:(?:Street|Avenue|Road|Boulevard|Lane|Drive|Court|Terrace|Crescent|Highway)\b"
    r"|(?:St|Ave|Rd|Blvd|Ln|Dr|Ct)\b\.?,)"
    r"|\bP\.? ?O\.? Box \d{2,6}\b"
    r"|\b[A-ZÄÖÜ][a-zäöüß]+(?:stra(?:ß|ss)e|str\.|gasse|platz|weg) \d{1,4}[a-z]?\b"
)

_REMOVAL = re.compile(
    r"\bde-?identif|\banonymi[sz]|\bidentifiers?\b|\bredact"
    r"|\bprotected health information\b|\bPHI\b|\bpersonal (?:data|information|details)\b",
    re.IGNORECASE,
)


def personal_data(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """It holds an e-mail address, a phone number, a record number or the like.

    Ours. The detail names the kind and the field, and leaves the datum itself out. Not counted:
    reserved example domains, the 555 numbers of American fiction, toll-free numbers (a hotline is
    no person's), local addresses.
    A task that asks to remove such data is not judged: it has to have some.
    """
    if _REMOVAL.search(task.instruction):
        return None
    for field in ("instruction", "input", "output"):
        text = getattr(task, field)
        for kind, holds in KINDS:
            if holds(text):
                return Drop("personal data", f"{kind} in the {field}")
    return None


def email(text: str) -> bool:
    """An e-mail address outside the reserved example domains."""
    return any(not _RESERVED.search(found[0]) for found in _EMAIL.finditer(text))


def phone(text: str) -> bool:
    """A phone number: international with +, American, or behind a label such as "tel"."""
    found = [match[0] for match in _PHONE.finditer(text)]
    found += [match["number"] for match in _LABELLED_PHONE.finditer(text)]
    return any(
        7 <= _digits(number) <= 15 and not (_TOLL_FREE.match(number) or _FICTION.match(number))
        for number in found
    )


def social_security(text: str) -> bool:
    """A US social security number that could have been given out."""
    return bool(_SSN.search(text))


def credit_card(text: str) -> bool:
    """A card number: an issuer's first digits, and the Luhn sum."""
    for match in _CARD.finditer(text):
        number = re.sub(r"\D", "", match[0])
        if _CARD_ISSUER.match(number) and _luhn(number):
            return True
    return False


def record_number(text: str) -> bool:
    """A number labelled as a medical record's, an insurance's, a passport's."""
    return any(_digits(match["id"]) >= 4 for match in _RECORD.finditer(text))


def date_of_birth(text: str) -> bool:
    """A full date, labelled as that of a birth."""
    return bool(_BIRTH.search(text))


def ip_address(text: str) -> bool:
    """An address of the public internet."""
    for match in _IP.finditer(text):
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if address.version == 4:
            number_of_another_kind = address.packed[0] < LEAST_OCTET
        else:
            number_of_another_kind = max(map(len, match[0].split(":"))) < IPV6_DIGITS
        if address.is_global and not number_of_another_kind:
            return True
    return False


def street_address(text: str) -> bool:
    """A house number with a street, or a post-office box."""
    return bool(_STREET.search(text))


KINDS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("e-mail address", email),
    ("phone number", phone),
    ("social security number", social_security),
    ("card number", credit_card),
    ("record number", record_number),
    ("date of birth", date_of_birth),
    ("IP address", ip_address),
    ("street address", street_address),
)
"""In the order in which they are looked for."""


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _luhn(number: str) -> bool:
    total = 0
    for place, character in enumerate(reversed(number)):
        digit = int(character) * (1 + place % 2)
        total += digit - 9 * (digit > 9)
    return total % 10 == 0
