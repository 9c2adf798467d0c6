"""Seed tasks in, new instructions out: BioInstruct's synthesis (arXiv 2310.19975)."""
