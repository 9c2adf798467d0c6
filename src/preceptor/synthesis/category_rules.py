"""The rules by which a task gets its category, in the order of the guide (``docs/categories.md``).

A rule sees the main clause apart from what leads up to it: in "Given a patient's symptoms, list
likely causes", *list* is what is asked, and the symptoms are what the answer depends on.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from preceptor.synthesis import category_words as words
from preceptor.synthesis.novelty import tokenise
from preceptor.synthesis.parse import normalise_input

COPIED_SHARE = 0.8
"""An output with at least this share of its words in the task's own text is taken from it."""
TEXT_WORDS = 8
"""An input of fewer words names a subject; from here on it is a text or a case."""
TEXTS_WORDS = 20
"""What is compared is given, not only named, from so many words on."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task as the rules see it."""

    lead: str
    """What comes before the main clause; empty where nothing does."""
    ask: str
    """The instruction from its main clause on."""
    input: str
    """Empty where it stands for no input."""
    output: str

    @property
    def whole(self) -> str:
        """The instruction."""
        return f"{self.lead} {self.ask}".strip()

    @property
    def has_text(self) -> bool:
        """The input is a text or a case, more than the name of a subject or a short question."""
        return len(self.input.split()) >= TEXT_WORDS and not self.input.rstrip().endswith("?")

    @property
    def has_case(self) -> bool:
        """The answer depends on somebody's symptoms, results or story."""
        found = words.CASE_IN_LEAD.search(self.lead) or words.CASE_IN_ASK.search(self.ask)
        return bool(self.input and found)


def see(instruction: str, input: str, output: str) -> Task:
    """Split an instruction at its main clause."""
    text = words.POLITE.sub("", instruction.strip())
    breaks: list[re.Match[str]] = []
    if words.LEAD_IN.match(text):
        breaks = list(words.BREAK.finditer(text))
    known = [at for at in breaks if any(verbs.match(text, at.end()) for verbs in words.VERBS)]
    cut = next(iter(known or breaks), None)
    lead, ask = (text[: cut.start() + 1], text[cut.end() :]) if cut else ("", text)
    return Task(lead, ask, normalise_input(input), output)


def options_given(task: Task) -> bool:
    """Lettered options stand in the instruction or the input."""
    if words.OPTIONS_NAMED.search(task.input):
        return True
    text, at = f"{task.ask}\n{task.input}", 0
    for letter in words.OPTION_LETTERS:
        found = letter.search(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def layout_asked(task: Task) -> bool:
    """A list, pairs, lines or JSON are to be made of an input."""
    return bool(task.has_text and words.LAYOUT.search(task.ask))


def said_to_be_missing(task: Task) -> bool:
    """The output says that the text does not say."""
    return bool(task.has_text and words.NOT_STATED.match(task.output))


def extracting_verb(task: Task) -> bool:
    """It extracts, from an input."""
    return bool(task.input and words.EXTRACTING.match(task.ask))


def taken_from_input(task: Task) -> bool:
    """The output's words are the task's own, and no text is to be written or judged."""
    if not task.has_text or words.COMPOSING.match(task.ask) or words.JUDGING.match(task.ask):
        return False
    if words.VERDICT.search(task.ask) or words.LAY_WORDS.search(task.whole):
        return False
    answer, source = tokenise(task.output), set(tokenise(f"{task.input} {task.ask}"))
    copied = sum(word in source for word in answer)
    return bool(answer) and copied >= COPIED_SHARE * len(answer)


def plain_words(task: Task) -> bool:
    """A given text is to be retold so that a reader understands it."""
    return bool(task.has_text and words.LAY_WORDS.search(task.whole))


def looked_up(task: Task) -> bool:
    """Interactions of named drugs, or the meaning of a term."""
    return bool(words.REFERENCE.search(task.ask) and not (task.has_text and task.has_case))


def described(task: Task) -> bool:
    """A description, definition or list of a named subject."""
    return bool(words.DESCRIBING.match(task.ask) and not task.has_text and not task.has_case)


def summary_without_text(task: Task) -> bool:
    """A summary is asked for, and there is nothing to be summarised: knowledge is."""
    return not task.input and bool(words.SUMMARISING.match(task.ask))


def composing_verb(task: Task) -> bool:
    """It summarises, rewrites, drafts or writes."""
    return bool(words.COMPOSING.match(task.ask) or words.INTO_TEXT.match(task.ask))


def judging_verb(task: Task) -> bool:
    """It ranks, classifies, decides, calculates or converts."""
    return bool(words.JUDGING.match(task.ask))


def texts_compared(task: Task) -> bool:
    """What is compared is given, and not only named."""
    return bool(words.COMPARING.match(task.ask)) and len(task.input.split()) >= TEXTS_WORDS


def verdict_asked(task: Task) -> bool:
    """A diagnosis, a code, eligibility, an interpretation or a yes or no is asked for."""
    return bool(words.VERDICT.search(task.ask)) or (
        task.has_text and bool(words.ASKED_OF_TEXT.match(task.ask))
    )


def case_judged(task: Task) -> bool:
    """What somebody has or needs is to be told from their case."""
    finding, advice = words.FINDING.search(task.ask), words.ADVICE.search(task.ask)
    if not task.has_case or finding is None:
        return False
    return advice is None or finding.start() < advice.start()


def advice_asked(task: Task) -> bool:
    """A plan, recommendations, guidance, questions or a summary are asked for."""
    return bool(words.ADVISING.match(task.ask) or words.ADVICE.search(task.ask))


def question(task: Task) -> bool:
    """It is a question, or an order to tell or explain."""
    return task.ask.endswith("?") or bool(words.ASKING.match(task.ask))


Rule = tuple[str, Callable[[Task], bool]]

RULES: tuple[Rule, ...] = (
    ("qa", options_given),
    ("ie", layout_asked),
    ("ie", said_to_be_missing),
    ("gen", plain_words),
    ("ie", extracting_verb),
    ("ie", taken_from_input),
    ("qa", looked_up),
    ("qa", described),
    ("qa", summary_without_text),
    ("gen", composing_verb),
    ("other", judging_verb),
    ("other", texts_compared),
    ("other", verdict_asked),
    ("other", case_judged),
    ("gen", advice_asked),
    ("qa", question),
)
"""The first that fires decides."""
