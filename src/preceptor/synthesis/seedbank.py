"""Reading seed tasks: the hand-written ones that a teacher is shown."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from preceptor.artifact import digest
from preceptor.errors import SeedError
from preceptor.records import Seed
from preceptor.synthesis.categories import CATEGORIES
from preceptor.synthesis.parse import normalise_input

KEYS = ("id", "instruction", "input", "output", "category", "topic")
"""What every seed has."""
OPTIONAL = {"view": str, "kind": str, "difficulty": int, "classification": bool}
"""What some protocols show or ask by."""


def load_seeds(name_or_path: str, at_least: int = 1) -> list[Seed]:
    """The seeds of a packaged set or of a JSONL file, in the file's order.

    An input that says "none" in any of its spellings becomes empty.

    Args:
        name_or_path: A packaged set's name, or a path.
        at_least: As many as one prompt demonstrates.

    Raises:
        SeedError: No such set or file; a line that is not a seed; two seeds of one id; too few.
    """
    text = _read(name_or_path)
    seeds: dict[str, Seed] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name_or_path}, line {number}"
        seed = _seed(line, where)
        if seed.id in seeds:
            raise SeedError(f"{where}: the id {seed.id!r} is used twice; give each seed its own")
        seeds[seed.id] = seed
    if not seeds:
        raise SeedError(f"{name_or_path} holds no seeds; write one JSON object a line")
    if len(seeds) < at_least:
        raise SeedError(
            f"{name_or_path} holds {len(seeds)} seeds, and a prompt shows {at_least}; "
            "add seeds or lower 'demonstrations'"
        )
    return list(seeds.values())


def seeds_digest(seeds: Sequence[Seed]) -> str:
    """SHA-256 of what the seeds say, whatever the layout of their file."""
    return digest([asdict(seed) for seed in seeds])


def packaged_sets() -> list[str]:
    """Names of the sets that come with the package."""
    folder = files("preceptor.synthesis") / "seeds"
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl"))


def _read(name_or_path: str) -> str:
    packaged = packaged_sets()
    try:
        if name_or_path in packaged:
            packaged_file = files("preceptor.synthesis") / "seeds" / f"{name_or_path}.jsonl"
            return packaged_file.read_text(encoding="utf-8")
        return Path(name_or_path).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise SeedError(
            f"{name_or_path!r} is neither a packaged set of seeds nor a file; "
            f"packaged: {', '.join(packaged)}"
        ) from error
    except UnicodeDecodeError as error:
        raise SeedError(
            f"{name_or_path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    except PermissionError as error:
        raise SeedError(f"{name_or_path} may not be read; change its permissions") from error


def _seed(line: str, where: str) -> Seed:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SeedError(f"{where}: not JSON ({error}); write one JSON object a line") from error
    if not isinstance(value, dict):
        raise SeedError(f"{where}: not a JSON object but {type(value).__name__}")
    lacking = [key for key in KEYS if key not in value]
    unknown = [key for key in value if key not in KEYS and key not in OPTIONAL]
    wrong = [key for key, kind in OPTIONAL.items() if type(value.get(key, kind())) is not kind]
    not_text = [key for key in KEYS if not isinstance(value.get(key), str)]
    empty = [key for key in ("id", "instruction", "output") if not str(value.get(key)).strip()]
    for problem, keys in (
        ("lacks the key", lacking),
        ("has the unknown key", unknown),
        ("needs a string for", not_text),
        ("needs another type of value for", wrong),
        ("has an empty", empty),
    ):
        if keys:
            raise SeedError(
                f"{where}: {problem} {keys[0]!r}; a seed has {', '.join(KEYS)}, "
                f"and may have {', '.join(OPTIONAL)}"
            )
    if value["category"] not in CATEGORIES:
        raise SeedError(
            f"{where}: the category {value['category']!r} is not one of {', '.join(CATEGORIES)}"
        )
    if not 0 <= value.get("difficulty", 0) <= 5:
        raise SeedError(f"{where}: the difficulty {value['difficulty']} is not 1 to 5")
    return Seed(**(value | {"input": normalise_input(value["input"])}))
