"""A stream of training examples against an index: what is kept goes on, the rest is counted."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from preceptor.decontamination.findings import Finding, check_many
from preceptor.decontamination.index import Index
from preceptor.decontamination.report import Report, Tally
from preceptor.records import Example

BATCH = 512
"""Examples checked together."""


class Digest:
    """SHA-256 over the ids, prompts and targets of examples, in their order."""

    def __init__(self) -> None:
        self.examples = 0
        self._content = hashlib.sha256()

    def add(self, example: Example) -> None:
        """The next example."""
        self.examples += 1
        content = [example.id, example.prompt, example.target]
        self._content.update(json.dumps(content, separators=(",", ":")).encode() + b"\n")

    def to_json(self) -> dict[str, object]:
        """How many, and the digest."""
        return {"examples": self.examples, "sha256": self._content.hexdigest()}


class Pass:
    """One pass over training examples; holds counts and digests, and never the examples."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.seen, self.left = Digest(), Digest()
        """Of the examples that came, and of those that were kept."""
        self._tally = Tally(index)

    def check(self, examples: Sequence[Example]) -> list[tuple[bool, tuple[Finding, ...]]]:
        """For each of some examples that come next, whether it is kept, and what was found."""
        answers = []
        for example, findings in zip(examples, check_many(self.index, examples), strict=True):
            self.seen.add(example)
            kept = not self._tally.add(example, findings)
            if kept:
                self.left.add(example)
            answers.append((kept, findings))
        return answers

    def kept(
        self,
        examples: Iterable[Example],
        removed: Callable[[Example, tuple[Finding, ...]], None] | None = None,
    ) -> Iterator[Example]:
        """The examples that are kept, in order, read a batch ahead.

        Args:
            examples: Read once, as far as they are asked for.
            removed: Told of each example that is not kept, and why.
        """
        stream = iter(examples)
        while group := list(islice(stream, BATCH)):
            for example, (kept, findings) in zip(group, self.check(group), strict=True):
                if kept:
                    yield example
                elif removed is not None:
                    removed(example, findings)

    def report(self) -> Report:
        """Of the examples that have come so far."""
        return self._tally.report()


def decontaminate(index: Index, examples: Iterable[Example]) -> tuple[Iterator[Example], Pass]:
    """The examples to train on, as a stream, and the pass, whose report is whole at its end."""
    one = Pass(index)
    return one.kept(examples), one
