"""MedInstruct's way (AlpaCare, arXiv 2310.14558): tasks with their traits, answers one by one.

As there: three hand-written seeds and none of the teacher's own, shown with topic, view, type,
difficulty, instruction and input; twelve tasks a call, without outputs; each output by a call of
its own, which may go to another teacher; temperature 1.0, top p 1.0, and presence penalty 1.5 for
the tasks. The requirements say what theirs say in other words: views with wording to match, wide
topics, a fixed list of types, difficulty 1 to 5, inputs of 50 to 200 words of real context that
the user is never asked for, exam questions with their options.
Ours: the wording and the list of types; 4,096 tokens a reply instead of 500, which do not hold
twelve such tasks; the novelty filter drops one of two alike, not both. Unknown: the seeds' number
of each type, for ours are other seeds.
"""

from collections.abc import Sequence

from preceptor.records import Seed
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols import wants
from preceptor.synthesis.protocols.base import Ask, Defaults, Wanted
from preceptor.synthesis.protocols.demonstrations import as_json
from preceptor.synthesis.protocols.one_pass import OnePass
from preceptor.synthesis.protocols.replies import tasks_of
from preceptor.synthesis.protocols.schemas import tasks_schema
from preceptor.synthesis.protocols.templates import render
from preceptor.synthesis.protocols.traits import labelled_with_traits, parse_with_traits
from preceptor.synthesis.protocols.wording import fixed_text
from preceptor.teachers.calls import Message, Sampling

TEMPLATE = "medinstruct"
VIEWS = ("expert", "student", "patient", "public")
KINDS = (
    "open question",
    "multiple choice question",
    "reading comprehension",
    "information extraction",
    "summarisation",
    "rewriting",
    "classification",
    "ranking",
    "comparison",
    "reasoning about a case",
    "calculation",
    "advice or plan",
    "writing",
)


class MedInstruct(OnePass):
    """See the module."""

    name = "medinstruct"
    defaults = Defaults(
        demonstrations=3,
        machine_demonstrations=0,
        tasks_per_request=12,
        separate_answers=True,
        sampling={
            "task": Sampling(temperature=1.0, top_p=1.0, presence_penalty=1.5, max_new_tokens=4096),
            "answer": Sampling(temperature=1.0, top_p=1.0, max_new_tokens=512),
        },
    )

    def ask(
        self,
        shown: Sequence[Seed],
        wanted: Wanted,
        tasks: int,
        structured: bool,
        with_output: bool,
    ) -> Ask:
        """The prompt: requirements, demonstrations, wishes, and the request."""
        if structured:
            demonstrations = as_json(shown, with_output, traits=True)
        else:
            demonstrations = labelled_with_traits(shown, with_output)
        text = render(
            TEMPLATE,
            domain=self._domain,
            views=VIEWS,
            kinds=KINDS,
            demonstrations=demonstrations,
            wanted=wanted,
            wishes=wants.wishes(wanted, with_output=with_output),
            tasks=tasks,
            structured=structured,
            with_output=with_output,
        )
        schema = tasks_schema(with_output, traits=True) if structured else None
        return Ask("task", (Message("user", text),), schema, "" if structured else "Topic:")

    def read(self, text: str, finished: bool, shown: Sequence[Seed], tasks: int) -> list[Parsed]:
        """The tasks of a reply in labelled fields or JSON, with their traits."""
        return tasks_of(text, finished, parse_with_traits)

    def wording(self) -> str:
        """All fixed text."""
        return fixed_text(self, (TEMPLATE,))
