"""Instruction tuning, from seed tasks and data sets to a tuned model, with proof of what it did."""

__version__ = "0.1.0"
