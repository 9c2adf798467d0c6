"""Drawings of the library: its clusters, and the templates of a task, as in FLAN's figures."""
