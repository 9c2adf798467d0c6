"""A set of instructions as numbers: everything that its card shows, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from preceptor import __version__
from preceptor.errors import ModelError, RowError
from preceptor.synthesis.card.groups import Groups, groups
from preceptor.synthesis.card.lengths import Lengths, lengths
from preceptor.synthesis.card.openings import Openings, openings
from preceptor.synthesis.card.overlap import Overlap
from preceptor.synthesis.card.rows import Record
from preceptor.synthesis.card.run import Run
from preceptor.synthesis.card.similarity import Similarity, similarity
from preceptor.synthesis.card.traits import Trait, no_input_spellings, traits
from preceptor.synthesis.card.verbs import Verbs, verbs


@dataclass(frozen=True, slots=True)
class Survey:
    """What was counted over a set of instructions."""

    title: str
    about: str
    """One sentence: what the set is and where it comes from."""
    licences: tuple[str, ...]
    version: str
    """Of Preceptor."""
    records: int
    verbs: Verbs | None
    without_verbs: str
    """Why there are none; empty where there are."""
    openings: Openings
    lengths: dict[str, Lengths]
    similarity: Similarity | None
    """None of fewer than two records."""
    traits: tuple[Trait, ...]
    no_input: dict[str, int]
    """Spellings of 'no input', '' for the empty one."""
    groups: Groups
    overlap: Overlap | None
    """None where no evaluation set was named."""
    run: Run | None
    """None where the set does not come from a synthesis of ours."""

    def trait(self, name: str) -> Trait:
        """One of the traits by its name.

        Raises:
            KeyError: There is none.
        """
        return {trait.name: trait for trait in self.traits}[name]

    def to_json(self) -> Mapping[str, Any]:
        """The survey as JSON values."""
        return asdict(self)


def survey(
    records: Sequence[Record],
    title: str,
    about: str = "",
    licences: Sequence[str] = (),
    overlap: Overlap | None = None,
    run: Run | None = None,
    seed: int = 0,
) -> Survey:
    """Count everything over a set of instructions.

    Args:
        records: ``records.Instruction``, or those of a file (``rows.read_file``).
        title: Of the card.
        about: One sentence on what the set is.
        licences: Said of the whole.
        overlap: With evaluation sets (``overlap.overlap``).
        run: The synthesis that made the set (``run.read_run``).
        seed: Of the sample of instructions that is compared where there are very many.

    Raises:
        RowError: There are no records.
    """
    if not records:
        raise RowError(f"{title} has no records; a card needs one at least")
    found, why = None, ""
    try:
        found = verbs(records)
    except ModelError as error:
        why = str(error)
    return Survey(
        title=title,
        about=about,
        licences=tuple(licences),
        version=__version__,
        records=len(records),
        verbs=found,
        without_verbs=why,
        openings=openings(records),
        lengths=lengths(records),
        similarity=similarity(records, seed),
        traits=traits(records),
        no_input=no_input_spellings(records),
        groups=groups(records),
        overlap=overlap,
        run=run,
    )
