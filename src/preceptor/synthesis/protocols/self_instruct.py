"""Self-Instruct's way (arXiv 2212.10560): instructions, then the kind of each, then instances.

As there (section 2.2): eight instructions in a prompt, six hand-written and two of the teacher's
own, all hand-written until there are any, in an order that the caller draws; the instruction's text
only, as a numbered list that the reply goes on with from item 9 (temperature 0.7, top p 0.5,
presence penalty 2, 1,024 tokens). Then, at temperature 0 and after fixed examples, whether the
instruction is a classification; then instances (temperature 0, presence penalty 1.5), at most five:
of a classification the label first and an input for it, of others the input first. A reply about
the kind that is not clearly a yes counts as a no, as there.
Ours: the wording and the examples (ten and eight; theirs are more); no stop texts, since "16."
would also stop a list at a dose, so eight items are asked for (there the list ended before 16);
classification with 8 tokens instead of 3; instances with 1,024 tokens instead of 300, for clinical
inputs are long; top p 1 instead of 0 for instances, which at temperature 0 is the same and some
endpoints refuse; letters keep their case; of a reply that ended by length only its last item is
lost; a task that is to be unanswerable is no classification, and nobody is asked; with a passage as
the input there is nothing to write but the output, which is asked for at once.
Unknown: nothing that matters here.
"""

from collections.abc import Sequence
from dataclasses import replace

from preceptor.records import Seed
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.parse_instances import parse_instances, parse_label
from preceptor.synthesis.parse_json import parse_json
from preceptor.synthesis.parse_list import parse_instruction_list
from preceptor.synthesis.protocols import schemas, wants
from preceptor.synthesis.protocols.answers import ask_answer, read_answer
from preceptor.synthesis.protocols.base import Ask, Defaults, Draft, Wanted
from preceptor.synthesis.protocols.demonstrations import instructions_as_json, listed
from preceptor.synthesis.protocols.replies import is_json, tasks_of
from preceptor.synthesis.protocols.templates import render
from preceptor.synthesis.protocols.wording import fixed_text
from preceptor.teachers.calls import Message, Sampling

TEMPLATES = ("self_instruct", "classify", "label_first", "input_first", "about_instances")
MOST_INSTANCES = 5
NO_INSTANCE = "no instance"


class SelfInstruct:
    """See the module."""

    name = "self-instruct"
    defaults = Defaults(
        demonstrations=6,
        machine_demonstrations=2,
        tasks_per_request=8,
        separate_answers=False,
        sampling={
            "task": Sampling(temperature=0.7, top_p=0.5, presence_penalty=2.0, max_new_tokens=1024),
            "classify": Sampling(temperature=0.0, max_new_tokens=8),
            "instance": Sampling(temperature=0.0, presence_penalty=1.5, max_new_tokens=1024),
            "answer": Sampling(temperature=0.0, max_new_tokens=512),
        },
    )

    def __init__(self, domain: str = "biomedical") -> None:
        """For tasks of a domain, named by an adjective."""
        self._domain = domain

    def ask(
        self,
        shown: Sequence[Seed],
        wanted: Wanted,
        tasks: int,
        structured: bool,
        with_output: bool,
    ) -> Ask:
        """The prompt for instructions; whoever writes the outputs, this call does not."""
        first = len(shown) + 1
        text = render(
            "self_instruct",
            domain=self._domain,
            demonstrations=(instructions_as_json if structured else listed)(shown),
            wanted=wanted,
            wishes=wants.wishes(wanted, "instruction"),
            tasks=tasks,
            first=first,
            last=first + tasks - 1,
            structured=structured,
        )
        schema = schemas.instructions_schema() if structured else None
        return Ask("task", (Message("user", text),), schema, "" if structured else f"{first}.")

    def read(self, text: str, finished: bool, shown: Sequence[Seed], tasks: int) -> list[Parsed]:
        """The instructions of a reply as a numbered list or JSON; their outputs come later."""
        found = tasks_of(text, finished, parse_instruction_list)
        return [
            replace(task, fault="", input="", output="") if task.fault == "no output" else task
            for task in found
        ]

    def next(self, draft: Draft) -> Ask | None:
        """First the kind of the instruction, then its instances."""
        if draft.tasks or draft.fault:
            return None
        if draft.wanted.passage_as_input:
            return ask_answer(draft.task.instruction, draft.task.input, draft.wanted, "instance")
        if draft.classification is None and not draft.wanted.unanswerable:
            return self._ask_kind(draft)
        return self._ask_instances(draft, bool(draft.classification))

    def absorb(self, draft: Draft, kind: str, text: str, finished: bool) -> Draft:
        """With the kind, or with instances, or with the fault that there is none."""
        if kind == "classify":
            return replace(draft, classification=parse_label(text, schemas.YES_OR_NO) == "yes")
        if draft.wanted.passage_as_input:
            output, fault = read_answer(text, finished)
            pairs = [] if fault else [(draft.task.input, output)]
        else:
            pairs = _instances(text, finished, bool(draft.classification))
            fault = NO_INSTANCE if finished else "cut off"
        if not pairs:
            return replace(draft, fault=fault)
        tasks = [replace(draft.task, input=input, output=output) for input, output in pairs]
        return replace(draft, tasks=tuple(tasks[:MOST_INSTANCES]))

    def wording(self) -> str:
        """All fixed text, with the examples."""
        return fixed_text(self, TEMPLATES)

    def _ask_kind(self, draft: Draft) -> Ask:
        text = render("classify", instruction=draft.task.instruction, structured=draft.structured)
        schema = schemas.label_schema() if draft.structured else None
        return Ask("classify", (Message("user", text),), schema)

    def _ask_instances(self, draft: Draft, classification: bool) -> Ask:
        passage = draft.wanted.passage
        text = render(
            "label_first" if classification else "input_first",
            domain=self._domain,
            instruction=draft.task.instruction,
            passage=passage.text if passage else "",
            wishes=wants.wishes(draft.wanted, "instance"),
            structured=draft.structured,
            most=MOST_INSTANCES,
        )
        schema = schemas.instances_schema(classification) if draft.structured else None
        opening = "Class label:" if classification else "Example 1\n"
        if draft.structured:
            opening = ""
        return Ask("instance", (Message("user", text),), schema, opening)


def _instances(text: str, finished: bool, classification: bool) -> list[tuple[str, str]]:
    """(input, output) of each whole instance, from JSON or from heads."""
    if not is_json(text):
        return parse_instances(text, finished, classification)
    whole = [task for task in parse_json(text, finished) if task.fault in ("", "no instruction")]
    return [(task.input, task.output) for task in whole if task.output]
