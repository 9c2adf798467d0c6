"""The index of texts with ids, and the filter of many texts at once."""

from collections.abc import Iterable, Sequence

from preceptor.synthesis.novelty.native import NativeTexts, library
from preceptor.synthesis.novelty.plain import PlainTexts


def _texts(stem: bool) -> NativeTexts | PlainTexts:
    return PlainTexts(stem) if library() is None else NativeTexts(stem)


class NoveltyIndex:
    """Texts with ids; answers which is most similar to a new one.

    Seeds, kept instructions and the texts of evaluation sets may stand in one index. Adding the
    same texts in the same order makes the same index, which is how a run is resumed. Not for
    several threads at once.
    """

    def __init__(self, stem: bool = False) -> None:
        """
        Args:
            stem: Compare Porter stems, as ``rouge_score`` does with ``use_stemmer=True``.
        """
        self._ids: list[str] = []
        self._texts = _texts(stem)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: str, text: str) -> None:
        """Add a text. Ids are handed back and need not differ."""
        self._texts.add(text)
        self._ids.append(id)

    def nearest(self, text: str) -> tuple[str, float]:
        """Id and ROUGE-L F of the most similar text, the first added among equals.

        An empty index answers ("", 0.0).
        """
        return self._answer(self._texts.nearest(text)) or ("", 0.0)

    def above(self, text: str, threshold: float) -> tuple[str, float] | None:
        """The same answer if the score is above the threshold, else None.

        Faster than ``nearest``: the postings that it looks into are made for the lowest threshold
        asked so far.
        """
        return self._answer(self._texts.above(text, threshold))

    def _answer(self, found: tuple[int, float] | None) -> tuple[str, float] | None:
        return None if found is None else (self._ids[found[0]], found[1])


def keep_novel(
    texts: Sequence[str],
    threshold: float = 0.7,
    stem: bool = False,
    against: Iterable[str] = (),
) -> list[bool]:
    """Which texts a filter keeps that sees them one after the other.

    Args:
        texts: In order; a text is dropped if its ROUGE-L F to one of ``against`` or to a text that
            was kept before is above the threshold.
        threshold: Self-Instruct's and Alpaca's is 0.7.
        stem: As of ``NoveltyIndex``.
        against: Texts that are there beforehand (seeds); nothing is asked of them.
    """
    index = _texts(stem)
    for text in against:
        index.add(text)
    return list(index.keep(texts, threshold))
