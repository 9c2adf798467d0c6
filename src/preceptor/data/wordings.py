"""Templates of imported instruction sets, ten each; they read well without an input."""

from typing import Any


def _input(before: str) -> str:
    return "{% if input %}" + before + "{{ input }}{% endif %}"


SYSTEM = "{% if system %}{{ system }}\n\n{% endif %}"
"""Before a prompt, where a set has messages of the system."""
EARLIER = (
    "{% for turn in earlier %}User: {{ turn.instruction }}"
    "{% if turn.input %}\n\n{{ turn.input }}{% endif %}"
    "\n\nAssistant: {{ turn.output }}\n\n{% endfor %}"
)
"""Before a prompt, where a set has conversations of several exchanges."""

_EITHER = {
    "as_written": "{{ instruction }}" + _input("\n\n"),
    "input_first": "{% if input %}{{ input }}\n\n{% endif %}Keep to this: {{ instruction }}",
    "assistant_asked": "A user asks an assistant:\n{{ instruction }}"
    + _input("\n\nand adds:\n")
    + "\n\nThe assistant answers:",
    "do_as_told": "Do what is said here. {{ instruction }}" + _input("\n\n---\n"),
    "question_and_answer": "Q: {{ instruction }}" + _input("\n") + "\nA:",
    "request_marked": "### Request\n{{ instruction }}"
    + _input("\n\n### Material\n")
    + "\n\n### Reply",
    "given_this": "{% if input %}Given this:\n{{ input }}\n\nplease do the following: {% endif %}"
    "{{ instruction }}",
    "helpful_reply": "Write a helpful reply to this message.\n\n{{ instruction }}" + _input("\n\n"),
}
INSTRUCTIONS = _EITHER | {
    "input_below": "{{ instruction }}" + _input("\n\nInput:\n"),
    "task_and_response": "Task: {{ instruction }}" + _input("\nInput: ") + "\nResponse:",
}
"""For records of one exchange."""
CONVERSATIONS = _EITHER | {
    "person_writes": "You are a careful assistant. Reply to the person who writes:"
    "\n\n{{ instruction }}" + _input("\n\n"),
    "as_well_as_you_can": "What follows is what somebody wants of you now. Do it as well as you "
    "can.\n\n{{ instruction }}" + _input("\n\n"),
}
"""For conversations: all of them begin alike, so they must differ by more than a word or two."""

_OUTPUT = "\nOutput:"
NATURAL: dict[str, dict[str, Any]] = {
    "definition_then_input": {"prompt": "{{ definition }}\n\n{{ input }}"},
    "definition_with_examples": {
        "prompt": "Definition: {{ definition }}\n\n{{ examples }}\n\n"
        "Now complete the following example.\nInput: {{ input }}",
        "needs": ("examples",),
        "end": _OUTPUT,
    },
    "input_then_definition": {"prompt": "{{ input }}\n\nWhat to do with this: {{ definition }}"},
    "with_notes": {
        "prompt": "{{ definition }}\n\nMind this as you go:\n{{ notes }}\n\nYour case: {{ input }}",
        "needs": ("notes",),
    },
    "request_alone": {
        "prompt": "{{ input }}\n\nIn short, the job is this. {{ request }}",
        "needs": ("request",),
    },
    "test_paper": {
        "prompt": "A test paper says:\n{{ definition }}\n\nIts material is this:\n{{ input }}",
        "end": "\n\nYour answer:",
    },
    "colleague": {
        "prompt": "A colleague explains a job to you like this. {{ definition }}\n\n"
        "Then the first piece of it arrives:\n{{ input }}"
    },
    "apply_with_care": {
        "prompt": "Read a definition with care and apply it.\n\nThe definition:\n{{ definition }}"
        "\n\nApply it to this:\n{{ input }}"
    },
    "could_you": {
        "prompt": "Hi, could you do something for me? {{ definition }}\n\n"
        "It is about the following.\n{{ input }}"
    },
    "write_an_input": {
        "prompt": "Somebody was asked to do this: {{ definition }}\n\n"
        "The reply was: {{ answer }}\n\nWrite what the reply may have been made from.",
        "target": "{{ input }}",
    },
    "one_of_many": {
        "prompt": "You have done hundreds of these by one rule, which is: {{ definition }}\n\n"
        "The next one is\n{{ input }}"
    },
    "form_to_fill": {
        "prompt": "Form to fill in\nRule: {{ definition }}\nGiven: {{ input }}",
        "end": "\nEntry:",
    },
    "examples_first": {
        "prompt": "{{ examples }}\n\nGo on like that with the input {{ input }}",
        "needs": ("examples",),
    },
}
"""For Natural Instructions, in the order wanted. Each with what it needs the file to say, what
stands at its end when the answer is free text, and a target when it is turned around."""
