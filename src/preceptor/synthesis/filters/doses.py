"""How doses are written, and whether they agree. Each function returns the text seen, or nothing.

The spellings are on ISMP's list of error-prone abbreviations, symbols and dose designations: a
trailing zero or a naked decimal point is a tenfold overdose when the point is missed. The list
speaks of doses: laboratory values ("1.0 mg/dL") are left alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

MOST_DOSES = 8
"""A sentence with more is a list."""
BETWEEN = 60
"""Characters between a dose and its total: further away it is another drug's."""

_MASS = {"mcg": 1.0, "µg": 1.0, "μg": 1.0, "ug": 1.0, "mg": 1e3, "g": 1e6}
"""In micrograms."""
_UNIT = r"(?:mcg|µg|μg|ug|mg|g|micrograms?|milligrams?|grams?|units?|IU|mEq)"
_WORDS = {"microgram": "mcg", "milligram": "mg", "gram": "g", "unit": "units", "iu": "units"}
_NOT_CONCENTRATION = r"(?![A-Za-z])(?! ?(?:/|per ) ?(?:d?L|mL|dl|l|ml|mmol|mol|g|mg|cm|mm|100|L)\b)"
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_DOSE = re.compile(
    rf"(?<![\w.,/-])(?P<number>{_NUMBER})(?: ?(?:-|–|to) ?(?P<upper>{_NUMBER}))?"  # noqa: RUF001
    rf"[ -]?(?P<unit>{_UNIT}){_NOT_CONCENTRATION}",
    re.IGNORECASE,
)
_TRAILING_ZERO = re.compile(
    rf"(?<![\w.,])\d{{1,4}}\.0+[ -]?(?!g\b|grams?\b)(?:{_UNIT}|tablets?|capsules?)"
    rf"{_NOT_CONCENTRATION}"
)
"""Grams and millilitres are as often a measured weight or volume."""
_NAKED_DECIMAL = re.compile(
    rf"(?<![\w.,)])\.\d+[ -]?(?:{_UNIT}|mL|tablets?|capsules?){_NOT_CONCENTRATION}"
)
_MICROGRAM_SIGN = re.compile(rf"(?<![\w.]){_NUMBER} ?(?:µg|μg|ug){_NOT_CONCENTRATION}")
_TWO_UNITS = re.compile(
    r"(?<![\w.])\d+(?:\.\d+)? ?(?:(?:mg|g|kg)[ /]mcg|mcg[ /](?:kg )?mg|mg (?:g|mL)|g mg|mg/mcg"
    r"|mg/d[lL] (?:mmol|mEq)/L|mmol/L mg/d[lL]|°C ?°?F|°F ?°?C|mmHg (?:bpm|%)|kg (?:lbs?|pounds)"
    r"|cm (?:inches|mm|kg))\b(?! ?/)"
)
_EVERY_HOURS = r"every (?P<hours>4|6|8|12|24) hours|q(?P<q>4|6|8|12|24) ?h\w*"
_TIMES = {
    1: r"once (?:a day|daily|per day)",
    2: r"twice (?:a day|daily|per day)|two times (?:a day|daily|per day)|\bb\.?i\.?d\b\.?",
    3: r"(?:three times|thrice|3 times) (?:a day|daily|per day)|\bt\.?i\.?d\b\.?",
    4: r"(?:four|4) times (?:a day|daily|per day)|\bq\.?i\.?d\b\.?",
}
_FREQUENCY = re.compile(
    "|".join(f"(?P<n{n}>{words})" for n, words in _TIMES.items()) + f"|{_EVERY_HOURS}",
    re.IGNORECASE,
)
_TOTAL_BEFORE = re.compile(
    r"\b(?:total(?: daily)?(?: dos(?:e|age))?|daily total)"
    r"(?: (?:of|is|being|to|=)|:|,)? ?(?:approximately |about )?\Z",
    re.IGNORECASE,
)
_TOTAL_BEHIND = re.compile(r"\A (?:daily |per day |a day )?(?:in )?total\b", re.IGNORECASE)
_THAT_IS = re.compile(r"(?:\(|=|\bi\.e\.,?|\bthat is,?|\bor) ?\Z", re.IGNORECASE)
_A_DAY = re.compile(r"\A ?(?:/ ?day|/ ?24 ?h|per day|a day|daily)\b", re.IGNORECASE)
_DIVIDED = re.compile(
    r"\A ?(?:/ ?day|per day|a day|daily),? \(?(?:(?:given|taken|divided|split) (?:as|in|into)"
    r"|in (?:two|three|four|\d|divided)|as \d)",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\b(?:max|exceed|up to|less than|more than|at most|below|limit)", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\.\w\.)\s+|\n|;")


@dataclass(frozen=True, slots=True)
class _Dose:
    text: str
    amount: float
    unit: str
    """mcg (all masses), units or meq."""
    start: int
    end: int
    range: bool


def trailing_zero(text: str) -> str:
    """ "5.0 mg", which is read as 50 mg."""
    return _first(_TRAILING_ZERO, text)


def naked_decimal(text: str) -> str:
    """ ".5 mg", which is read as 5 mg."""
    return _first(_NAKED_DECIMAL, text)


def microgram_sign(text: str) -> str:
    """ "50 µg" or "50 ug", which is read as mg; "mcg" is the safe spelling."""
    return _first(_MICROGRAM_SIGN, text)


def two_units(text: str) -> str:
    """One number with two units that do not go together: "5 mg/mcg", "98.6 °C F"."""
    return _first(_TWO_UNITS, text)


def daily_dose(text: str) -> str:
    """A sentence whose single dose times its frequency is not its total a day.

    Only where one sentence has exactly one dose with a frequency and one total in the same unit,
    neither being a range or a limit.
    """
    for sentence in _SENTENCE.split(text):
        single, total = _single_and_total(sentence)
        if single is None or total is None or single[0].unit != total.unit:
            continue
        dose, times = single
        if abs(dose.amount * times - total.amount) > 0.01 * total.amount:
            return f"{dose.text} x {times} a day, and {total.text} in total"
    return ""


def not_given(output: str, given: str) -> str:
    """A dose of the output that is neither in the given text nor a sum of what is: to be checked.

    Masses are compared in one unit, so 1 g is 1000 mg.
    """
    known = {(dose.unit, round(dose.amount, 6)) for dose in _doses(given)}
    for dose in _doses(output):
        if (dose.unit, round(dose.amount, 6)) not in known:
            return dose.text
    return ""


def _single_and_total(sentence: str) -> tuple[tuple[_Dose, int] | None, _Dose | None]:
    """The dose with a frequency and the total of a sentence, where there is one of each."""
    if _LIMIT.search(sentence):
        return None, None
    doses = list(islice(_doses(sentence), MOST_DOSES + 1))
    if len(doses) > MOST_DOSES:
        return None, None
    singles, totals = [], []
    for place, dose in enumerate(doses):
        before, behind = sentence[: dose.start], sentence[dose.end :]
        if (
            _TOTAL_BEFORE.search(before)
            or _TOTAL_BEHIND.match(behind)
            or (_THAT_IS.search(before) and _A_DAY.match(behind))
            or _DIVIDED.match(behind)
        ):
            totals.append(dose)
            continue
        stop = doses[place + 1].start - dose.end if place + 1 < len(doses) else len(behind)
        if frequency := _FREQUENCY.search(behind[:stop]):
            singles.append((dose, _times_a_day(frequency)))
    if len(singles) != 1 or len(totals) != 1 or singles[0][0].range or totals[0].range:
        return None, None
    first, second = sorted((singles[0][0], totals[0]), key=lambda dose: dose.start)
    near = second.start - first.end <= BETWEEN
    return (singles[0], totals[0]) if near else (None, None)


def _times_a_day(frequency: re.Match[str]) -> int:
    hours = frequency["hours"] or frequency["q"]
    if hours:
        return 24 // int(hours)
    return next(n for n in _TIMES if frequency[f"n{n}"])


def _doses(text: str) -> Iterator[_Dose]:
    """Every dose; of a range both ends."""
    for match in _DOSE.finditer(text):
        unit = match["unit"].lower()
        unit = _WORDS.get(unit.removesuffix("s"), unit)
        for number in (match["number"], match["upper"]):
            if number:
                amount = float(number.replace(",", "")) * _MASS.get(unit, 1.0)
                kind = "mcg" if unit in _MASS else unit
                span = match.span()
                yield _Dose(match[0], amount, kind, *span, range=bool(match["upper"]))


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""
