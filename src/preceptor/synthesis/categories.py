"""Which of BioInstruct's categories a task belongs to: question answering (qa), information
extraction (ie), text generation (gen), or other.

The released records (arXiv 2310.19975) carry no category, and how the paper assigned them is
unknown. The guide in ``docs/categories.md`` is ours, and so are the rules (``category_rules``): the
first that fires decides, and its name is kept with the record. How well they follow the guide is
measured against packaged labels (``agreement``); a model's vote may decide instead (``votes``).
"""

from preceptor.synthesis.category_rules import RULES, see

CATEGORIES = ("qa", "ie", "gen", "other")
NO_RULE = "none fired"


def categorise(instruction: str, input: str, output: str) -> tuple[str, str]:
    """Category and the name of the rule that gave it; ('other', 'none fired') without one."""
    task = see(instruction, input, output)
    for category, rule in RULES:
        if rule(task):
            return category, rule.__name__
    return "other", NO_RULE
