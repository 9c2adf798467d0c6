"""Which of BioInstruct's categories a task belongs to: question answering (qa), information
extraction (ie), text generation (gen), or other.

The released records (arXiv 2310.19975) carry no category, and how the paper assigned them is
unknown. These rules are ours: the first that fires decides, and its name is kept with the record.
'other' is what none of the three covers: ranking, classifying, deciding, calculating.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from preceptor.synthesis.novelty import tokenise

CATEGORIES = ("qa", "ie", "gen", "other")
NO_RULE = "none fired"
COPIED_SHARE = 0.8
"""An output with at least this share of its words in the input is taken from it."""


def _verbs(*verbs: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(verbs)})\b", re.IGNORECASE)


_LEAD_IN = re.compile(
    r"^(?:please|(?:given|based on|using|from|considering|after reading|for|in)\b[^,?]*,)\s+", re.I
)
_OTHER_VERBS = _verbs(
    *("classify", "categori[sz]e", "rank", "order", "arrange", "sort", "prioriti[sz]e", "triage"),
    *(
        "decide",
        "determine",
        "assess",
        "evaluate",
        "check",
        "assign",
        "label",
        "predict",
        "compare",
    ),
    *("contrast", "calculate", "compute", "convert", "translate", "transcribe", "diagnose"),
    *("de-?identify", "anonymi[sz]e", "remove", "correct", "score"),
)
_JUDGEMENTS = re.compile(
    r"\bdifferential\b|\beligib|\bentail|\bcontradict"
    r"|\b(?:likely|possible|common|potential) (?:causes?|diagnos[ie]s)\b",
    re.I,
)
_EXTRACTION_VERBS = _verbs(
    *("extract", "capture", "copy", "collect", "pull", "record", "tabulate", "fill in"),
    *("match", "highlight", "locate", "parse", "note", "report", "return", "turn"),
)
_LAYOUT = re.compile(
    r"\bjson\b|\bsemicolons?\b|\b(?:one|each|every) \w+ (?:per|on each) line\b|\bper line\b"
    r"|\bfield: value\b|\blabelled lines\b|\bpairs\b|\bmentioned\b",
    re.I,
)
_WRITING_VERBS = _verbs(
    *("summari[sz]e", "condense", "boil", "shorten", "paraphrase", "rewrite", "rephrase", "rework"),
    *("reword", "simplify", "write", "draft", "compose", "prepare", "create", "generate", "devise"),
    *(
        "design",
        "develop",
        "produce",
        "suggest",
        "propose",
        "recommend",
        "advise",
        "offer",
        "reply",
    ),
    *("describe", "outline", "discuss", "provide", "give", "put", "tell", "formulate", "construct"),
)
_AUDIENCE = re.compile(
    r"\b(?:plain|simple|lay|everyday|jargon-free|non-technical) (?:language|words|terms|english)\b"
    r"|\blay(?:person|man)\b|\bfor (?:the|a) (?:patient|parent|child)\b|-year-old could\b",
    re.I,
)
_OPTIONS = re.compile(r"\bA[.)] .*\bB[.)] .*\bC[.)] ", re.S)
_QUESTION = _verbs(
    *("what", "which", "who", "whom", "whose", "when", "where", "why", "how", "is", "are", "do"),
    *("does", "did", "can", "could", "should", "will", "would", "may", "has", "have"),
    *(
        "answer",
        "explain",
        "define",
        "state",
        "name",
        "list",
        "select",
        "choose",
        "pick",
        "identify",
    ),
)


@dataclass(frozen=True, slots=True)
class _Task:
    ask: str
    """The instruction from its main clause on."""
    input: str
    output: str


def judging_verb(task: _Task) -> bool:
    """It ranks, classifies, decides, calculates or converts."""
    return bool(_OTHER_VERBS.match(task.ask))


def judgement_asked(task: _Task) -> bool:
    """A differential diagnosis, eligibility or entailment is asked for."""
    return bool(_JUDGEMENTS.search(task.ask))


def options_given(task: _Task) -> bool:
    """Lettered options stand in the instruction or the input."""
    return bool(_OPTIONS.search(f"{task.ask}\n{task.input}"))


def lay_reader(task: _Task) -> bool:
    """Text for a patient or in plain words."""
    return bool(_AUDIENCE.search(task.ask))


def extraction_verb(task: _Task) -> bool:
    """It extracts, from an input."""
    return bool(task.input and _EXTRACTION_VERBS.match(task.ask))


def layout_asked(task: _Task) -> bool:
    """A list, pairs, lines or JSON are to be made of an input."""
    return bool(task.input and _LAYOUT.search(task.ask))


def taken_from_input(task: _Task) -> bool:
    """The output's words are the input's, and no text is to be written."""
    words, source = tokenise(task.output), set(tokenise(task.input))
    if not words or _WRITING_VERBS.match(task.ask):
        return False
    return sum(word in source for word in words) >= COPIED_SHARE * len(words)


def writing_verb(task: _Task) -> bool:
    """It summarises, rewrites, drafts, suggests or describes."""
    return bool(_WRITING_VERBS.match(task.ask))


def question(task: _Task) -> bool:
    """It is a question, or an order to answer one."""
    return task.ask.endswith("?") or bool(_QUESTION.match(task.ask))


RULES: tuple[tuple[str, Callable[[_Task], bool]], ...] = (
    ("other", judging_verb),
    ("other", judgement_asked),
    ("qa", options_given),
    ("gen", lay_reader),
    ("ie", extraction_verb),
    ("ie", layout_asked),
    ("ie", taken_from_input),
    ("gen", writing_verb),
    ("qa", question),
)
"""The first that fires decides."""


def categorise(instruction: str, input: str, output: str) -> tuple[str, str]:
    """Category and the name of the rule that gave it; ('other', 'none fired') without one."""
    task = _Task(_LEAD_IN.sub("", instruction.strip(), count=1), input, output)
    for category, rule in RULES:
        if rule(task):
            return category, rule.__name__
    return "other", NO_RULE
