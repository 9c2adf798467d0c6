"""A small task and its rows, for the tests of this folder."""

from collections.abc import Mapping

from preceptor.records import Row
from preceptor.tasks.task import Task
from preceptor.tasks.taskfile import parse_task

RAIN = """\
task: rain
title: Does it rain?
cluster: natural_language_inference
licence: CC0-1.0
about: Does a line on the weather speak of rain?
source: {folder: rain, splits: {train: train, test: test}}
provenance: [rain]
fields: {line: str, label: int}
keep: label >= 0
values:
  line: line | tidy
labels:
  field: label
  names: {0: dry, 1: wet}
  words: {wet: "yes", dry: "no"}
metric: accuracy
templates:
  - id: plain
    prompt: |-
      {{ line }}
      Does it rain?

      {{ options_block }}
  - id: write_a_line
    inverted: true
    prompt: Write a line on weather {{ "with" if answer == "yes" else "without" }} rain.
    target: "{{ line }}"
"""

PICK = RAIN.replace(
    """labels:
  field: label
  names: {0: dry, 1: wet}
  words: {wet: "yes", dry: "no"}
""",
    """choices:
  options: texts
  answer: label
""",
).replace("fields: {", "fields: {texts: list, ")

COPY = (
    RAIN[: RAIN.index("labels:")]
    + """answer: line | upper
metric: rouge_l
max_new_tokens: 16
templates:
  - {id: shout, prompt: "Shout: {{ line }}"}
"""
)


def task(text: str = RAIN) -> Task:
    return parse_task(text, "rain.yaml")


def row(**fields: object) -> Row:
    given: Mapping[str, object] = {"line": " Wet  all day. ", "label": 1, **fields}
    return Row("rain", "train", "7", given)
