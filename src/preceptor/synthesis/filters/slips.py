"""What a teacher slips into: links, copies, stand-ins, the prompt's own text, refusals.

None of these is in the published programs. BioInstruct's released records hold inputs that are
bare web addresses, all answered as if they had been read.
"""

import re

from rapidfuzz.distance import LCSseq

from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.filters.grounding import says_unanswerable
from preceptor.synthesis.filters.verdicts import Context, Drop, runs_of_words
from preceptor.synthesis.novelty import rouge_l, tokenise
from preceptor.synthesis.parse import Parsed

COPY_WORDS = 4
"""An output of at least so many words, equal to a demonstration's, is a copy."""
NEAR_COPY_WORDS = 8
"""One that only resembles it needs so many."""
LINK_WORDS = 6
"""An input that refers elsewhere has at most so many words besides."""

_ELSEWHERE = re.compile(
    r"<?(?:(?:https?|ftp)://|www\.)\S+|\bdoi:\s*\S+|\b10\.\d{4,9}/\S+"
    r"|\bPM(?:C|ID)(?:\s*ID)?\s*[:#]?\s*\d{4,9}\b"
    r"|(?<![\w-])[\w-]{1,80}+\.(?:pdf|docx?|xlsx?|csv|png|jpe?g|tiff?|dcm|txt)\b",
    re.IGNORECASE,
)
_STAND_IN = re.compile(
    r"[\[<{]\s*(?:insert|enter|add|your|the|a|an|patient|person|name|age|sex|gender|date|drug"
    r"|medication|medicine|dose|disease|condition|diagnosis|symptom|text|number|value|list|topic)"
    r"(?:'?s)?(?:[ _/,-][a-z' _/,-]*)?\s*[\]>}]"
    r"|\[\s*(?:\.{2,}|…|_+|x+)\s*\]|_{3,}|\bx{3,}\b|\blorem ipsum\b"
    r"|^(?:please )?(?:insert|enter|paste|provide|attach|upload)\b",
    re.IGNORECASE,
)
_GAP_WANTED = re.compile(
    r"\b(?:blanks?|gaps?|cloze|missing|placeholders?|template|form letter)\b"
    r"|\bfill|\bcomplete the\b",
    re.IGNORECASE,
)
_UNKNOWN_NUMBER = re.compile(r"(?<![\w-])(?:X{1,3}|\[X\]|_{2,}|#{2,}) ?(?:%|percent\b|million\b)")
_CHAT_MARKS = re.compile(
    r"<\|\w*|\[/?INST\]|<</?SYS>>|</?s>|instruction[- ](?:response|output|input|answer) pair"
    r"|^[^\w\n]*+(?:user|assistant|system)[ \t]*+:?[ \t]*+$|^[^\w\n]*+instruction ?\d{0,3} ?:"
    r"|^[^\w\n]*+step \d{1,3} ?:\W{0,9}(?:write|create|generate|think of|choose|design)\b"
    r"[^.\n]{0,40}\b(?:instruction|task|input|output|prompt)\b",
    re.IGNORECASE | re.MULTILINE,
)
_OPENING_LEAK = re.compile(r"(?:step|task|requirement|example)s?\s*\d*\s*:", re.IGNORECASE)
"""No instruction of its own begins so."""
_MODEL = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?: a|')m (?:just |only |merely )?an? (?:ai\b|language model|chatbot)"
    r"|\bi (?:do not|don't) have (?:personal|access to|the ability)\b"
    r"|\bmy (?:knowledge cut-?off|training data)\b",
    re.IGNORECASE,
)
_DECLINES = re.compile(
    r"\A\W*(?:i'?m|i am|we are)(?: (?:very|so|really|deeply|truly))? (?:sorry\b"
    r"(?! (?:to hear|you|about|for (?:that|your|the|any)|that you))|afraid (?:i|that)\b"
    r"|(?:unable|not able) to\b)|\A\W*(?:my )?apologies\b"
    r"|\A\W*i (?:must )?apologi[sz]e\b"
    r"|\A\W*(?:(?:unfortunately|sorry)[,.]? (?:but )?)?i (?:must decline|have to decline"
    r"|(?:can ?not|can't|could not|couldn't|will not|won't|am unable to|am not able to) (?:\w+ly )?"
    r"(?:access|advise|answer|assist|browse|complete|comply|create|determine|diagnose"
    r"|do (?:this|that)|engage|fulfil|generate|give|help|offer|open|perform|prescribe|produce"
    r"|provide|read|recommend|respond|say|see|share|support|tell|translate|view|write)"
    r"|(?:do not|don't) (?:have (?:enough|access|the|any|sufficient|information)|know|understand))"
    r"|\A\W*sorry, (?:but )?(?:this|that|we|there)\b",
    re.IGNORECASE,
)
_ASKS_BACK = re.compile(
    r"\A\W*(?:sure[,!.]? |certainly[,!.]? |of course[,!.]? )?(?:please|could you|can you|kindly)"
    r"(?: please)? (?:provide|share|paste|supply|attach|upload|specify|give me|send)\b"
    r"|\A\W*(?:i|we) (?:would )?need (?:more|additional|further) (?:information|context|details)\b",
    re.IGNORECASE,
)
_IN_A_VOICE = re.compile(
    r"\b(?:e-?mail|letter|message|reply|excuse|apolog\w+|sympath\w+|dialogue|role-?play)\b",
    re.IGNORECASE,
)
"""Such an instruction asks for words that somebody else is to say."""
_NOTE_AS_OUTPUT = re.compile(
    r"\A\W*(?:note\W+)?the (?:output|response to (?:this|the) (?:task|instruction|prompt)) "
    r"(?:will|would|should|may|depends|varies|can)\b",
    re.IGNORECASE,
)
"""It speaks of an output instead of giving one."""


def bare_link(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """The input is a web address, an article's number or a file's name and little else.

    The answer could not have used it.
    """
    named = _ELSEWHERE.findall(task.input)
    if named and len(tokenise(_ELSEWHERE.sub(" ", task.input))) <= LINK_WORDS:
        return Drop("input is a bare link", named[0])
    return None


def copied_demonstration(task: Parsed, context: Context, config: FilterConfig) -> Drop | None:
    """A demonstration of the same request comes back: its instruction or its output, or nearly."""
    instruction, output = tokenise(task.instruction), tokenise(task.output)
    for seed in context.shown:
        shown_output = tokenise(seed.output)
        if (
            _alike(instruction, tokenise(seed.instruction)) >= config.near_copy
            or (len(output) >= COPY_WORDS and output == shown_output)
            or (len(output) >= NEAR_COPY_WORDS and _alike(output, shown_output) >= config.near_copy)
        ):
            return Drop("copied demonstration", seed.id)
    return None


def placeholder(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """The input leaves something to fill in, and the instruction does not ask to fill it in.

    In an output only "X%" counts: a letter may well begin "Dear [name]".
    """
    if not _GAP_WANTED.search(task.instruction) and (found := _STAND_IN.search(task.input)):
        return Drop("placeholder in the input", found[0])
    found = _UNKNOWN_NUMBER.search(task.output)
    return Drop("placeholder in the output", found[0]) if found else None


def leaked_prompt(task: Parsed, context: Context, _: FilterConfig) -> Drop | None:
    """The task carries chat markup, a head of the task format, or the wording of our own prompt."""
    if opening := _OPENING_LEAK.match(task.instruction):
        return Drop("leaked prompt text", opening[0])
    for text in (task.instruction, task.input, task.output):
        if marks := _CHAT_MARKS.search(text):
            return Drop("leaked prompt text", marks[0].strip())
        if leaked := runs_of_words(text) & context.wording:
            return Drop("leaked prompt text", " ".join(min(leaked)))
    return None


def refusal(task: Parsed, context: Context, _: FilterConfig) -> Drop | None:
    """The output declines, asks back, speaks of being a model or of what an output would be.

    Where the task was asked for as unanswerable, declining for want of information is right; where
    it asks for an e-mail or an excuse, the apology may be its writer's.
    """
    output = task.output.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    found = _MODEL.search(output) or _NOTE_AS_OUTPUT.search(output)
    in_a_voice = _IN_A_VOICE.search(task.instruction)
    if not (found or in_a_voice or (context.unanswerable and says_unanswerable(output))):
        found = _DECLINES.search(output) or _ASKS_BACK.search(output)
    return Drop("refusal", found[0].strip()) if found else None


def _alike(a: list[str], b: list[str]) -> float:
    """ROUGE-L F; 0 for texts without words."""
    return rouge_l(int(LCSseq.similarity(a, b)), len(a), len(b)) if a and b else 0.0
