"""Examples, items and indices in a line."""

from collections.abc import Iterable

from preceptor.decontamination.findings import Finding, check
from preceptor.decontamination.index import Index, build_index
from preceptor.decontamination.items import Benchmark, Item
from preceptor.decontamination.settings import Settings
from preceptor.records import Example

EXACT = Settings(near=0)


def example(
    prompt: str, target: str = "", id: str = "mixed/train/0/plain", shots: int = 0
) -> Example:
    return Example(
        id=id,
        task="mixed",
        cluster="",
        category="",
        template="plain",
        inverted=False,
        prompt=prompt,
        target=target,
        options=(),
        gold=-1,
        row="mixed/train/0",
        shots=shots,
    )


def question(*texts: str, **parts: tuple[str, ...]) -> Item:
    return Item("exam/test/0", texts, **parts)


def benchmark(*items: Item, task: str = "exam") -> Benchmark:
    return Benchmark(task, "test", items, len(items), "source")


def index(*items: Item, settings: Settings = EXACT, wording: Iterable[str] = ()) -> Index:
    return build_index([benchmark(*items)], settings, tuple(wording))


def found(item: Item, prompt: str, target: str = "", settings: Settings = EXACT) -> list[Finding]:
    return list(check(index(item, settings=settings), example(prompt, target)))


def kinds(item: Item, prompt: str, target: str = "", settings: Settings = EXACT) -> list[str]:
    return [one.kind for one in found(item, prompt, target, settings)]


def numbered(first: int, count: int) -> str:
    """Words that nothing else has."""
    return " ".join(f"w{number}" for number in range(first, first + count))
