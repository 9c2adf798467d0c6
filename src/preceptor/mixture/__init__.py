"""Mixture: rows of many tasks under many templates, and synthesised instructions, in one order."""
