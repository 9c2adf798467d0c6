"""Vital signs and shares that cannot be. Each function returns the text seen, or nothing.

Bounds are wide: they catch a wrong unit or digit, not an ill patient.
"""

import re

CELSIUS = (25.0, 45.0)
FAHRENHEIT = (80.0, 115.0)
BEATS = (15, 350)
"""Beats a minute: from deepest bradycardia to the fastest atrial rates."""
MMHG = (20, 350)

_SENTENCE = re.compile(r"(?<=[.!?])(?<!\.\w\.)\s+|\n|;")
_NOT_A_PATIENT = re.compile(
    r"\b(?:stor(?:e|ed|age)|incubat|anneal|melt|denatur|extension|boil|autoclav|sterili[sz]|water|oven"
    r"|freez|frozen|fridge|refrigerat|room|ambient|skin burn|pcr|culture|laboratory|oil|kill"
    r"|cool(?:ed|ing)|heat(?:ed|ing)?|weather|outside|environment)",
    re.IGNORECASE,
)
_ANIMAL = re.compile(
    r"\b(?:mouse|mice|murine|rats?|hamsters?|birds?|chickens?|zebrafish|rodents?|rabbits?|shrews?)\b",
    re.IGNORECASE,
)
_TEMPERATURE = re.compile(
    r"\b(?:temp(?:erature)?|fever|febrile|pyrexia)\b[^.;\n\d]{0,40}?(?P<value>-?\d{1,3}(?:\.\d+)?)"
    r" ?(?:°|º|degrees?|deg\.?) ?(?P<unit>C|F)(?:elsius|ahrenheit)?\b"
    r"|\b(?:temp(?:erature)?|fever|febrile|pyrexia)\b[^.;\n\d]{0,20}?(?P<value2>\d{2,3}(?:\.\d+)?)"
    r" ?(?P<unit2>[CF])\b",
    re.IGNORECASE,
)
_HEART_RATE = re.compile(
    r"\b(?:heart rate|pulse(?: rate)?|(?P<short>HR))"
    r"(?: (?:is|was|of|at|around|about|approximately|elevated|measured|increased|to|slowed))*"
    r"[:=,(]{0,2} {0,2}(?P<value>\d{1,4})(?![\d.,%+/-])"
    r"(?P<unit> ?(?:bpm|beats|/ ?min))?(?! ?(?:ms|seconds|years|mm|cm|points|hours|Hz|mg)\b)",
    re.IGNORECASE,
)
_PRESSURE = re.compile(
    r"\b(?:blood pressure|BP)\b[^.;\n\d]{0,30}?(?P<systolic>\d{2,3}) ?/ ?(?P<diastolic>\d{2,3})\b"
    r"|\b(?P<systolic2>\d{2,3}) ?/ ?(?P<diastolic2>\d{2,3}) ?mm ?Hg\b",
    re.IGNORECASE,
)
_SATURATION = re.compile(
    r"\b(?:SpO2|SaO2|(?:oxygen|O2) sat(?:uration)?s?)\b"
    r"[^.;\n\d%]{0,30}?(?P<value>\d{1,4}(?:\.\d+)?) ?%",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"(?<![\d.-])(?P<value>\d{3,4}(?:\.\d+)?) ?(?:%|percent) of "
    r"(?:all |the |these |those |our |adult )?"
    r"(?:patients|people|persons|adults|children|women|men|participants|subjects|cases|individuals"
    r"|deaths|infants|pregnancies|the population|population|tumou?rs|cells)\b",
    re.IGNORECASE,
)


def temperature(text: str) -> str:
    """A body temperature outside 25-45 °C or 80-115 °F."""
    for sentence in _SENTENCE.split(text):
        if _NOT_A_PATIENT.search(sentence):
            continue
        for match in _TEMPERATURE.finditer(sentence):
            value = float(match["value"] or match["value2"])
            celsius = (match["unit"] or match["unit2"]).upper() == "C"
            low, high = CELSIUS if celsius else FAHRENHEIT
            if not low <= value <= high:
                return match[0]
    return ""


def heart_rate(text: str) -> str:
    """A human heart rate outside 15-350 a minute."""
    for sentence in _SENTENCE.split(text):
        for match in _HEART_RATE.finditer(sentence):
            beats = int(match["value"])
            unclear = beats < BEATS[0] or match["short"]  # "pulse 2", a hazard ratio
            if unclear and not match["unit"]:
                continue
            if not BEATS[0] <= beats <= BEATS[1] and not _ANIMAL.search(sentence):
                return match[0]
    return ""


def blood_pressure(text: str) -> str:
    """A diastolic pressure not below the systolic one, or a blood pressure outside 20-350 mmHg.

    Without the words "blood pressure" it may be the lung's, which goes below 20.
    """
    for match in _PRESSURE.finditer(text):
        systolic = int(match["systolic"] or match["systolic2"])
        diastolic = int(match["diastolic"] or match["diastolic2"])
        impossible = diastolic < MMHG[0] or systolic > MMHG[1]
        if diastolic >= systolic or (match["systolic"] and impossible):
            return match[0]
    return ""


def oxygen_saturation(text: str) -> str:
    """An oxygen saturation above 100%."""
    found = (match for match in _SATURATION.finditer(text) if float(match["value"]) > 100)
    return next((match[0] for match in found), "")


def share_over_100(text: str) -> str:
    """More than 100% of a group of people, cases or cells."""
    found = (match for match in _SHARE.finditer(text) if float(match["value"]) > 100)
    return next((match[0] for match in found), "")
