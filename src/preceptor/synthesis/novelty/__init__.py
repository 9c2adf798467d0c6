"""ROUGE-L against everything there is: exact, and the same numbers as ``rouge_score``.

An instruction whose ROUGE-L F to a seed or a kept instruction is above 0.7 is dropped
(Self-Instruct, arXiv 2212.10560, section 2.2, and Alpaca; in BioInstruct's released records no
pair lies above it). ``docs/novelty.md`` tells how the index finds it without looking at all pairs.

    tokens.py   tokens and the score
    index.py    the index and the filter
    native.py   the compiled index, whose C is in ``native/``
    plain.py    the same answers in Python, where nothing was compiled
"""

from preceptor.synthesis.novelty.index import NoveltyIndex, keep_novel
from preceptor.synthesis.novelty.tokens import rouge_l, tokenise

__all__ = ["NoveltyIndex", "keep_novel", "rouge_l", "tokenise"]
