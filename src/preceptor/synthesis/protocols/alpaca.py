"""Stanford Alpaca's way: three seeds, twenty tasks a call, one list whose numbers go on.

As there: three demonstrations of hand-written seeds with instruction, input and output, numbered 1
to 3; the new tasks are numbered from 4; temperature 1.0, top p 1.0, at most 3,072 tokens a reply;
the last task of a reply that ended by length is dropped; the teacher's own tasks are never shown.
Ours: the wording (the requirement list was paraphrased, not copied) and the numbers of the
requirements, which are 1 to 8 (there a number occurs twice); that twenty *new* tasks are asked for
(there the list of twenty begins with the three shown, and a stop text at "20." ends it at 19); no
stop texts, since a number would also stop a reply at a dose; no ban on the end-of-text token, which
chat endpoints do not offer. Unknown: nothing that matters here.
"""

import re
from collections.abc import Sequence
from functools import partial

from preceptor.records import Seed
from preceptor.synthesis.parse import Parsed, labels_in
from preceptor.synthesis.parse_numbered import parse_numbered
from preceptor.synthesis.protocols import wants
from preceptor.synthesis.protocols.base import Ask, Defaults, Wanted
from preceptor.synthesis.protocols.demonstrations import as_json, numbered
from preceptor.synthesis.protocols.one_pass import OnePass
from preceptor.synthesis.protocols.replies import tasks_of
from preceptor.synthesis.protocols.schemas import tasks_schema
from preceptor.synthesis.protocols.templates import render
from preceptor.synthesis.protocols.wording import fixed_text
from preceptor.teachers.calls import Message, Sampling

TEMPLATE = "alpaca"
_NUMBER = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]+(?=(?:instruction|input)\b)", re.I | re.M)


class Alpaca(OnePass):
    """See the module."""

    name = "alpaca"
    defaults = Defaults(
        demonstrations=3,
        machine_demonstrations=0,
        tasks_per_request=20,
        separate_answers=False,
        sampling={
            "task": Sampling(temperature=1.0, top_p=1.0, max_new_tokens=3072),
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
        """The prompt: requirements, wishes, and a list that breaks off where the reply begins."""
        first = len(shown) + 1
        text = render(
            TEMPLATE,
            domain=self._domain,
            demonstrations=(as_json if structured else numbered)(shown, with_output),
            wanted=wanted,
            wishes=wants.wishes(wanted, with_output=with_output),
            tasks=tasks,
            first=first,
            last=first + tasks - 1,
            structured=structured,
            with_output=with_output,
        )
        schema = tasks_schema(with_output) if structured else None
        opening = "" if structured else f"{first}. Instruction:"
        return Ask("task", (Message("user", text),), schema, opening)

    def read(self, text: str, finished: bool, shown: Sequence[Seed], tasks: int) -> list[Parsed]:
        """The tasks of a reply in numbered fields or JSON."""
        return tasks_of(text, finished, partial(_parse, first=len(shown) + 1))

    def wording(self) -> str:
        """All fixed text."""
        return fixed_text(self, (TEMPLATE,))


def _parse(text: str, finished: bool, first: int) -> list[Parsed]:
    """Numbers are dropped from a reply without outputs: its reader would part them from heads."""
    if all(field != "output" for _, field in labels_in(text)):
        text = _NUMBER.sub("", text)
    return parse_numbered(text, finished, first)
