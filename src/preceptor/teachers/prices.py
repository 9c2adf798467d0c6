"""What tokens cost: the recipe's own price, the user's table, or the one that comes with us."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from preceptor import strict_yaml
from preceptor.config import Config
from preceptor.errors import RecipeError
from preceptor.teachers.address import loopback
from preceptor.teachers.budget import FREE
from preceptor.teachers.config import Price, TeacherConfig

OWN_TABLE = "PRECEPTOR_PRICES"
"""Environment variable that names the user's table."""


class PriceEntry(Config):
    """A line of a price table."""

    model: str
    """Regular expression of the whole name; a provider before a slash is not part of it."""
    input: float = Field(ge=0)
    """Dollars for a million tokens of a prompt."""
    output: float = Field(ge=0)
    """Dollars for a million tokens of a reply."""
    as_of: str = ""
    """Day on which it was so: YYYY-MM-DD."""

    @field_validator("as_of", mode="before")
    @classmethod
    def _day(cls, day: object) -> str:
        """YAML reads an unquoted day as a date."""
        return str(day)

    @field_validator("model")
    @classmethod
    def _pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return pattern


@dataclass(frozen=True, slots=True)
class KnownPrice:
    """A price, and where it stands."""

    price: Price
    source: str
    """'teacher.price', 'this machine', or a table with its day."""


def price_of(config: TeacherConfig) -> KnownPrice | None:
    """What a model costs; None when nobody says.

    The recipe's price comes first, then the user's table (``$PRECEPTOR_PRICES``, else
    ``~/.config/preceptor/prices.yaml``), then ours. A model in the process is free, and so is one
    behind a server on this machine whose name no table knows.

    Raises:
        RecipeError: The user's table cannot be read.
    """
    if config.price is not None:
        return KnownPrice(config.price, "teacher.price")
    if config.local:
        return KnownPrice(FREE, "this machine")
    for where, entries in (*_own_table(), ("Preceptor's table", _our_table())):
        for entry in entries:
            if matches(entry, config.model):
                price = Price(input=entry.input, output=entry.output)
                day = f", as of {entry.as_of}" if entry.as_of else ""
                return KnownPrice(price, where + day)
    return KnownPrice(FREE, "this machine") if loopback(config.endpoint) else None


def matches(entry: PriceEntry, model: str) -> bool:
    """Whether a line of a table is about a model."""
    names = (model, model.rsplit("/", 1)[-1])
    return any(re.fullmatch(entry.model, name) is not None for name in names)


def _own_table() -> Sequence[tuple[str, Sequence[PriceEntry]]]:
    named = os.environ.get(OWN_TABLE)
    path = Path(named) if named else Path("~/.config/preceptor/prices.yaml").expanduser()
    if not named and not path.is_file():
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"the price table {path} cannot be read ({type(error).__name__}): correct it, or unset "
            f"{OWN_TABLE}"
        ) from error
    return ((str(path), read_table(text, str(path))),)


@lru_cache(maxsize=1)
def _our_table() -> Sequence[PriceEntry]:
    file = resources.files("preceptor.teachers").joinpath("prices.yaml")
    return read_table(file.read_text(encoding="utf-8"), "prices.yaml")


def read_table(text: str, where: str) -> tuple[PriceEntry, ...]:
    """The lines of a price table, in order: the first that matches counts.

    Args:
        text: A YAML list of ``{model, input, output, as_of}``.
        where: For messages.

    Raises:
        RecipeError: It is no such list; the message names the line.
    """
    try:
        found = strict_yaml.load(text)
    except strict_yaml.NotYaml as error:
        raise RecipeError(f"the price table {where} is not YAML: {error}") from error
    if not isinstance(found, list):
        raise RecipeError(
            f"the price table {where} is not a list: write one line a model, such as "
            "- {model: my-model, input: 0.5, output: 1.5}"
        )
    entries = []
    for number, line in enumerate(found, 1):
        try:
            entries.append(PriceEntry.model_validate(line))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise RecipeError(
                f"the price table {where}, entry {number}: {place}: {first['msg']}; an entry is "
                "{model: ..., input: ..., output: ...}"
            ) from error
    return tuple(entries)
