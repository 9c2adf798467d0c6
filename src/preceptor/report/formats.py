"""Numbers as the page writes them."""

from preceptor.statistics.intervals import Interval
from preceptor.statistics.paired import Paired

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EM DASH}"
METRICS = {
    "": "score",
    "accuracy": "accuracy",
    "rouge_l": "ROUGE-L",
    "entity_f1": "entity F1",
    "exact_match": "exact match",
    "token_f1": "token F1",
}


def number(value: float, digits: int = 1) -> str:
    """With a true minus sign, and no negative zero."""
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", MINUS)


def points(score: float) -> str:
    """A score in [0, 1] as points out of 100."""
    return number(100 * score)


def signed(score: float) -> str:
    """A difference of scores in points, with its sign."""
    text = points(score)
    return text if text.startswith(MINUS) or text == "0.0" else f"+{text}"


def bounds(result: Interval | Paired) -> str:
    """The interval in points, or what stands for it when one cluster determined none."""
    if not result.determined:
        return "not determined"
    return f"{points(result.low)} to {points(result.high)}"


def p_value(p: float) -> str:
    """Three digits, or that it is below them."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float) -> str:
    """A p-value in a sentence, never broken over lines."""
    text = p_value(p) if p < 0.001 else f"= {p_value(p)}"
    return f"p {text}".replace(" ", "\N{NO-BREAK SPACE}")


def percent(share: float) -> str:
    """A share in [0, 1]."""
    return f"{number(100 * share)}%"


def coverage(level: float) -> str:
    """A nominal coverage, such as 95%."""
    return f"{100 * level:g}%"


def count(n: int | float | str) -> str:
    """A count with thousands set apart; a fraction short; text as it is."""
    if isinstance(n, str):
        return n
    return f"{n:,}" if isinstance(n, int) else f"{n:,.6g}"


def several(n: int, noun: str) -> str:
    """'1 row', '1,200 rows'."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def metric(name: str) -> str:
    """A metric's name in a sentence."""
    return METRICS.get(name, name.replace("_", " "))


def words(name: str) -> str:
    """An identifier as words; a dash for none."""
    return name.replace("_", " ") or NONE
