"""What a reader should look at. A flag drops nothing: it names itself and the text that it saw.

Only what a text can be asked without knowing medicine: vital signs that no living person has, doses
written as ISMP's list of error-prone abbreviations warns against, sums that do not come out, and
doses that the output brings in by itself.
"""

from collections.abc import Callable

from preceptor.synthesis.filters import doses, vital_signs
from preceptor.synthesis.parse import Parsed

FLAGS: dict[str, Callable[[str], str]] = {
    "temperature": vital_signs.temperature,
    "heart_rate": vital_signs.heart_rate,
    "blood_pressure": vital_signs.blood_pressure,
    "oxygen_saturation": vital_signs.oxygen_saturation,
    "share_over_100": vital_signs.share_over_100,
    "trailing_zero": doses.trailing_zero,
    "naked_decimal": doses.naked_decimal,
    "microgram_sign": doses.microgram_sign,
    "two_units": doses.two_units,
    "daily_dose": doses.daily_dose,
}
"""Flag name to what it sees in a text; empty where that is nothing."""
DOSE_NOT_GIVEN = "dose_not_given"


def flags(task: Parsed, passage: str = "") -> dict[str, str]:
    """Flag name to the text that it saw, with the field's name; empty for a task without any.

    Args:
        task: Its instruction, input and output are looked at, in this order, for the first sight.
        passage: What the task was made from: its doses are given.
    """
    fields = {"instruction": task.instruction, "input": task.input, "output": task.output}
    raised: dict[str, str] = {}
    for name, look in FLAGS.items():
        for field, text in fields.items():
            if seen := look(text):
                raised[name] = f"{field}: {seen}"
                break
    given = "\n".join((task.instruction, task.input, passage))
    if seen := doses.not_given(task.output, given):
        raised[DOSE_NOT_GIVEN] = f"output: {seen}"
    return raised
