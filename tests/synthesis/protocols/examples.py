"""Seeds, wishes and what Hypothesis draws of them, for the tests of protocols."""

import json
from importlib.resources import files
from itertools import product

from hypothesis import strategies as st

from preceptor.records import Seed
from preceptor.synthesis.passages import Passage
from preceptor.synthesis.protocols.base import Wanted

PASSAGE = Passage("p1", "Aspirin blocks platelets.\nIt is swallowed.", "notes/p1.txt")

SYNTAX = ("{{ 7 * 7 }}", "{% for x in y %}", "{# hidden #}", "{", "}}", '"', "'", "\\", "%s", "{0}")


def packaged_seeds() -> list[Seed]:
    path = files("preceptor.synthesis") / "seeds" / "biomedical.jsonl"
    return [Seed(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def every_wish() -> list[Wanted]:
    """Each combination of what can be wanted and not."""
    found = []
    for labels, category, unanswerable, passage in product(
        (False, True),
        ("", "qa", "ie", "gen", "other"),
        (False, True),
        ("", "given", "as input"),
    ):
        found.append(
            Wanted(
                category=category,
                topic="asthma" if labels else "",
                view="patient" if labels else "",
                kind="summarisation" if labels else "",
                difficulty=2 if labels else 0,
                unanswerable=unanswerable,
                passage=PASSAGE if passage else None,
                passage_as_input=passage == "as input",
            )
        )
    return found


_words = st.lists(
    st.sampled_from(("Name", "the", "bone", "of", "HbA1c", "mRNA", "5 mg.", *SYNTAX)),
    min_size=2,
    max_size=8,
)


@st.composite
def odd_seeds(draw: st.DrawFn) -> Seed:
    """A task of words, braces, quotes and template syntax; the instruction on one line."""
    return Seed(
        id="odd",
        instruction="Say " + " ".join(draw(_words)) + " now",
        input=draw(st.sampled_from(("", "Note ")) | _words.map(lambda w: "Note " + "\n".join(w))),
        output="Then " + "\n".join(draw(_words)) + " so",
        category="qa",
        topic="anatomy",
        view="student",
        kind="open question",
        difficulty=draw(st.integers(1, 5)),
    )
