"""Decontamination: what a model is evaluated on is in none of its training, and the proof of it."""
