"""BioInstruct's way (arXiv 2310.19975): three seeds, one pass.

As there: three demonstrations drawn at random from the hand-written seeds, shown with instruction,
input and output; one call writes whole tasks; the teacher's own tasks are never shown.
Ours: the wording (after what Alpaca's and AlpaCare's requirement lists have in common, cut down to
what a small model can heed), temperature 0.8, top p 0.95, 512 tokens a reply, and one task a
request. Unknown: the paper's values of all of these, for neither prompt nor code is published.
"""

from collections.abc import Sequence

from preceptor.records import Seed
from preceptor.synthesis.parse import Parsed, parse
from preceptor.synthesis.protocols import wants
from preceptor.synthesis.protocols.base import Ask, Defaults, Wanted
from preceptor.synthesis.protocols.demonstrations import as_json, labelled
from preceptor.synthesis.protocols.one_pass import OnePass
from preceptor.synthesis.protocols.replies import tasks_of
from preceptor.synthesis.protocols.schemas import tasks_schema
from preceptor.synthesis.protocols.templates import render
from preceptor.synthesis.protocols.wording import fixed_text
from preceptor.teachers.calls import Message, Sampling

TEMPLATE = "bioinstruct"
FIELDS = {"biomedical": "medicine, biology or public health"}
"""What a domain takes in, where a small model needs to be told: the word alone leads it astray."""


class BioInstruct(OnePass):
    """See the module."""

    name = "bioinstruct"
    defaults = Defaults(
        demonstrations=3,
        machine_demonstrations=0,
        tasks_per_request=1,
        separate_answers=False,
        sampling={
            "task": Sampling(temperature=0.8, top_p=0.95, max_new_tokens=512),
            "answer": Sampling(temperature=0.8, top_p=0.95, max_new_tokens=512),
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
        text = render(
            TEMPLATE,
            domain=self._domain,
            field=FIELDS.get(self._domain, f"the {self._domain} field"),
            demonstrations=(as_json if structured else labelled)(shown, with_output),
            wanted=wanted,
            wishes=wants.wishes(wanted, with_output=with_output),
            tasks=tasks,
            structured=structured,
            with_output=with_output,
        )
        schema = tasks_schema(with_output) if structured else None
        return Ask("task", (Message("user", text),), schema, "" if structured else "Instruction:")

    def read(self, text: str, finished: bool, shown: Sequence[Seed], tasks: int) -> list[Parsed]:
        """The tasks of a reply in labelled fields or JSON."""
        return tasks_of(text, finished, parse)

    def wording(self) -> str:
        """All fixed text."""
        return fixed_text(self, (TEMPLATE,))
