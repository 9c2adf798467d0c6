"""Near-duplicates in meaning: cosine similarity of sentence embeddings, exact over all there are.

A second, optional novelty filter beside ROUGE-L, for the same request in other words.
``docs/categories.md`` says what a threshold lets pass.

Where a decision follows, a text is embedded by itself: in a batch, padding moves the last digits.
"""

from collections.abc import Sequence

import numpy as np

from preceptor.synthesis.sentence_encoder import MINILM, SentenceEncoder, Vectors

THRESHOLD = 0.98
"""Below it are types 1 and 2 of one disease, asked about in the same words."""
ROUNDING = 1e-6
"""Of a cosine in float32: the same text twice need not give quite 1."""


class SemanticIndex:
    """Texts by their meaning. Answers are exact: a text is compared with all before it."""

    def __init__(self, model: str = MINILM, threshold: float = THRESHOLD) -> None:
        """An empty index.

        Args:
            model: See ``sentence_encoder.locate``.
            threshold: Cosine, in (0, 1], at or above which ``above`` answers.

        Raises:
            ModelError: See ``sentence_encoder.locate``.
        """
        self._encoder, self.threshold = SentenceEncoder(model), threshold
        self._ids: list[str] = []
        self._rows: Vectors = np.zeros((0, 0), dtype=np.float32)
        self._last: tuple[str, Vectors] | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the model."""
        return self._encoder.fingerprint

    def __len__(self) -> int:
        return len(self._ids)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A row for each text: see ``SentenceEncoder.embed``."""
        return self._encoder.embed(texts)

    def add(self, id: str, text: str) -> None:
        """One more to compare with."""
        row, n = self._alone(text), len(self._ids)
        if n == len(self._rows):
            grown = np.zeros((max(64, 2 * n), len(row)), dtype=np.float32)
            grown[:n] = self._rows[:n].reshape(n, len(row))
            self._rows = grown
        self._rows[n] = row
        self._ids.append(id)

    def nearest(self, text: str) -> tuple[str, float]:
        """Id and cosine of the most similar, the first of equals; ('', 0.0) where there is none."""
        if not self._ids:
            return "", 0.0
        cosines = self._rows[: len(self._ids)] @ self._alone(text)
        place = int(cosines.argmax())
        return self._ids[place], min(float(cosines[place]), 1.0)

    def above(self, text: str) -> tuple[str, float] | None:
        """The most similar, if it is a near-duplicate; else None."""
        found = self.nearest(text)
        return found if self._ids and found[1] >= self.threshold - ROUNDING else None

    def _alone(self, text: str) -> Vectors:
        """(d,) of one text; what was asked about last is not computed again to be added."""
        if self._last is None or self._last[0] != text:
            self._last = text, self._encoder.embed([text])[0]
        return self._last[1]
